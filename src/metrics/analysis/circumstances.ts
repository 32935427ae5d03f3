/**
 * What size within its band, transfers in flight and load explain of a latency, so that they are not taken for a regression. Pure.
 *
 * Linear on the logarithm of the latency: log size, log in flight, load. Fitted by ridge regression (A. E. Hoerl, R. W. Kennard, Technometrics 12, 1970)
 * toward a guess, from running moments of Huber's pseudo-values (P. J. Huber, "Robust Statistics", 1981, sec. 7.8), so that outliers teach
 * little. More of any of the three never makes a transfer faster: slopes stay between 0 and a limit.
 */

/** A record fits. What is missing is taken as usual. */
export interface Circumstances {
  readonly dataSize?: number | undefined;
  /** When it was launched, itself included. */
  readonly inFlight?: number | undefined;
  /** 0..1. */
  readonly systemLoad?: number | undefined;
}

export const FACTORS = ['size', 'inFlight', 'load'] as const;
const COUNT = FACTORS.length;

/** Guesses before anything is known, their doubt, and limits. On four recorded traces medians were 0.2, 0.9 and 0.8. */
const PRIOR = [0.3, 0.5, 0.5] as const;
const PRIOR_DOUBT = [0.4, 0.5, 0.5] as const;
const MAX_SLOPE = [1.5, 1.5, 2.5] as const;
/** Drifts and phases make data say less than as many independent values would. */
const CAUTION = 4;
/** Beyond what was seen (three standard deviations and this) a factor explains no more: a regression must not pass for ten times the concurrency. */
const SLACK = [0.35, 0.35, 0.1] as const;
/** Transfers over which the slopes forget. */
const MEMORY = 50_000;

export interface Effects {
  weight: number;
  /** Circumstances that the baseline's location speaks of. */
  readonly reference: number[];
  readonly mean: number[];
  /** Rows of the upper triangle. */
  readonly covariance: number[];
  meanY: number;
  readonly cross: number[];
  readonly slopes: number[];
  /** Of the transfer at hand, within limits: kept so that nothing is allocated. */
  readonly current: number[];
}

export function newEffects(reference: readonly number[]): Effects {
  return {
    weight: 0,
    reference: [...reference],
    mean: [...reference],
    covariance: [0, 0, 0, 0, 0, 0],
    meanY: 0,
    cross: [0, 0, 0],
    slopes: [...PRIOR],
    current: [...reference],
  };
}

/** The three factors; NaN where one is not known. */
export function factorsOf({ dataSize, inFlight, systemLoad }: Circumstances): [number, number, number] {
  return [logOf(dataSize), logOf(inFlight), systemLoad === undefined ? Number.NaN : systemLoad];
}

/** Sets `current`, and says by how much (log) a transfer is expected to differ from one under the reference. */
export function expect(effects: Effects, circumstances: Circumstances): number {
  const { current } = effects;
  current[0] = within(effects, 0, logOf(circumstances.dataSize));
  current[1] = within(effects, 1, logOf(circumstances.inFlight));
  current[2] = within(effects, 2, circumstances.systemLoad ?? Number.NaN);
  return effectOf(effects, current);
}

/** The same for factors that are at hand already; NaN where one is not known. */
export function expectFactors(effects: Effects, factors: readonly number[]): number {
  for (const place of PLACES) effects.current[place] = within(effects, place, at(factors, place));
  return effectOf(effects, effects.current);
}

/** Log by which usual circumstances differ from the reference. */
export function usualEffect(effects: Effects): number {
  return effectOf(effects, effects.mean);
}

/** @param y log latency over the location, outliers drawn in; of the transfer that `expect` was last asked about */
export function teach(effects: Effects, y: number): void {
  const { current, mean, covariance, cross } = effects;
  effects.weight = Math.min(effects.weight + 1, MEMORY);
  const gain = 1 / effects.weight;
  const keep = 1 - gain;
  const dy = y - effects.meanY;
  effects.meanY += gain * dy;
  const d0 = at(current, 0) - at(mean, 0);
  const d1 = at(current, 1) - at(mean, 1);
  const d2 = at(current, 2) - at(mean, 2);
  mean[0] = at(mean, 0) + gain * d0;
  mean[1] = at(mean, 1) + gain * d1;
  mean[2] = at(mean, 2) + gain * d2;
  // Welford's update with forgetting: each product weighs gain * keep.
  const share = gain * keep;
  covariance[0] = keep * at(covariance, 0) + share * d0 * d0;
  covariance[1] = keep * at(covariance, 1) + share * d0 * d1;
  covariance[2] = keep * at(covariance, 2) + share * d0 * d2;
  covariance[3] = keep * at(covariance, 3) + share * d1 * d1;
  covariance[4] = keep * at(covariance, 4) + share * d1 * d2;
  covariance[5] = keep * at(covariance, 5) + share * d2 * d2;
  cross[0] = keep * at(cross, 0) + share * d0 * dy;
  cross[1] = keep * at(cross, 1) + share * d1 * dy;
  cross[2] = keep * at(cross, 2) + share * d2 * dy;
}

