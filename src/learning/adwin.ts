/**
 * ADWIN: a window that grows while its mean stays the same and drops its older part when it does not (Bifet & Gavaldà, Learning from time-changing
 * data with adaptive windowing, SDM 2007). Values are kept as an exponential histogram, so memory is logarithmic in the window.
 *
 *   buckets of 1 | 1 1 1 1 1 | 2 2 2 | 4 4 4 4 | 8 8 ... newest first; more than 5 of a size merge two into one of twice the size
 */
import { InvalidArgumentError } from '../errors.ts';

export interface AdwinOptions {
  /** Confidence of a cut: bounds the rate of false alarms. Default 0.002. */
  readonly delta?: number;
  /** Cuts are looked for every so many values. Default 16. */
  readonly every?: number;
  /** Least values on each side of a cut. Default 30. */
  readonly minimumSide?: number;
}

/** Buckets of one size. */
const PER_SIZE = 5;
/** Sizes up to 2^30: the window ends there. */
const MAX_SIZES = 31;

interface Bucket {
  readonly sum: number;
  readonly squares: number;
}

export class Adwin {
  readonly #delta: number;
  readonly #every: number;
  readonly #minimumSide: number;
  /** By exponent of the size; newest first in each. */
  #rows: Bucket[][] = [[]];
  #count = 0;
  #sum = 0;
  #squares = 0;
  #ticks = 0;

  constructor(options: AdwinOptions = {}) {
    this.#delta = options.delta ?? 0.002;
    this.#every = options.every ?? 16;
    this.#minimumSide = options.minimumSide ?? 30;
    if (!(this.#delta > 0 && this.#delta < 1)) throw new InvalidArgumentError('delta', this.#delta, 'a number in 0..1');
    if (!(this.#every >= 1)) throw new InvalidArgumentError('every', this.#every, 'a number >= 1');
    if (!(this.#minimumSide >= 1)) throw new InvalidArgumentError('minimumSide', this.#minimumSide, 'a number >= 1');
  }

  /** Values in the window. */
  get width(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Takes a value; true where the window was cut: the mean has changed. What is no finite number is left out. */
  update(value: number): boolean {
    if (!Number.isFinite(value)) return false;
    this.#insert(value);
    this.#ticks += 1;
    if (this.#ticks % this.#every !== 0 || this.#count < 2 * this.#minimumSide) return false;
    let cut = false;
    while (this.#shouldCut()) {
      this.#dropOldest();
      cut = true;
    }
    return cut;
  }

  #insert(value: number): void {
    this.#rows[0]?.unshift({ sum: value, squares: value * value });
    this.#count += 1;
    this.#sum += value;
    this.#squares += value * value;
    for (let exponent = 0; exponent < this.#rows.length; exponent += 1) {
      const row = this.#rows[exponent] ?? [];
      if (row.length <= PER_SIZE) return;
      const older = row.pop();
      const newer = row.pop();
      if (older === undefined || newer === undefined) return;
      if (exponent + 1 >= MAX_SIZES) {
        this.#forget(older, 2 ** exponent);
        this.#forget(newer, 2 ** exponent);
        return;
      }
      const next = this.#rows[exponent + 1] ?? [];
      this.#rows[exponent + 1] = next;
      next.unshift({ sum: older.sum + newer.sum, squares: older.squares + newer.squares });
    }
  }

  /** Whether some split into older and newer values has means further apart than chance allows (their theorem 3.2, with the variance term). */
  #shouldCut(): boolean {
    const variance = Math.max(0, this.#squares / this.#count - this.mean ** 2);
    const confidence = Math.log((2 * Math.log(Math.max(Math.E, this.#count))) / this.#delta);
    let newCount = 0;
    let newSum = 0;
    for (const [exponent, row] of this.#rows.entries()) {
      for (const bucket of row) {
        newCount += 2 ** exponent;
        newSum += bucket.sum;
        const oldCount = this.#count - newCount;
        if (oldCount < this.#minimumSide) return false;
        if (newCount < this.#minimumSide) continue;
        const harmonic = 1 / (1 / newCount + 1 / oldCount);
        const bound =
          Math.sqrt((2 / harmonic) * variance * confidence) + (2 / (3 * harmonic)) * confidence * Math.sqrt(variance);
        if (Math.abs(newSum / newCount - (this.#sum - newSum) / oldCount) > bound) return true;
      }
    }
    return false;
  }

  #dropOldest(): void {
    const exponent = this.#rows.length - 1;
    const oldest = this.#rows[exponent]?.pop();
    if (oldest !== undefined) this.#forget(oldest, 2 ** exponent);
    while (this.#rows.length > 1 && this.#rows.at(-1)?.length === 0) this.#rows.pop();
  }

  #forget(bucket: Bucket, size: number): void {
    this.#count -= size;
    this.#sum -= bucket.sum;
    this.#squares -= bucket.squares;
  }
}
