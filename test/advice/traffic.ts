/** Transfers of a host's own lanes whose costs are known: gRPC pays by the byte, zero-copy once. */
import type { Runtime } from 'pitwall';
import { seededRandom } from '../../src/learning/random.ts';

export interface Costs {
  readonly grpc: (bytes: number) => number;
  readonly zeroCopy: (bytes: number) => number;
}

/** The lanes cross at about 8 MiB. */
export const COSTS: Costs = {
  grpc: (bytes) => 200 + bytes * 0.001,
  zeroCopy: (bytes) => 6_000 + bytes * 0.0003,
};

/** Sends `count` transfers of log-uniform sizes; latencies scatter as real ones do. */
export function traffic(runtime: Runtime, seed: number, costs: Costs = COSTS) {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return async (
    count: number,
    request: { readonly dataType?: string; readonly format?: string; readonly compression?: boolean } = {},
    factor = 1,
    sizes: readonly [from: number, to: number] = [2 ** 17, 2 ** 26],
  ): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const dataSize = Math.round(sizes[0] * (sizes[1] / sizes[0]) ** random());
      const payload = { pool: 'ml', dataSize, dataType: 'tensor', format: 'numpy', ...request };
      const { transferId, method } = runtime.decideTransferMethod(payload);
      const us = method === 'grpc' ? costs.grpc(dataSize) : costs.zeroCopy(dataSize);
      runtime.recordTransferMetrics(transferId, { latencyUs: factor * us * Math.exp(0.1 * normal()) });
      if (index % 200 === 199) await runtime.flush();
    }
    await runtime.flush();
  };
}
