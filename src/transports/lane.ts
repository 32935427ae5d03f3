/** What the runtime gives to a lane, and takes from it. Types only; the runtime's own are wider. */
import type { TransferCost } from './types.ts';

/** What a lane may know and say while it moves one payload. */
export interface LaneContext {
  readonly signal: AbortSignal | undefined;
  /** Parts of the cost that the lane measured. */
  report(cost: Partial<TransferCost>): void;
  /** This transfer's latency says nothing about the lane (its worker had to be restarted, say): it is recorded as `ignored`. */
  ignore(): void;
}

/** Moves `data`; resolves with what the caller gets. */
export type Lane<D, T> = (data: D, context: LaneContext) => T | PromiseLike<T>;

export interface Lanes<D, T> {
  readonly zeroCopy: Lane<D, T>;
  readonly grpc: Lane<D, T>;
}
