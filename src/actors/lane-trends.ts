import type { Method } from '../decision/types.ts';
import type { TransferRecord } from '../metrics/record.ts';

/** One lane of a pool over its recent successes: exponentially weighted, about the last hundred transfers. */
export interface LaneTrend {
  readonly pool: string;
  readonly method: Method;
  readonly successes: number;
  readonly failures: number;
  readonly meanLatencyUs: number;
  readonly meanThroughputMBps: number;
  /** Mean of |actual - predicted| / predicted, over transfers that had a prediction; undefined before the first. */
  readonly meanPredictionError: number | undefined;
  readonly lastAtMs: number;
}

/** Weight of a new transfer in the moving averages. */
const WEIGHT = 0.02;
const DEFAULT_MAX_LANES = 1024;

/** Moving averages per pool and lane; beyond the limit the least recently used goes. */
export class LaneTrends {
  readonly #limit: number;
  readonly #lanes = new Map<string, LaneTrend>();

  constructor(limit = DEFAULT_MAX_LANES) {
    this.#limit = limit;
  }

  observe(record: TransferRecord): void {
    const key = `${record.method}\u0000${record.pool}`;
    const known = this.#lanes.get(key);
    this.#lanes.delete(key);
    this.#lanes.set(key, known ? updated(known, record) : fresh(record));
    if (this.#lanes.size <= this.#limit) return;
    const leastRecent = this.#lanes.keys().next().value;
    if (leastRecent !== undefined) this.#lanes.delete(leastRecent);
  }

  list(pool: string | undefined): LaneTrend[] {
    return [...this.#lanes.values()].filter((trend) => pool === undefined || trend.pool === pool);
  }
}

function fresh(record: TransferRecord): LaneTrend {
  const success = record.outcome === 'success';
  return {
    pool: record.pool,
    method: record.method,
    successes: success ? 1 : 0,
    failures: record.outcome === 'failed' ? 1 : 0,
    meanLatencyUs: success ? record.latencyUs : 0,
    meanThroughputMBps: success ? record.throughputMBps : 0,
    meanPredictionError: success ? record.predictionError : undefined,
    lastAtMs: record.timestampUs / 1000,
  };
}

function updated(trend: LaneTrend, record: TransferRecord): LaneTrend {
  const lastAtMs = record.timestampUs / 1000;
  if (record.outcome === 'failed') return { ...trend, failures: trend.failures + 1, lastAtMs };
  if (record.outcome === 'ignored') return { ...trend, lastAtMs };
  // Until there are enough, a plain mean: the first transfers must not weigh for ever.
  const weight = Math.max(WEIGHT, 1 / (trend.successes + 1));
  const mix = (mean: number, value: number): number => mean + weight * (value - mean);
  const error = record.predictionError;
  return {
    ...trend,
    successes: trend.successes + 1,
    meanLatencyUs: mix(trend.meanLatencyUs, record.latencyUs),
    meanThroughputMBps: mix(trend.meanThroughputMBps, record.throughputMBps),
    meanPredictionError:
      error === undefined ? trend.meanPredictionError : mix(trend.meanPredictionError ?? error, error),
    lastAtMs,
  };
}
