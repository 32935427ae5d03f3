/**
 * An interval for a mean that holds at every look, not only at a sample size that was fixed before: the asymptotic confidence sequence of Waudby-Smith,
 * Arbour, Sinha, Kennedy and Ramdas (Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics 52, 2024, Theorem
 * 2.2; Robbins' normal mixture, 1970). Whoever looks after each row and stops at the first that pleases is still wrong no more often than said.
 *
 *   mean ± s * sqrt( 2 (n ρ² + 1) / (n² ρ²) * log( sqrt(n ρ² + 1) / α ) )        s: standard deviation of the rows
 */

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Count, sum and sum of squares of what was seen. */
export class Moments {
  count = 0;
  sum = 0;
  squares = 0;

  add(value: number): void {
    this.count += 1;
    this.sum += value;
    this.squares += value * value;
  }
}

/** Rows at which the interval is narrowest for its error rate; elsewhere it is a little wider than it might be. */
const NARROWEST_AT = 400;
/** Below this many rows the central limit is no help: nothing is known. */
const MINIMUM_ROWS = 30;

/**
 * @param alpha how often the mean may lie outside of one of the two bounds, over all looks; both together twice that
 */
export function meanInterval({ count, sum, squares }: Moments, alpha: number): Interval {
  if (count < MINIMUM_ROWS) return { mean: count > 0 ? sum / count : 0, low: -Infinity, high: Infinity };
  const mean = sum / count;
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
  const reach = deviation * reachAt(count, alpha);
  return { mean, low: mean - reach, high: mean + reach };
}

/** In standard deviations of a row. */
function reachAt(count: number, alpha: number): number {
  // The ρ that makes it narrowest at a given n: equation 24 there, in its usual approximation.
  const logs = -2 * Math.log(alpha);
  const rhoSquared = (logs + Math.log(logs + 1)) / NARROWEST_AT;
  const scaled = count * rhoSquared + 1;
  return Math.sqrt(((2 * scaled) / (count * count * rhoSquared)) * Math.log(Math.sqrt(scaled) / alpha));
}
