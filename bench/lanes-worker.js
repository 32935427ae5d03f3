// A worker that does nothing: what a transfer takes is the transfer.
import { defineWorker } from 'pitwall/transports';

export default defineWorker({ nothing: () => undefined });
