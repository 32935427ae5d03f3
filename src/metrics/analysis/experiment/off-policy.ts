/**
 * What another policy would have cost, from choices that were made with a known probability ("off-policy evaluation"). Three estimators, each with a
 * bootstrap interval:
 *
 *   w = target / propensity                                            how much more often the other policy takes the lane that was taken
 *   ips              1/n Σ w·cost                                      inverse propensity scores (Horvitz and Thompson, JASA 47, 1952)
 *   selfNormalized   Σ w·cost / Σ w                                    Hájek's ratio; Swaminathan and Joachims, NIPS 2015
 *   doublyRobust     1/n Σ [ estimate under the other policy + w·(cost − estimate of the lane taken) ]
 *                                                                      Dudík, Langford and Li, ICML 2011; right if propensities or estimates are
 *
 * All three want support: the other policy may take no lane that was never taken (`unsupportedShare`). What is not supported only the doubly robust one
 * fills in, with the estimates alone.
 */
import { Acceleration, bcaInterval, type Estimate } from './bootstrap.ts';

/** One logged transfer, seen by the policy under evaluation. Costs in any one unit: microseconds, or their logarithm. */
export interface LoggedChoice {
  /** What it cost. */
  readonly cost: number;
  /** Probability with which its lane was taken, (0, 1]. */
  readonly propensity: number;
  /** Probability with which the other policy takes the same lane, 0..1; 0 or 1 for one that does not draw. */
  readonly targetProbability: number;
  /** A model's estimate of the cost of the lane that was taken. Without it the mean cost stands in. */
  readonly estimatedCost?: number | undefined;
  /** The model's estimate of the cost under the other policy: its lanes' estimates, by its probabilities. */
  readonly estimatedTargetCost?: number | undefined;
}

export interface OffPolicyOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Of the intervals. Default 0.95. */
  readonly level?: number | undefined;
  /** Default 1 000. */
  readonly resamples?: number | undefined;
  /** Weights above it count as it: less scatter for some bias towards what was logged. Default: none are cut. */
  readonly maximumWeight?: number | undefined;
}

export interface PolicyEstimate extends Estimate {
  /** The other policy's value minus what was logged: paired, so that the interval is that of the difference. */
  readonly change: Estimate;
  /** The same as a share of what was logged; for costs that are positive (of logarithms, take `Math.expm1(change)`). */
  readonly relativeChange: Estimate;
}

export interface OffPolicyValue {
  readonly rows: number;
  /** Mean cost of what was done. */
  readonly logged: Estimate;
  readonly ips: PolicyEstimate;
  readonly selfNormalized: PolicyEstimate;
  readonly doublyRobust: PolicyEstimate;
  /** How many rows of equal weight these are worth (Kish): below some hundred, intervals are hopeful. */
  readonly effectiveRows: number;
  /** Near 1 where propensities are right and all is supported. */
  readonly meanWeight: number;
  readonly maximumWeight: number;
  /** Share of the other policy's choices, 0..1, that could not have been logged (the lane was forced, and another one): nothing was measured of them. */
  readonly unsupportedShare: number;
}

