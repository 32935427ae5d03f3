import { defineWorker } from 'pitwall/transports';

export default defineWorker({
  sum: (tensor) => tensor.data.reduce((total, value) => total + value, 0),
});
