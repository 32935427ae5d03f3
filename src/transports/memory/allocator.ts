/**
 * Who has which bytes of a region. Best fit among warm slices first, then the lowest address: small payloads take small holes, and what was
 * used lately is used again, so that few pages are ever touched. Freed neighbours merge at once. Pure but for what `commit` does.
 *
 *   start          committed       limit                  bound
 *   ├──────────────┼───────────────┼──────────────────────┤
 *   │ pages exist  │ can be had    │ cannot be had now    │
 *   free:  ▒▒  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  sorted, merged
 *   warm:  ▓▓▓▓▓▓▓▓▓                                        sorted, merged, whole pages
 */
import { type Interval, Intervals } from './intervals.ts';

/** Slices start at multiples of this: a cache line, and what Arrow and `.npy` ask for. */
export const ALIGNMENT = 64;

export interface Slice extends Interval {
  readonly warm: boolean;
  /** Its pages did not exist before: see `takeFresh`. */
  readonly fresh?: boolean;
}

export interface AllocatorOptions {
  /** Slices lie between `start` and `bound`, bytes. */
  readonly start: number;
  readonly bound: number;
  /** Makes pages usable from `from` to before `to`; false when there are none. */
  readonly commit: (from: number, to: number) => boolean;
}

export class Allocator {
  readonly bound: number;
  readonly #start: number;
  readonly #free = new Intervals();
  readonly #warm = new Intervals();
  readonly #commit: (from: number, to: number) => boolean;
  /** The slice given back last: its lines are still in the cache. */
  #last: Interval = { from: 0, to: 0 };
  #committed: number;
  /** No more pages are to be had beyond this, as far as is known. */
  #limit: number;
  /** Where fresh slices began, while there are some. */
  #freshFrom: number | undefined;
  #used = 0;
  #warmBytes: number | undefined;
  #roomBytes: number | undefined;

  constructor({ start, bound, commit }: AllocatorOptions) {
    this.bound = bound - (bound % ALIGNMENT);
    this.#start = start;
    this.#limit = this.bound;
    this.#committed = start;
    this.#free.add(start, this.bound);
    this.#commit = commit;
  }

  /** Bytes that pages were made usable for. */
  get committed(): number {
    return this.#committed;
  }

  get used(): number {
    return this.#used;
  }

