/** Counts that the hot path keeps: plain numbers, read by statistics and telemetry, never reset while the runtime lives. */
import type { DecisionReason, Method } from '../decision/types.ts';

/** One pool's counts since the runtime started. */
export class PoolCounters {
  decisions = 0;
  zeroCopy = 0;
  grpc = 0;
  explored = 0;
  /** Decisions that fell back, and transfers that failed over from zero-copy to gRPC. */
  fallbacks = 0;
  failures = 0;
  readonly #zeroCopyReasons = new Map<DecisionReason, number>();
  readonly #grpcReasons = new Map<DecisionReason, number>();

  count(method: Method, reason: DecisionReason, explored: boolean): void {
    this.decisions += 1;
    if (method === 'zero_copy') this.zeroCopy += 1;
    else this.grpc += 1;
    if (explored) this.explored += 1;
    const reasons = method === 'zero_copy' ? this.#zeroCopyReasons : this.#grpcReasons;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }

  /** Decisions by lane and reason. */
  *byLane(): Generator<[key: { method: Method; reason: DecisionReason }, count: number]> {
    for (const [reason, count] of this.#zeroCopyReasons) yield [{ method: 'zero_copy', reason }, count];
    for (const [reason, count] of this.#grpcReasons) yield [{ method: 'grpc', reason }, count];
  }

  /** Decisions by reason, whichever lane it led to. */
  byReason(): Record<string, number> {
    const reasons: Record<string, number> = {};
    for (const [{ reason }, count] of this.byLane()) reasons[reason] = (reasons[reason] ?? 0) + count;
    return reasons;
  }
}

/** What the runtime refused or lost, by cause. Every limit has its counter here. */
export class RefusalCounters {
  /** Records for ids that are unknown, too old, or recorded already. */
  unmatchedRecords = 0;
  /** Records whose metrics made no sense. */
  invalidRecords = 0;
  /** Decisions whose record never came before their place in the ledger was needed. */
  unrecordedDecisions = 0;
  /** Requests that were no requests. */
  invalidRequests = 0;
  /** Requests of new pools beyond `maxPools`, served as the overflow pool. */
  refusedPools = 0;
  /** Exceptions inside the decision, each answered with gRPC. */
  failedDecisions = 0;
}
