// A worker's script: startWorkerPool(runtime, { pool: 'ml', script: new URL('./worker.js', import.meta.url) })
import { createHash } from 'node:crypto';
import { defineWorker, tensor } from 'pitwall/transports';

export default defineWorker({
  /**
   * Scales a tensor to mean 0 and deviation 1. The payload may lie in shared memory: the result is a new array.
   * @param {import('pitwall/transports').Tensor<Float32Array>} payload
   */
  normalize({ data, shape }) {
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    const scale = variance > 0 ? 1 / Math.sqrt(variance) : 1;
    return tensor(
      data.map((value) => (value - mean) * scale),
      shape,
    );
  },

  /**
   * SHA-256 of bytes.
   * @param {Buffer} bytes
   */
  digest: (bytes) => createHash('sha256').update(bytes).digest('hex'),

  /**
   * Handlers may be async, and hear when their caller gives up.
   * @param {{ ms: number }} options
   * @param {import('pitwall/transports').HandlerContext} context
   */
  async pause({ ms }, { signal }) {
    const { setTimeout } = await import('node:timers/promises');
    await setTimeout(ms, undefined, { signal });
  },
});
