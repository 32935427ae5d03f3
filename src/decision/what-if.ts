/** Decisions that nobody asked for: what `decide` would answer in other circumstances, with nothing drawn. */
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { PoolSnapshot, ResourceSnapshot, TransferRequest, Warmth } from './types.ts';

/** A payload as far as a lane depends on it. */
export interface SupposedPayload {
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  /** Default false. */
  readonly compression?: boolean | undefined;
  readonly inPlace?: boolean | undefined;
}

export interface Circumstances {
  readonly warmth: Warmth;
  readonly resources: ResourceSnapshot;
  /** Transfers of the pool in flight, this one included. */
  readonly inFlight: number;
}

/**
 * The pool's decision about the payload there and then. What the pool tries (`withoutDraws`) is the caller's to take out.
 *
 * @param transferId default: none
 */
export function decideWhatIf(
  pool: PoolSnapshot,
  payload: SupposedPayload,
  { warmth, resources, inFlight }: Circumstances,
  transferId = '',
): Decision {
  const then = { ...withWarmth(pool, warmth, resources), inFlight: Math.max(0, inFlight - 1) };
  return decide(supposedRequest(pool.pool, payload), then, resources, resources.atMs, NO_DRAW, transferId);
}

export function supposedRequest(pool: string, payload: SupposedPayload): TransferRequest {
  const { dataSize, dataType, format, compression = false, inPlace } = payload;
  return { pool, dataSize, dataType, format, compression, inPlace, sessionId: undefined, attributes: undefined };
}

/** What was recorded of the memory of a transfer, as a word. */
export function warmthOf(warm: boolean | undefined): Warmth {
  return warm === undefined ? 'unknown' : warm ? 'warm' : 'cold';
}

/** The largest draw there is, so that nothing is explored. */
export const NO_DRAW = (): number => 1 - 2 ** -53;

/** The pool as it believes, without what it tries: no experiment runs, and no lane is explored. */
export function withoutDraws(pool: PoolSnapshot): PoolSnapshot {
  return { ...pool, experiment: undefined, policy: { ...pool.policy, explorationRate: 0 } };
}

/** The pool as if all memory were warm, or none; `undefined` leaves it as its transport says. */
export function withWarmth(
  pool: PoolSnapshot,
  warmth: Warmth | undefined,
  resources: ResourceSnapshot | undefined,
): PoolSnapshot {
  if (warmth === undefined) return pool;
  if (warmth === 'unknown') return { ...pool, transport: undefined };
  const roomBytes = pool.transport?.roomBytes ?? resources?.sharedMemoryRoom ?? Number.POSITIVE_INFINITY;
  // Below the smallest size there is: nothing is warm.
  const warmBytes = warmth === 'warm' ? Number.POSITIVE_INFINITY : -1;
  const transport = pool.transport ?? { zeroCopyReady: true, reason: undefined };
  return { ...pool, transport: { ...transport, roomBytes, warmBytes } };
}
