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

/** What was seen, by weight: enough for a mean, its scatter, and how many rows of equal weight it is worth. */
export class Moments {
  /** Rows, whatever their weight. */
  count = 0;
  #weight = 0;
  #squaredWeight = 0;
  #sum = 0;
  #squares = 0;

  add(value: number, weight = 1): void {
    this.count += 1;
    this.#weight += weight;
    this.#squaredWeight += weight * weight;
    this.#sum += weight * value;
    this.#squares += weight * value * value;
  }

  get mean(): number {
    return this.#weight > 0 ? this.#sum / this.#weight : 0;
  }

  /** Kish's effective sample size: fewer than `count` where weights differ. */
  get effective(): number {
    return this.#squaredWeight > 0 ? (this.#weight * this.#weight) / this.#squaredWeight : 0;
  }

  get variance(): number {
    return this.#weight > 0 ? Math.max(0, this.#squares / this.#weight - this.mean * this.mean) : 0;
  }
}

export interface IntervalOptions {
  /** How often the mean may lie outside of one of the two bounds, over all looks; both together twice that. */
  readonly alpha: number;
  /** Rows at which the interval is narrowest for its error rate; elsewhere it is a little wider than it might be. Default 400. */
  readonly narrowestAt?: number;
  /** Fewer rows say nothing. Default 30: below, the central limit is no help. */
  readonly minimumRows?: number;
  /** Counts as two rows of the scatter: a handful that agree by luck are not certain. Default 0. */
  readonly priorVariance?: number;
}

const PRIOR_ROWS = 2;

export function meanInterval(moments: Moments, options: IntervalOptions): Interval {
  const { alpha, narrowestAt = 400, minimumRows = 30, priorVariance } = options;
  const { mean, count, effective } = moments;
  if (count < minimumRows) return { mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const variance =
    priorVariance === undefined
      ? moments.variance
      : (effective * moments.variance + PRIOR_ROWS * priorVariance) / (effective + PRIOR_ROWS);
  const reach = Math.sqrt(variance) * sequentialReach(effective, alpha, narrowestAt);
  return { mean, low: mean - reach, high: mean + reach };
}

/**
 * Half the width of the interval after `count` rows, in standard deviations of a row. The mean leaves it at any look, on either side, with probability
 * `alpha` at most.
 */
export function sequentialReach(count: number, alpha: number, narrowestAt: number): number {
  // The ρ that makes it narrowest at a given n: equation 24 there, in its usual approximation.
  const logs = -2 * Math.log(alpha);
  const rhoSquared = (logs + Math.log(logs + 1)) / narrowestAt;
  const scaled = count * rhoSquared + 1;
  return Math.sqrt(((2 * scaled) / (count * count * rhoSquared)) * Math.log(Math.sqrt(scaled) / alpha));
}
