/**
 * The arithmetic of the online fit: a robust recursive least squares with forgetting, on log latency (so on relative errors), for a vector of
 * parameters with a full covariance.
 *
 * - Update: extended Kalman filter (recursive least squares is its linear case), Särkkä, Bayesian Filtering and Smoothing, 2013, ch. 5.
 * - Robustness: Huber's weight on the standardised innovation, k = 1.345 (95 % efficiency under normal errors; Huber, Ann. Math. Stat. 35,
 *   1964; in filters: Boncelet & Dickinson, CDC 1983).
 * - Forgetting: process noise per parameter, bounded by the prior's variance, so that what is not observed drifts back to doubt but
 *   never beyond it (directional forgetting; West & Harrison, Bayesian Forecasting and Dynamic Models, 1997, ch. 6).
 */
import type { SparseVector } from './cost-structure.ts';

const HUBER_K = 1.345;
/** No single record moves a parameter further than this: the gradient holds near the point where it was taken only. */
const MAX_STEP = 1;
/** Parameters stay within this many prior standard deviations of the prior's mean. */
const MAX_DEVIATION = 6;

export class CostFilter {
  theta: Float64Array;
  covariance: Float64Array;
  priorMean: Float64Array;
  priorVariance: Float64Array;
  /** Process noise per record, as variance. */
  drift: Float64Array;
  #gain: Float64Array;

  constructor(mean: Float64Array, variance: Float64Array, drift: Float64Array) {
    this.theta = mean.slice();
    this.priorMean = mean.slice();
    this.priorVariance = variance.slice();
    this.drift = drift.slice();
    this.covariance = new Float64Array(mean.length * mean.length);
    this.#gain = new Float64Array(mean.length);
    for (let i = 0; i < mean.length; i += 1) this.covariance[i * mean.length + i] = variance[i] ?? 0;
  }

  get size(): number {
    return this.theta.length;
  }

  /** Appends a block of parameters that knows nothing of the others. */
  append(mean: Float64Array, variance: Float64Array, drift: Float64Array): void {
    const before = this.size;
    const size = before + mean.length;
    const covariance = new Float64Array(size * size);
    for (let row = 0; row < before; row += 1) {
      covariance.set(this.covariance.subarray(row * before, (row + 1) * before), row * size);
    }
    this.theta = joined(this.theta, mean);
    this.priorMean = joined(this.priorMean, mean);
    this.priorVariance = joined(this.priorVariance, variance);
    this.drift = joined(this.drift, drift);
    this.covariance = covariance;
    this.#gain = new Float64Array(size);
    for (let i = 0; i < mean.length; i += 1) covariance[(before + i) * size + before + i] = variance[i] ?? 0;
  }

  /** Starts a block again from a prior, and forgets what it had in common with the others. */
  reset(offset: number, mean: Float64Array, variance: Float64Array): void {
    const size = this.size;
    for (let i = 0; i < mean.length; i += 1) {
      const index = offset + i;
      for (let j = 0; j < size; j += 1) {
        this.covariance[index * size + j] = 0;
        this.covariance[j * size + index] = 0;
      }
      this.theta[index] = mean[i] ?? 0;
      this.priorMean[index] = mean[i] ?? 0;
      this.priorVariance[index] = variance[i] ?? 0;
      this.covariance[index * size + index] = variance[i] ?? 0;
    }
  }

  /** Variance of the log latency's estimate: gradient' P gradient. */
  variance(at: SparseVector): number {
    const { covariance, size } = this;
    let total = 0;
    for (let i = 0; i < at.count; i += 1) {
      const row = (at.index[i] ?? 0) * size;
      let sum = 0;
      for (let j = 0; j < at.count; j += 1) sum += (covariance[row + (at.index[j] ?? 0)] ?? 0) * (at.value[j] ?? 0);
      total += sum * (at.value[i] ?? 0);
    }
    return Math.max(0, total);
  }

  /**
   * Learns one residual, log(actual / predicted). Returns Huber's weight of it, 1 for a credible one.
   *
   * @param noise variance of a single transfer's log latency around its median
   */
  update(at: SparseVector, residual: number, noise: number): number {
    const size = this.size;
    const gain = this.#gain;
    const { covariance, theta } = this;
    for (let row = 0; row < size; row += 1) {
      let sum = 0;
      for (let k = 0; k < at.count; k += 1) {
        sum += (covariance[row * size + (at.index[k] ?? 0)] ?? 0) * (at.value[k] ?? 0);
      }
      gain[row] = sum;
    }
    let explained = 0;
    for (let k = 0; k < at.count; k += 1) explained += (gain[at.index[k] ?? 0] ?? 0) * (at.value[k] ?? 0);
    const innovation = Math.abs(residual) / Math.sqrt(explained + noise);
    const weight = innovation <= HUBER_K ? 1 : HUBER_K / innovation;
    const total = explained + noise / (weight * weight);
    for (let row = 0; row < size; row += 1) {
      const scaled = (gain[row] ?? 0) / total;
      if (scaled === 0) continue;
      this.#move(theta, row, scaled * residual);
      // One half, mirrored: the matrix stays symmetric to the last bit, so that a restored model goes on identically.
      for (let column = 0; column <= row; column += 1) {
        const next = (covariance[row * size + column] ?? 0) - scaled * (gain[column] ?? 0);
        covariance[row * size + column] = next;
        covariance[column * size + row] = next;
      }
    }
    this.#forget();
    return weight;
  }

  /** Raises each parameter's doubt by a share of its prior's variance, at most to it. */
  doubt(share: number): void {
    const { covariance, priorVariance, size } = this;
    for (let index = 0; index < size; index += 1) {
      const cell = index * size + index;
      const variance = covariance[cell] ?? 0;
      const prior = priorVariance[index] ?? 0;
      covariance[cell] = Math.max(variance, Math.min(prior, variance + share * prior));
    }
  }

  #move(theta: Float64Array, index: number, step: number): void {
    const bounded = Math.max(-MAX_STEP, Math.min(MAX_STEP, step));
    const mean = this.priorMean[index] ?? 0;
    const reach = MAX_DEVIATION * Math.sqrt(this.priorVariance[index] ?? 0);
    theta[index] = Math.max(mean - reach, Math.min(mean + reach, (theta[index] ?? 0) + bounded));
  }

  #forget(): void {
    const { covariance, drift, priorVariance, size } = this;
    for (let i = 0; i < size; i += 1) {
      const cell = i * size + i;
      const variance = covariance[cell] ?? 0;
      const limit = priorVariance[i] ?? 0;
      if (variance < limit) covariance[cell] = Math.min(limit, variance + (drift[i] ?? 0));
      // Rounding can only take away; a variance never reaches 0, or the parameter would never learn again.
      if (variance < limit * 1e-6) covariance[cell] = limit * 1e-6;
    }
  }
}

function joined(left: Float64Array, right: Float64Array): Float64Array {
  const both = new Float64Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
