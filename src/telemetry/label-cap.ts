import { OTHER } from './names.ts';

/**
 * Bounds how many values of a label become time series: the first `limit` different ones keep their name for good, so that a counter
 * never moves from one series to another; what comes later is `other`.
 */
export class LabelCap {
  readonly #limit: number;
  readonly #named = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value itself, or `other`. */
  admit(value: string): string {
    if (this.#named.has(value)) return value;
    if (this.#named.size >= this.#limit) return OTHER;
    this.#named.add(value);
    return value;
  }
}
