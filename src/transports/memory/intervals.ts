/** A set of byte ranges, kept sorted and merged: what is free, what is warm. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

export class Intervals {
  #list: Interval[];

  constructor(list: readonly Interval[] = []) {
    this.#list = [...list];
  }

  [Symbol.iterator](): Iterator<Interval> {
    return this.#list.values();
  }

  get size(): number {
    return this.#list.length;
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const start = this.#firstTouching(from);
    let end = start;
    let low = from;
    let high = to;
    for (let each = this.#list[end]; each !== undefined && each.from <= to; each = this.#list[end]) {
      low = Math.min(low, each.from);
      high = Math.max(high, each.to);
      end += 1;
    }
    this.#list.splice(start, end - start, { from: low, to: high });
  }

  remove(from: number, to: number): void {
    if (from >= to) return;
    const start = this.#firstTouching(from);
    let end = start;
    const rest: Interval[] = [];
    for (let each = this.#list[end]; each !== undefined && each.from < to; each = this.#list[end]) {
      if (each.from < from) rest.push({ from: each.from, to: Math.min(each.to, from) });
      if (each.to > to) rest.push({ from: to, to: each.to });
      end += 1;
    }
    this.#list.splice(start, end - start, ...rest);
  }

  /** Whether a range lies wholly inside. */
  covers(from: number, to: number): boolean {
    const each = this.#list[this.#firstTouching(from)];
    return each !== undefined && each.from <= from && each.to >= to;
  }

  clear(): void {
    this.#list = [];
  }

  /** Index of the first interval that ends at or after `at`, by bisection. */
  #firstTouching(at: number): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const each = this.#list[middle];
      if (each !== undefined && each.to < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Ranges that lie in both, one after the other. */
export function* overlaps(a: Iterable<Interval>, b: Iterable<Interval>): Generator<Interval> {
  const second = [...b];
  let index = 0;
  for (const each of a) {
    while (index < second.length && (second[index]?.to ?? 0) <= each.from) index += 1;
    for (let i = index; i < second.length; i += 1) {
      const other = second[i];
      if (other === undefined || other.from >= each.to) break;
      yield { from: Math.max(each.from, other.from), to: Math.min(each.to, other.to) };
    }
  }
}
