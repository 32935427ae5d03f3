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
  readonly byReason = new Map<DecisionReason, number>();

  count(method: Method, reason: DecisionReason, explored: boolean): void {
    this.decisions += 1;
    if (method === 'zero_copy') this.zeroCopy += 1;
    else this.grpc += 1;
    if (explored) this.explored += 1;
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1);
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
