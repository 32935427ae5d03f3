import type { LaneTrend, QueryOutcome } from '../actors/analyzer.ts';
import type { Destinations } from '../actors/destinations.ts';
import { PitwallError } from '../errors.ts';
import type { Decider } from '../hot-path/decider.ts';
import type { SeriesPoint, StoreStatistics } from '../metrics/statistics.ts';
import type { SeriesQuery, StatisticsQuery } from '../metrics/store-types.ts';
import { call, describeReason } from '../otp/index.ts';

/** `runtime.analyzer`: what was measured, over any range of time. */
export class Analyzer {
  readonly #destinations: Destinations;
  readonly #decider: Decider;

  constructor(destinations: Destinations, decider: Decider) {
    this.#destinations = destinations;
    this.#decider = decider;
  }

  /** The same as `runtime.recordTransferMetrics`: never blocks, never throws. */
  recordMetrics(transferId: string, metrics: unknown): void {
    this.#decider.record(transferId, metrics);
  }

  /**
   * Count, mean, P50, P95, P99, P99.9 of every measured quantity over a range of time.
   * @throws PitwallError `PITWALL_STORE_UNAVAILABLE` while the store is down; CallError while the analyzer is
   */
  async getStatistics(query: StatisticsQuery): Promise<StoreStatistics> {
    return value(await call(this.#destinations.analyzer, { type: 'query_statistics', query }));
  }

  /** The same per slice of time, 1 s to 1 h each. */
  async series(query: SeriesQuery): Promise<readonly SeriesPoint[]> {
    return value(await call(this.#destinations.analyzer, { type: 'query_series', query }));
  }

  /** Moving averages per pool and lane, over about the last hundred transfers. */
  trends(pool?: string): Promise<readonly LaneTrend[]> {
    return call(this.#destinations.analyzer, { type: 'get_trends', pool });
  }
}

function value<T>(outcome: QueryOutcome<T>): T {
  if (outcome.type === 'ok') return outcome.value;
  // A question that makes no sense is the asker's, not the store's.
  if (outcome.reason instanceof PitwallError && outcome.reason.code === 'PITWALL_INVALID_ARGUMENT')
    throw outcome.reason;
  throw new PitwallError('PITWALL_STORE_UNAVAILABLE', `the store did not answer: ${describeReason(outcome.reason)}`, {
    cause: outcome.reason,
  });
}