/** Sets what is known to that of a sample: a row of factors each, and log latencies over the location with outliers drawn in. */
export function teachSample(effects: Effects, rows: readonly (readonly number[])[], ys: readonly number[]): void {
  const { mean, covariance, cross } = effects;
  const count = rows.length;
  effects.weight = count;
  effects.meanY = meanOf(ys);
  for (let place = 0; place < COUNT; place += 1) mean[place] = meanOf(rows.map((row) => at(row, place)));
  const product = (left: number, right: (row: readonly number[], index: number) => number) =>
    meanOf(rows.map((row, index) => (at(row, left) - at(mean, left)) * right(row, index)));
  for (const [index, [left, right]] of PAIRS.entries())
    covariance[index] = product(left, (row) => at(row, right) - at(mean, right));
  for (let place = 0; place < COUNT; place += 1)
    cross[place] = product(place, (_, index) => at(ys, index) - effects.meanY);
}

/** What the factors of a row explain, not drawn within limits. */
export function explained(effects: Effects, row: readonly number[]): number {
  return effectOf(effects, row);
}

/**
 * Works the slopes out anew.
 * @param scale standard deviation of what the factors do not explain
 * @returns by how much the expectation under usual circumstances changed: the location moves the other way, so that nothing jumps
 */
export function refit(effects: Effects, scale: number): number {
  const before = usualEffect(effects);
  const free = new Set([0, 1, 2]);
  for (let round = 0; round <= COUNT; round += 1) {
    const slopes = solve(effects, scale, free);
    const outside = [...free].filter((place) => at(slopes, place) < 0 || at(slopes, place) > at(MAX_SLOPE, place));
    for (const place of free) effects.slopes[place] = clamp(at(slopes, place), 0, at(MAX_SLOPE, place));
    if (outside.length === 0) break;
    for (const place of outside) free.delete(place);
  }
  return usualEffect(effects) - before;
}

function logOf(value: number | undefined): number {
  return value === undefined ? Number.NaN : Math.log(Math.max(1, value));
}

function within({ mean, covariance }: Effects, place: 0 | 1 | 2, value: number): number {
  const usual = at(mean, place);
  if (!(Math.abs(value) < Number.POSITIVE_INFINITY)) return usual;
  const reach = 3 * Math.sqrt(at(covariance, DIAGONAL[place])) + SLACK[place];
  return clamp(value, usual - reach, usual + reach);
}

const DIAGONAL = [0, 3, 5] as const;
const PLACES = [0, 1, 2] as const;
const PAIRS = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 1],
  [1, 2],
  [2, 2],
] as const;

function effectOf({ slopes, reference }: Effects, factors: readonly number[]): number {
  return (
    at(slopes, 0) * (at(factors, 0) - at(reference, 0)) +
    at(slopes, 1) * (at(factors, 1) - at(reference, 1)) +
    at(slopes, 2) * (at(factors, 2) - at(reference, 2))
  );
}

/** Ridge over the free factors, those at a limit held there. */
function solve(effects: Effects, scale: number, free: ReadonlySet<number>): number[] {
  const { covariance: c, cross, weight, slopes } = effects;
  const full = [
    [at(c, 0), at(c, 1), at(c, 2)],
    [at(c, 1), at(c, 3), at(c, 4)],
    [at(c, 2), at(c, 4), at(c, 5)],
  ];
  const rows = full.map((row, place) => {
    if (!free.has(place)) return [...row.map((_, other) => (other === place ? 1 : 0)), at(slopes, place)];
    const ridge = (CAUTION * scale * scale) / (at(PRIOR_DOUBT, place) ** 2 * Math.max(1, weight));
    return [
      ...row.map((value, other) => (other === place ? value + ridge : value)),
      at(cross, place) + ridge * at(PRIOR, place),
    ];
  });
  return eliminate(rows);
}

/** Gauss; the matrix is positive definite, so that no pivot is looked for. */
function eliminate(rows: number[][]): number[] {
  for (let pivot = 0; pivot < COUNT; pivot += 1) {
    const head = rows[pivot] ?? [];
    for (const [place, row] of rows.entries()) {
      if (place === pivot) continue;
      const times = at(row, pivot) / at(head, pivot);
      for (let column = pivot; column <= COUNT; column += 1) row[column] = at(row, column) - times * at(head, column);
    }
  }
  return rows.map((row, place) => at(row, COUNT) / at(row, place));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

function at(values: readonly number[], place: number): number {
  return values[place] ?? 0;
}
