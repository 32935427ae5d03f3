/**
 * Bootstrap intervals, bias-corrected and accelerated (BCa: B. Efron, "Better bootstrap confidence intervals", JASA 82, 1987; Efron and Tibshirani, "An
 * Introduction to the Bootstrap", 1993, ch. 14). The acceleration comes from influence values instead of a jackknife: equation 14.15 with 11.22 there.
 */
import { normalCdf } from '../../../learning/exploration.ts';
import { normalQuantile } from './distributions.ts';

export interface Estimate {
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

/**
 * The interval around an estimate.
 *
 * @param resampled the statistic of each resample; sorted in place
 * @param acceleration from `acceleration` below
 * @param level e.g. 0.95
 */
export function bcaInterval(
  value: number,
  resampled: Float64Array,
  acceleration: number,
  level: number,
): readonly [low: number, high: number] {
  const count = resampled.length;
  if (count === 0 || !Number.isFinite(value)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  resampled.sort();
  let below = 0;
  let ties = 0;
  for (const each of resampled) {
    if (each < value) below += 1;
    else if (each === value) ties += 1;
  }
  // Within what this many resamples can tell; without it a lopsided handful makes the interval empty.
  const share = Math.min(1 - 1 / count, Math.max(1 / count, (below + ties / 2) / count));
  const bias = normalQuantile(share);
  const at = (z: number): number => {
    const shifted = bias + z;
    const corrected = normalCdf(bias + shifted / (1 - acceleration * shifted));
    return resampled[Math.min(count - 1, Math.max(0, Math.floor(corrected * count)))] ?? value;
  };
  const reach = normalQuantile((1 + level) / 2);
  return [at(-reach), at(reach)];
}

/** Skewness of a statistic's influence values over 6 √n: how fast its standard error changes with its value. */
export class Acceleration {
  #squares = 0;
  #cubes = 0;

  add(influence: number): void {
    this.#squares += influence * influence;
    this.#cubes += influence * influence * influence;
  }

  get value(): number {
    const acceleration = this.#squares > 0 ? this.#cubes / (6 * this.#squares ** 1.5) : 0;
    // Beyond it the correction is larger than what it corrects.
    return Math.min(MOST_ACCELERATION, Math.max(-MOST_ACCELERATION, acceleration));
  }
}

const MOST_ACCELERATION = 0.25;
