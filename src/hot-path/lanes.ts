/** What a host gives to `runtime.transfer`: its own two ways of moving a payload. */
import type { Decision } from '../decision/decision.ts';
import type { Attributes, DataType, Format } from '../decision/types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { TransferCost } from '../transports/types.ts';

/** A transfer, as a host asks for it: the payload, and what the host knows of it better than pitwall can see. */
export interface TransferInput<D> {
  readonly pool: string;
  readonly data: D;
  /** Bytes of the encoded payload. Default: read from `data`. */
  readonly dataSize?: number | undefined;
  readonly dataType?: DataType | undefined;
  readonly format?: Format | undefined;
  readonly compression?: boolean | undefined;
  readonly sessionId?: string | undefined;
  readonly attributes?: Attributes | undefined;
}

/** What a lane may know and say while it moves one payload. */
export interface LaneContext {
  readonly decision: Decision;
  readonly signal: AbortSignal | undefined;
  /** Parts of the cost that the lane measured; what it leaves out is measured from outside, or unknown. */
  report(cost: Partial<TransferCost>): void;
  /** This transfer's latency says nothing about the lane (its worker had to be restarted, say): it is recorded as `ignored`. */
  ignore(): void;
}

/** Moves `data`; resolves with whatever the host's caller wants back. */
export type Lane<D, T> = (data: D, context: LaneContext) => T | PromiseLike<T>;

export interface Lanes<D, T> {
  readonly zeroCopy: Lane<D, T>;
  readonly grpc: Lane<D, T>;
}

/** What is wrong with what a host gave as its two lanes. */
export function problemOfLanes(lanes: unknown): InvalidArgumentError | undefined {
  if (typeof lanes !== 'object' || lanes === null) return new InvalidArgumentError('lanes', lanes, 'an object');
  const { zeroCopy, grpc }: { zeroCopy?: unknown; grpc?: unknown } = lanes;
  if (typeof zeroCopy !== 'function') return new InvalidArgumentError('lanes.zeroCopy', zeroCopy, 'a function');
  return typeof grpc === 'function' ? undefined : new InvalidArgumentError('lanes.grpc', grpc, 'a function');
}

/** @throws InvalidArgumentError naming the lane */
export function checkLanes(lanes: unknown): void {
  const problem = problemOfLanes(lanes);
  if (problem !== undefined) throw problem;
}

/**
 * Whether a failed zero-copy leg must not be repeated over gRPC: the error says so (`retryable: false`: the command may have run, or its
 * handler failed by itself), or the caller gave up.
 */
export function isFinal(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return true;
  return typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === false;
}

/**
 * Whether a failure is the command's own and says nothing about the lane: the handler threw (`laneFault: false`), or the caller gave up.
 */
export function isLaneFault(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return false;
  return !(typeof error === 'object' && error !== null && 'laneFault' in error && error.laneFault === false);
}

/** The stable code of an error, if it has one. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code.slice(0, 64) : undefined;
}
