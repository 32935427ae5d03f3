/**
 * The last residuals of one lane, log(actual / predicted), each taken BEFORE the model learned from its transfer. They give what the
 * model alone cannot know: how far transfers scatter around the predicted median.
 *
 * The 90 % interval is conformal, recalibrated on the rolling window: half-width = the ceil((n + 1) * (1 - miss rate))-th smallest absolute residual
 * (Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005; Lei et al., JASA 113, 2018). A rolling window instead of one split,
 * since machines change; and the miss rate that is aimed at sinks with each residual outside of its interval and rises with each within, so that
 * the share that was outside comes to 10 % whatever the machine does (Gibbs & Candès, Adaptive Conformal Inference, NeurIPS 2021). The mean follows from the median by Duan's smearing estimate: mean of exp(residual) (JASA 78, 1983).
 */
const MISS_RATE = 0.1;
/** Step of the miss rate aimed at: after a change some 50 residuals do what the window alone needs 200 for (docs/learning.md). */
const MISS_STEP = 0.01;
/** It stays within these. */
const MISS_BOUNDS = { low: 0.01, high: 0.3 } as const;
/** Below this many residuals no 90 % quantile exists (ceil((n + 1) * 0.9) > n). */
const MIN_FOR_INTERVAL = 10;
/** How many residuals `recent` looks at. */
const RECENT = 10;
/** Residuals beyond a factor of e^2 count as that in the mean, so that one stall does not double an expectation. */
const SMEAR_CLIP = 2;
/** The smearing estimate starts as if this many residuals of a log-normal with the initial scatter had been seen. */
const SMEAR_PRIOR_COUNT = 20;
const SMEAR_PRIOR = Math.exp((0.4 * 0.4) / 2);

export class RollingResiduals {
  readonly #capacity: number;
  /** Ring, oldest at `#next` once it is full. */
  readonly #values: number[];
  /** exp of each value, clipped. */
  readonly #factors: number[];
  /** Absolute values, ascending. */
  readonly #sorted: number[];
  #next = 0;
  #missRate: number;

  /**
   * @param values oldest first; only the last `capacity` are kept.
   * @param missRate aimed at, as `missRate` said it when the values were kept
   */
  constructor(capacity: number, values: readonly number[] = [], missRate = MISS_RATE) {
    this.#capacity = capacity;
    this.#missRate = clampedRate(missRate);
    this.#values = values.slice(-capacity);
    this.#factors = this.#values.map(clippedFactor);
    this.#sorted = this.#values.map(Math.abs).sort((left, right) => left - right);
    this.#next = this.#values.length % capacity;
  }

  add(residual: number): void {
    const halfWidth = this.halfWidth();
    if (halfWidth !== undefined) {
      const missed = Math.abs(residual) > halfWidth ? 1 : 0;
      this.#missRate = clampedRate(this.#missRate + MISS_STEP * (MISS_RATE - missed));
    }
    const sorted = this.#sorted;
    if (this.#values.length === this.#capacity)
      sorted.splice(positionOf(sorted, Math.abs(this.#values[this.#next] ?? 0)), 1);
    const size = Math.abs(residual);
    sorted.splice(positionOf(sorted, size), 0, size);
    this.#values[this.#next] = residual;
    this.#factors[this.#next] = clippedFactor(residual);
    this.#next = (this.#next + 1) % this.#capacity;
  }

  get count(): number {
    return this.#values.length;
  }

  /** Share of the residuals in the window that an interval leaves out now, so that 10 % are outside in the long run. */
  get missRate(): number {
    return this.#missRate;
  }

  /** Half-width of the 90 % interval of the log latency; undefined while there are too few residuals. */
  halfWidth(): number | undefined {
    const n = this.#sorted.length;
    return n < MIN_FOR_INTERVAL ? undefined : this.#sorted[Math.min(n, Math.ceil((n + 1) * (1 - this.#missRate))) - 1];
  }

  /** Mean over median of the scatter, >= some value near 1. */
  smearing(): number {
    let sum = SMEAR_PRIOR_COUNT * SMEAR_PRIOR;
    // Oldest first whatever the ring's position, so that a restored model adds up to the same bits.
    const start = this.#values.length < this.#capacity ? 0 : this.#next;
    for (let i = start; i < this.#factors.length; i += 1) sum += this.#factors[i] ?? 0;
    for (let i = 0; i < start; i += 1) sum += this.#factors[i] ?? 0;
    return sum / (SMEAR_PRIOR_COUNT + this.#values.length);
  }

  /** Mean of the last few, clipped; 0 while there are none. */
  recent(): number {
    const count = Math.min(RECENT, this.#values.length);
    let sum = 0;
    for (let back = 1; back <= count; back += 1) {
      const value = this.#values[(this.#next - back + this.#capacity) % this.#capacity] ?? 0;
      sum += Math.max(-SMEAR_CLIP, Math.min(SMEAR_CLIP, value));
    }
    return count === 0 ? 0 : sum / count;
  }

  /** Oldest first. */
  toArray(): number[] {
    if (this.#values.length < this.#capacity) return this.#values.slice();
    return [...this.#values.slice(this.#next), ...this.#values.slice(0, this.#next)];
  }
}

function clampedRate(rate: number): number {
  return Math.max(MISS_BOUNDS.low, Math.min(MISS_BOUNDS.high, rate));
}

function clippedFactor(residual: number): number {
  return Math.exp(Math.max(-SMEAR_CLIP, Math.min(SMEAR_CLIP, residual)));
}

/** First position whose value is not below. */
function positionOf(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
