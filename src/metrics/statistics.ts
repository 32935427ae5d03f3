/** What a query about a range of time answers, and how it is read off a summary. */
import { RELATIVE_ACCURACY } from './sketch.ts';
import { QUANTITIES, type QuantityName, type Summary } from './summary.ts';

/** Over successful transfers only. Quantiles are within 1 % of the exact value at that rank; min, max and mean are exact. */
export interface QuantityStatistics {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
}

export interface RangeStatistics {
  /** Records of every outcome. */
  readonly count: number;
  readonly success: number;
  readonly ignored: number;
  readonly failed: number;
  readonly zeroCopy: number;
  readonly grpc: number;
  readonly fallback: number;
  readonly explored: number;
  /** Bytes of successful transfers. */
  readonly bytes: number;
  /** Quantities that nobody measured are absent. */
  readonly quantities: Readonly<Partial<Record<QuantityName, QuantityStatistics>>>;
  /** Largest relative error of the quantiles: 0.01. */
  readonly relativeAccuracy: number;
}

export interface StoreStatistics extends RangeStatistics {
  readonly pool: string;
  readonly fromUs: number;
  readonly toUs: number;
  /** By value of the dimension asked for (`groupBy`); size bands by number. */
  readonly groups: ReadonlyMap<string | number, RangeStatistics> | undefined;
}

export interface SeriesPoint extends RangeStatistics {
  /** Start of the bucket, Unix microseconds: a multiple of the granularity. */
  readonly startUs: number;
}

/** Counts and quantiles of a summary. */
export function statisticsOf(summary: Summary): RangeStatistics {
  const quantities: Partial<Record<QuantityName, QuantityStatistics>> = {};
  for (const name of QUANTITIES) {
    const sketch = summary.sketch(name);
    if (sketch === undefined || sketch.count === 0) continue;
    const [p50 = 0, p95 = 0, p99 = 0, p999 = 0] = sketch.quantiles([0.5, 0.95, 0.99, 0.999]);
    quantities[name] = {
      count: sketch.count,
      mean: sketch.sum / sketch.count,
      min: sketch.min,
      max: sketch.max,
      p50,
      p95,
      p99,
      p999,
    };
  }
  return { count: summary.count, ...summary.counts, quantities, relativeAccuracy: RELATIVE_ACCURACY };
}