  /** Share of what could be had in all, 0..1, that is in use. */
  get pressure(): number {
    const all = Math.max(this.#limit, this.#committed) - this.#start;
    return all > 0 ? this.#used / all : 1;
  }

  /** All bytes whose pages are faulted in, in use or not. */
  get warmTotal(): number {
    let total = 0;
    for (let index = 0; index < this.#warm.size; index += 1) total += this.#warm.to(index) - this.#warm.from(index);
    return total;
  }

  /** Largest free slice whose pages are faulted in, bytes. */
  get warmBytes(): number {
    this.#warmBytes ??= this.#largestWarm();
    return this.#warmBytes;
  }

  /** Largest free slice, bytes. */
  get roomBytes(): number {
    this.#roomBytes ??= this.#largestFree();
    return this.#roomBytes;
  }

  /** End of the warm bytes that begin at `start`: what both sides may count on. */
  warmUpTo(start: number): number {
    return this.#warm.from(0) <= start && this.#warm.size > 0 ? this.#warm.to(0) : start;
  }

  take(bytes: number): Slice | undefined {
    const size = roundUp(bytes);
    const found = this.#again(size) ?? this.#bestWarm(size) ?? this.#lowest(size);
    if (found === undefined) return undefined;
    const to = found + size;
    if (!this.#ensure(to)) return undefined;
    this.#forgetLargest({ from: found, to });
    this.#free.remove(found, to);
    this.#used += size;
    return { from: found, to, warm: this.#warm.covers(found, to) };
  }

  /**
   * For measurements: a slice above all others, of pages that are made usable for it. A page lies between, so that what is warm stays one piece.
   */
  takeFresh(bytes: number): Slice | undefined {
    const end = Math.ceil(this.#committed / PAGE) * PAGE;
    const from = end + PAGE;
    const to = from + roundUp(bytes);
    const whole = Math.ceil(to / PAGE) * PAGE;
    if (to > this.#limit || whole > this.bound || !this.#commit(this.#committed, whole)) return undefined;
    this.#freshFrom ??= end;
    this.#committed = whole;
    this.#forgetLargest({ from, to });
    this.#free.remove(from, to);
    this.#used += to - from;
    return { from, to, warm: false, fresh: true };
  }

  /** Gives up the pages of fresh slices that came back, down to what is lent or warm. @returns the bytes that are not committed any more */
  trim(): Interval | undefined {
    const last = this.#free.size - 1;
    const to = this.#committed;
    if (this.#freshFrom === undefined || last < 0 || this.#free.to(last) < to) return undefined;
    const warmEnd = this.#warm.size === 0 ? 0 : this.#warm.to(this.#warm.size - 1);
    const lowest = Math.max(this.#freshFrom, this.#free.from(last), warmEnd);
    const from = Math.ceil(lowest / PAGE) * PAGE;
    if (from <= this.#freshFrom) this.#freshFrom = undefined;
    if (from >= to) return undefined;
    this.#committed = from;
    this.#roomBytes = undefined;
    return { from, to };
  }

  give(slice: Interval): void {
    this.#free.add(slice.from, slice.to);
    this.#used -= slice.to - slice.from;
    this.#last = slice;
    this.#growLargest(slice);
  }

  /** Both sides have touched these bytes, and with them whole pages. */
  markWarm({ from, to }: Interval): void {
    const low = from - (from % PAGE);
    const high = Math.min(this.#committed, Math.ceil(to / PAGE) * PAGE);
    if (this.#warm.covers(low, high)) return;
    this.#warm.add(low, high);
    this.#warmBytes = undefined;
  }

  /** The next free bytes that are not warm, at most `bytes`; their pages exist afterwards. */
  nextCold(bytes: number): Interval | undefined {
    for (let index = 0; index < this.#free.size; index += 1) {
      const to = Math.min(this.#free.to(index), this.#limit);
      let from = this.#free.from(index);
      let warm = this.#warm.firstEndingAt(from);
      while (this.#warm.from(warm) <= from) {
        from = Math.max(from, this.#warm.to(warm));
        warm += 1;
      }
      if (from >= to) continue;
      const end = Math.min(to, from + bytes, this.#warm.from(warm));
      return this.#ensure(end) ? { from, to: end } : undefined;
    }
    return undefined;
  }

  /** How much more the machine would give, bytes, as was just measured. */
  setGrowth(bytes: number): void {
    const limit = Math.min(this.bound, this.#committed + Math.max(0, bytes));
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#roomBytes = undefined;
  }

  /** Exactly the slice that was given back last, if it stands alone. */
  #again(size: number): number | undefined {
    const { from, to } = this.#last;
    if (to - from !== size || !this.#warm.covers(from, to)) return undefined;
    let index = this.#free.firstEndingAt(from);
    if (this.#free.to(index) === from) index += 1;
    return this.#free.from(index) === from && this.#free.to(index) === to ? from : undefined;
  }

  #bestWarm(size: number): number | undefined {
    let best: number | undefined;
    let bestSize = Number.POSITIVE_INFINITY;
    this.#eachWarm((from, to) => {
      const length = to - from;
      if (length < size || length >= bestSize) return;
      best = from;
      bestSize = length;
    });
    return best;
  }

  #largestWarm(): number {
    let size = 0;
    this.#eachWarm((from, to) => {
      size = Math.max(size, to - from);
    });
    return size;
  }

  /** Bytes that are free and warm, range by range. */
  #eachWarm(visit: (from: number, to: number) => void): void {
    let i = 0;
    let j = 0;
    while (i < this.#free.size && j < this.#warm.size) {
      const freeTo = this.#free.to(i);
      const warmTo = this.#warm.to(j);
      const from = Math.max(this.#free.from(i), this.#warm.from(j));
      const to = Math.min(freeTo, warmTo);
      if (from < to) visit(from, to);
      if (freeTo <= warmTo) i += 1;
      if (warmTo <= freeTo) j += 1;
    }
  }

  #lowest(size: number): number | undefined {
    const end = Math.max(this.#limit, this.#committed);
    for (let index = 0; index < this.#free.size && this.#free.from(index) < end; index += 1) {
      const from = this.#free.from(index);
      if (Math.min(this.#free.to(index), end) - from >= size) return from;
    }
    return undefined;
  }

  #largestFree(): number {
    const end = Math.max(this.#limit, this.#committed);
    let size = 0;
    for (let index = 0; index < this.#free.size && this.#free.from(index) < end; index += 1) {
      size = Math.max(size, Math.min(this.#free.to(index), end) - this.#free.from(index));
    }
    return size;
  }

  #ensure(to: number): boolean {
    if (to <= this.#committed) return true;
    // In steps, so that a small payload does not pay for a system call each time; where there is not that much, just what is needed.
    const stepped = Math.min(this.bound, Math.max(this.#limit, to), Math.ceil(to / STEP) * STEP);
    for (const end of new Set([stepped, to])) {
      const whole = Math.ceil(end / PAGE) * PAGE;
      if (!this.#commit(this.#committed, whole)) continue;
      this.#committed = Math.min(whole, this.bound);
      this.#roomBytes = undefined;
      return true;
    }
    this.#limit = this.#committed;
    this.#roomBytes = undefined;
    return false;
  }

  /** Both figures are asked for at every transfer: they are searched for anew only when their very range is cut. */
  #forgetLargest(taken: Interval): void {
    const range = this.#freeAround(taken.from);
    if (this.#roomBytes !== undefined && this.#haveable(range) >= this.#roomBytes) this.#roomBytes = undefined;
    if (this.#warmBytes !== undefined && this.#warmAround(taken, range) >= this.#warmBytes) this.#warmBytes = undefined;
  }

  /** What was given back, with its neighbours, may be the largest now. */
  #growLargest(given: Interval): void {
    const range = this.#freeAround(given.from);
    if (this.#roomBytes !== undefined) this.#roomBytes = Math.max(this.#roomBytes, this.#haveable(range));
    if (this.#warmBytes !== undefined) this.#warmBytes = Math.max(this.#warmBytes, this.#warmAround(given, range));
  }

  /** Largest warm piece of a free range that a slice in it touches. */
  #warmAround({ from, to }: Interval, range: Interval): number {
    let size = 0;
    for (let index = this.#warm.firstEndingAt(from); this.#warm.from(index) < to; index += 1) {
      const piece = Math.min(range.to, this.#warm.to(index)) - Math.max(range.from, this.#warm.from(index));
      size = Math.max(size, piece);
    }
    return size;
  }

  #freeAround(at: number): Interval {
    let index = this.#free.firstEndingAt(at);
    if (this.#free.to(index) === at) index += 1;
    return { from: this.#free.from(index), to: this.#free.to(index) };
  }

  #haveable({ from, to }: Interval): number {
    return Math.min(to, Math.max(this.#limit, this.#committed)) - from;
  }
}

/** Pages are made usable in steps of 2 MiB. */
const STEP = 2 * 2 ** 20;
const PAGE = 4096;

export function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
