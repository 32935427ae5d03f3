/** A set of byte ranges, kept sorted and merged: what is free, what is warm. Two arrays of numbers: it is searched for every transfer. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

export class Intervals {
  readonly #from: number[] = [];
  readonly #to: number[] = [];

  get size(): number {
    return this.#from.length;
  }

  /** Start of the interval at `index`; infinity behind the last. */
  from(index: number): number {
    return this.#from[index] ?? Number.POSITIVE_INFINITY;
  }

  /** End of the interval at `index`; infinity behind the last. */
  to(index: number): number {
    return this.#to[index] ?? Number.POSITIVE_INFINITY;
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const start = this.firstEndingAt(from);
    let end = start;
    let low = from;
    let high = to;
    for (; this.from(end) <= to; end += 1) {
      low = Math.min(low, this.from(end));
      high = Math.max(high, this.to(end));
    }
    this.#from.splice(start, end - start, low);
    this.#to.splice(start, end - start, high);
  }

  remove(from: number, to: number): void {
    if (from >= to) return;
    // What ends just there keeps out of it.
    let start = this.firstEndingAt(from);
    if (this.to(start) === from) start += 1;
    const first = this.from(start);
    let end = start;
    let last = 0;
    for (; this.from(end) < to; end += 1) last = this.to(end);
    if (end === start) return;
    const restFrom: number[] = [];
    const restTo: number[] = [];
    if (first < from) {
      restFrom.push(first);
      restTo.push(from);
    }
    if (last > to) {
      restFrom.push(to);
      restTo.push(last);
    }
    this.#from.splice(start, end - start, ...restFrom);
    this.#to.splice(start, end - start, ...restTo);
  }

  /** Whether a range lies wholly inside. */
  covers(from: number, to: number): boolean {
    let index = this.firstEndingAt(from);
    if (this.to(index) === from) index += 1;
    return this.from(index) <= from && this.to(index) >= to && index < this.size;
  }

  /** Index of the first interval that ends at or after `at`, by bisection. */
  firstEndingAt(at: number): number {
    let low = 0;
    let high = this.#to.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.to(middle) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
