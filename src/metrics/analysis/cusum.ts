/**
 * How far a sum of standardized deviations may run before it is an alarm. Pure.
 *
 * E. S. Page's one-sided CUSUM ("Continuous Inspection Schemes", Biometrika 41, 1954) is S <- max(0, S + z - k), alarm when S > h, with k half of the shift to
 * find. Between alarms without a shift it takes, for increments of variance V and drift -k (D. Siegmund, "Sequential Analysis", 1985, eq. 2.54, whose
 * unit-variance form this is by rescaling), transfers on average:
 *
 *   L = V (e^y - y - 1) / (2 k^2),   y = 2 k b / V,   b = h + 1.166 sd
 *
 * Where a value depends on those before it, V is the long-run variance of the increments, not that of a single one: for an AR(1) with lag-1
 * correlation r it is (1 + r) / (1 - r) times as large (R. A. Johnson, M. Bagshaw, "The Effect of Serial Correlation on the Performance of CUSUM
 * Tests", Technometrics 16, 1974).
 */

export interface CusumDesign {
  /** Taken off each increment: how fast the sum falls without a shift. */
  readonly drift: number;
  /** Transfers between two false alarms that are wanted on average. */
  readonly runLength: number;
  /** Variance of a single increment. */
  readonly variance: number;
  /** Long-run variance: at least `variance` where increments go together. */
  readonly longRunVariance: number;
}

/** The bar h; at least 0. */
export function cusumBar({ drift, runLength, variance, longRunVariance }: CusumDesign): number {
  const wanted = (2 * drift * drift * runLength) / longRunVariance;
  // e^y - y - 1 = wanted: the fixed point y = log(1 + y + wanted) converges in a few rounds, as its slope is 1 / (1 + y + wanted).
  let y = Math.log1p(wanted);
  for (let round = 0; round < 6; round += 1) y = Math.log1p(y + wanted);
  return Math.max(0, (y * longRunVariance) / (2 * drift) - OVERSHOOT * Math.sqrt(variance));
}

/** Mean overshoot of a normal random walk over a bar, twice: once at the bar, once at zero (Siegmund). */
const OVERSHOOT = 1.166;

/** Long-run variance over variance of an AR(1); negative correlation is granted nothing. */
export function serialInflation(lag1: number): number {
  const r = Math.max(0, Math.min(MAX_LAG1, lag1));
  return (1 + r) / (1 - r);
}

/** Beyond it a kind is a random walk, and no test of levels means anything. */
const MAX_LAG1 = 0.95;
