/** `pitwall/transports`: worker processes, and both lanes to them. gRPC, shared memory and Arrow load when they are first used. */
export { defineWorker, type Handler, type HandlerContext, type Handlers } from './define-worker.ts';
export { TransportError } from './errors.ts';
export type { ForcedLane, ForcedLaneContext, ForcedLaneOptions, ForcedLanes } from './forced-lanes.ts';
export type { ArenaStats, MemoryLane } from './memory/types.ts';
export type { PoolBuffer, PoolTensor, SharedResult } from './pool-buffer.ts';
export type { WorkerPoolOptions } from './pool-options.ts';
export type { RuntimePort } from './runtime-port.ts';
export { type Tensor, type TensorArrays, type TensorData, tensor } from './tensor.ts';
export {
  type CloseOptions,
  type ExecuteOptions,
  startWorkerPool,
  type WorkerPool,
  type WorkerPoolStatus,
} from './worker-pool.ts';
export type { WorkerStatus } from './worker-table.ts';
