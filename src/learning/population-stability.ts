/**
 * Population stability index: how far the distribution of a feature has moved from where it was (Siddiqi, Credit Risk Scorecards, 2006; it is the symmetrised
 * Kullback-Leibler divergence of binned shares). Common reading: below 0.1 stable, above 0.25 changed. By chance alone it is about
 * (bins - 1) * (1 / n + 1 / m) (Yurdakul, 2018), which is why the alarm is raised above that too.
 */
import { InvalidArgumentError } from '../errors.ts';

export interface StabilityOptions {
  /** Values that make the reference, and that are compared with it. Default 500. */
  readonly window?: number;
  /** Default 10, by quantiles of the reference. */
  readonly bins?: number;
  /** Default 0.25. */
  readonly threshold?: number;
}

/** PSI of two lists of counts over the same bins; empty bins count as half a value. */
export function populationStability(reference: readonly number[], present: readonly number[]): number {
  const shares = (counts: readonly number[]): number[] => {
    const floored = counts.map((count) => Math.max(0.5, count));
    const total = floored.reduce((sum, count) => sum + count, 0);
    return floored.map((count) => count / total);
  };
  const [before, after] = [shares(reference), shares(present)];
  return before.reduce((sum, share, bin) => {
    const other = after[bin] ?? share;
    return sum + (other - share) * Math.log(other / share);
  }, 0);
}

/** Watches one feature: the first window is the reference, each full window after it is compared; after an alarm the newest becomes the reference. */
export class StabilityMonitor {
  readonly #window: number;
  readonly #bins: number;
  readonly #threshold: number;
  #reference: { readonly edges: readonly number[]; readonly counts: readonly number[] } | undefined;
  #values: number[] = [];
  /** PSI of the last full window; undefined before. */
  last: number | undefined;

  constructor(options: StabilityOptions = {}) {
    this.#window = options.window ?? 500;
    this.#bins = options.bins ?? 10;
    this.#threshold = options.threshold ?? 0.25;
    if (!(this.#window >= 50 && this.#window <= 100_000))
      throw new InvalidArgumentError('window', this.#window, 'a number in 50..100000');
    if (!(this.#bins >= 2 && this.#bins <= 100))
      throw new InvalidArgumentError('bins', this.#bins, 'a number in 2..100');
    if (!(this.#threshold > 0)) throw new InvalidArgumentError('threshold', this.#threshold, 'a number > 0');
  }

  /** Takes a value; true where a full window differs from the reference. */
  update(value: number): boolean {
    if (!Number.isFinite(value)) return false;
    this.#values.push(value);
    if (this.#values.length < this.#window) return false;
    const values = this.#values;
    this.#values = [];
    if (this.#reference === undefined) {
      this.#refer(values);
      return false;
    }
    this.last = populationStability(this.#reference.counts, countsOf(values, this.#reference.edges));
    const chance = (2 * (this.#bins - 1)) / this.#window;
    if (this.last <= Math.max(this.#threshold, 3 * chance)) return false;
    this.#refer(values);
    return true;
  }

  #refer(values: readonly number[]): void {
    const sorted = [...values].sort((left, right) => left - right);
    const edges = Array.from({ length: this.#bins - 1 }, (_, bin) => {
      return sorted[Math.floor(((bin + 1) * sorted.length) / this.#bins)] ?? 0;
    });
    const distinct = [...new Set(edges)];
    this.#reference = { edges: distinct, counts: countsOf(values, distinct) };
  }
}

function countsOf(values: readonly number[], edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    const bin = edges.findIndex((edge) => value < edge);
    const at = bin < 0 ? edges.length : bin;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
