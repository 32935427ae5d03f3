/** Robust location and scale, and the outlier rule that stands on them. Pure. */

/** Median of values, which are left as they are; NaN for none. */
export function median(values: readonly number[]): number {
  return medianOfSorted([...values].sort((a, b) => a - b));
}

export interface MedianInterval {
  readonly median: number;
  /** 95 % interval; the extremes where there are too few values for one. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/**
 * Median with its distribution-free interval from order statistics: the ranks (n + 1)/2 -+ 1.96 sqrt(n)/2 hold it whatever the distribution (H. A. David, H. N.
 * Nagaraja, "Order Statistics", 2003, sec. 7.1).
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  const rank = Math.max(1, Math.floor((count + 1) / 2 - 0.979982 * Math.sqrt(count)));
  return {
    median: medianOfSorted(sorted),
    low: sorted[rank - 1] ?? Number.NaN,
    high: sorted[count - rank] ?? Number.NaN,
    count,
  };
}

/** Share of the way up sorted values, 0..1; nearest rank; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Turns a median absolute deviation into the standard deviation of a normal distribution. */
const MAD_TO_SIGMA = 1.4826;

export interface LocationScale {
  readonly location: number;
  readonly scale: number;
  readonly count: number;
}

/** Median, and the scaled median absolute deviation: half of the values may be wrong without harm. */
export function robustLocationScale(values: readonly number[]): LocationScale {
  const location = median(values);
  return {
    location,
    scale: MAD_TO_SIGMA * median(values.map((value) => Math.abs(value - location))),
    count: values.length,
  };
}

/** Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): beyond this modified z-score a value is an outlier. */
export const OUTLIER_Z = 3.5;
/** Fewer values say nothing about what is usual. */
const MIN_VALUES = 20;

export interface Outlier {
  readonly index: number;
  /** How many scales above (or below) the median, on the log scale. */
  readonly z: number;
}

/**
 * Values that stand out among positive ones, on the log scale: latencies are products of many small factors, so that their logarithms are
 * what is nearly normal. Identical values have no scale: then nothing stands out that is within 5 % of them.
 */
export function outliers(values: readonly number[], threshold = OUTLIER_Z): Outlier[] {
  if (values.length < MIN_VALUES) return [];
  const logs = values.map((value) => Math.log(Math.max(value, Number.MIN_VALUE)));
  const { location, scale } = robustLocationScale(logs);
  const floor = Math.max(scale, 0.05 / threshold);
  return logs.map((log, index) => ({ index, z: (log - location) / floor })).filter(({ z }) => Math.abs(z) > threshold);
}
