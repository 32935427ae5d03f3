import { defineWorker } from 'pitwall/transports';

export default defineWorker({
  /**
   * Scales a tensor to 0..1. The payload may lie in shared memory: the result is new bytes, float32.
   * @param {import('pitwall/transports').Tensor<Float32Array>} payload
   */
  scale({ data }) {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of data) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const range = most > least ? most - least : 1;
    return Buffer.from(data.map((value) => (value - least) / range).buffer);
  },
});