/** All three estimates. 10 000 rows a thousand times take some tenths of a second; `offPolicySteps` does the same in slices. */
export function offPolicyValue(rows: readonly LoggedChoice[], options: OffPolicyOptions): OffPolicyValue {
  const steps = offPolicySteps(rows, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, a few thousand drawn rows at a time: whoever must not block does something else between two steps. */
export function* offPolicySteps(
  rows: readonly LoggedChoice[],
  options: OffPolicyOptions,
): Generator<undefined, OffPolicyValue, undefined> {
  const { random, level = 0.95, resamples = 1_000, maximumWeight = Number.POSITIVE_INFINITY } = options;
  const table = tabulate(rows, maximumWeight);
  const whole = statisticsOf(table.sums, table.rows);
  const resampled = whole.map(() => new Float64Array(table.rows > 1 ? resamples : 0));
  let drawn = 0;
  for (let resample = 0; table.rows > 1 && resample < resamples; resample += 1) {
    const statistics = statisticsOf(resampleSums(table, random), table.rows);
    for (const [index, column] of resampled.entries()) column[resample] = statistics[index] ?? Number.NaN;
    drawn += table.rows;
    if (drawn < ROWS_A_STEP) continue;
    drawn = 0;
    yield;
  }
  const accelerations = accelerationsOf(table);
  const estimate = (index: number): Estimate => {
    const value = whole[index] ?? Number.NaN;
    const column = resampled[index] ?? new Float64Array(0);
    return { value, interval: bcaInterval(value, column, accelerations[index] ?? 0, level) };
  };
  const policyEstimate = (index: number): PolicyEstimate => ({
    ...estimate(index),
    change: estimate(index + CHANGE),
    relativeChange: estimate(index + RELATIVE),
  });
  return {
    rows: table.rows,
    logged: estimate(LOGGED),
    ips: policyEstimate(IPS),
    selfNormalized: policyEstimate(SELF_NORMALIZED),
    doublyRobust: policyEstimate(DOUBLY_ROBUST),
    ...table.diagnosis,
  };
}

/** One step takes a millisecond or two. */
const ROWS_A_STEP = 65_536;

/** Places of the statistics; those of change and relative change follow in the same order. */
const [IPS, SELF_NORMALIZED, DOUBLY_ROBUST] = [0, 1, 2];
const [CHANGE, RELATIVE, LOGGED] = [3, 6, 9];

/** Columns of the table: all that a resample sums. */
const [WEIGHT, WEIGHTED, ROBUST, COST] = [0, 1, 2, 3];
const COLUMNS = 4;

interface Table {
  readonly rows: number;
  /** Row after row: weight, weight·cost, doubly robust term, cost. */
  readonly cells: Float64Array;
  readonly sums: Float64Array;
  readonly diagnosis: Pick<OffPolicyValue, 'effectiveRows' | 'meanWeight' | 'maximumWeight' | 'unsupportedShare'>;
}

function tabulate(rows: readonly LoggedChoice[], weightLimit: number): Table {
  const count = rows.length;
  const cells = new Float64Array(count * COLUMNS);
  const sums = new Float64Array(COLUMNS);
  let meanCost = 0;
  for (const { cost } of rows) meanCost += cost / count;
  let [squares, maximumWeight, unsupported] = [0, 0, 0];
  for (const [index, row] of rows.entries()) {
    const weight = Math.min(weightLimit, row.targetProbability / row.propensity);
    const { estimatedCost, estimatedTargetCost } = row;
    const estimated = estimatedCost !== undefined && estimatedTargetCost !== undefined;
    const taken = estimated ? estimatedCost : meanCost;
    const target = estimated ? estimatedTargetCost : meanCost;
    const at = index * COLUMNS;
    cells[at + WEIGHT] = weight;
    cells[at + WEIGHTED] = weight * row.cost;
    cells[at + ROBUST] = target + weight * (row.cost - taken);
    cells[at + COST] = row.cost;
    for (let column = 0; column < COLUMNS; column += 1) {
      sums[column] = (sums[column] ?? 0) + (cells[at + column] ?? 0);
    }
    squares += weight * weight;
    maximumWeight = Math.max(maximumWeight, weight);
    if (row.propensity >= 1) unsupported += 1 - row.targetProbability;
  }
  const total = sums[WEIGHT] ?? 0;
  const diagnosis = {
    effectiveRows: squares > 0 ? (total * total) / squares : 0,
    meanWeight: count > 0 ? total / count : Number.NaN,
    maximumWeight,
    unsupportedShare: count > 0 ? unsupported / count : 0,
  };
  return { rows: count, cells, sums, diagnosis };
}

/** Sums of as many rows as there are, drawn with replacement. */
function resampleSums({ rows, cells }: Table, random: () => number): Float64Array {
  let [weight, weighted, robust, cost] = [0, 0, 0, 0];
  for (let drawn = 0; drawn < rows; drawn += 1) {
    const at = Math.floor(random() * rows) * COLUMNS;
    weight += cells[at] ?? 0;
    weighted += cells[at + WEIGHTED] ?? 0;
    robust += cells[at + ROBUST] ?? 0;
    cost += cells[at + COST] ?? 0;
  }
  return Float64Array.of(weight, weighted, robust, cost);
}

function statisticsOf(sums: Float64Array, rows: number): number[] {
  const [weight = 0, weighted = 0, robust = 0, cost = 0] = sums;
  const logged = cost / rows;
  const values = [weighted / rows, weighted / weight, robust / rows];
  return [...values, ...values.map((value) => value - logged), ...values.map((value) => value / logged - 1), logged];
}

/** Of each statistic, from its influence function: what one row more would move. */
function accelerationsOf({ rows, cells, sums }: Table): number[] {
  const [ips = 0, selfNormalized = 0, robust = 0, , , , , , , logged = 0] = statisticsOf(sums, rows);
  const meanWeight = (sums[WEIGHT] ?? 0) / rows;
  const accelerations = Array.from({ length: LOGGED + 1 }, () => new Acceleration());
  for (let at = 0; at < cells.length; at += COLUMNS) {
    const [weight = 0, weighted = 0, robustTerm = 0, cost = 0] = cells.subarray(at, at + COLUMNS);
    const ofLogged = cost - logged;
    const influences = [weighted - ips, (weighted - weight * selfNormalized) / meanWeight, robustTerm - robust];
    accelerations[LOGGED]?.add(ofLogged);
    for (const [index, influence] of influences.entries()) {
      const value = [ips, selfNormalized, robust][index] ?? 0;
      accelerations[index]?.add(influence);
      accelerations[index + CHANGE]?.add(influence - ofLogged);
      accelerations[index + RELATIVE]?.add((influence - (value / logged) * ofLogged) / logged);
    }
  }
  return accelerations.map(({ value }) => value);
}
