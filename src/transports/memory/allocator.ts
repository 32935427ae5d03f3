/**
 * Who has which bytes of a region. Best fit among warm slices first, then the lowest address: small payloads take small holes, and what was
 * used lately is used again, so that few pages are ever touched. Freed neighbours merge at once.
 *
 *   0            committed                                bound
 *   ├──────────────┼────────────────────────────────────────┤
 *   │ pages exist  │ pages are allocated when first needed   │
 *   free:  ▒▒  ▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  sorted, merged
 *   warm:  ▓▓▓▓▓▓▓▓▓                                            sorted, merged
 */
import { type Interval, Intervals, overlaps } from './intervals.ts';

/** Slices start at multiples of this: a cache line, and what Arrow and `.npy` ask for. */
export const ALIGNMENT = 64;

export interface Slice extends Interval {
  readonly warm: boolean;
}

export class Allocator {
  readonly bound: number;
  readonly #free: Intervals;
  readonly #warm = new Intervals();
  /** Makes pages usable from `from` to before `to`; false when there are none. */
  readonly #commit: (from: number, to: number) => boolean;
  #committed = 0;
  /** No more pages were to be had beyond this, at the last try. */
  #limit: number;
  #used = 0;
  #warmBytes: number | undefined = 0;
  #roomBytes: number | undefined;

  constructor(bound: number, commit: (from: number, to: number) => boolean) {
    this.bound = bound - (bound % ALIGNMENT);
    this.#limit = this.bound;
    this.#free = new Intervals([{ from: 0, to: this.bound }]);
    this.#commit = commit;
  }

  get committed(): number {
    return this.#committed;
  }

  get used(): number {
    return this.#used;
  }

  /** Largest free slice whose pages are faulted in, bytes. */
  get warmBytes(): number {
    this.#warmBytes ??= largest(overlaps(this.#free, this.#warm));
    return this.#warmBytes;
  }

  /** Largest free slice, bytes. */
  get roomBytes(): number {
    this.#roomBytes ??= largest(overlaps(this.#free, [{ from: 0, to: this.#limit }]));
    return this.#roomBytes;
  }

  take(bytes: number): Slice | undefined {
    const size = roundUp(bytes);
    const found = bestFit(overlaps(this.#free, this.#warm), size) ?? this.#lowest(size);
    if (found === undefined) return undefined;
    const to = found + size;
    if (!this.#ensure(to)) return undefined;
    this.#free.remove(found, to);
    this.#used += size;
    this.#changed();
    return { from: found, to, warm: this.#warm.covers(found, to) };
  }

  give({ from, to }: Interval): void {
    this.#free.add(from, to);
    this.#used -= to - from;
    this.#changed();
  }

  /** Both sides have touched these bytes. */
  markWarm({ from, to }: Interval): void {
    this.#warm.add(from, to);
    this.#warmBytes = undefined;
  }

  /** The next free bytes that are not warm, at most `bytes`; their pages exist afterwards. */
  nextCold(bytes: number): Interval | undefined {
    for (const { from, to } of this.#free) {
      let at = from;
      for (const warm of overlaps([{ from, to }], this.#warm)) {
        if (warm.from > at) break;
        at = warm.to;
      }
      if (at >= to) continue;
      const end = Math.min(to, at + bytes);
      return this.#ensure(end) ? { from: at, to: end } : undefined;
    }
    return undefined;
  }

  #lowest(size: number): number | undefined {
    for (const { from, to } of overlaps(this.#free, [{ from: 0, to: this.#limit }])) if (to - from >= size) return from;
    return undefined;
  }

  #ensure(to: number): boolean {
    if (to <= this.#committed) return true;
    // In steps, so that a small payload does not pay for a system call each time.
    const stepped = Math.min(this.bound, Math.ceil(to / STEP) * STEP);
    for (const end of new Set([stepped, to])) {
      if (this.#commit(this.#committed, end)) {
        this.#committed = end;
        this.#limit = this.bound;
        return true;
      }
    }
    this.#limit = this.#committed;
    this.#roomBytes = undefined;
    return false;
  }

  /** Room may have come back: the next request tries again. */
  retryGrowth(): void {
    if (this.#limit === this.bound) return;
    this.#limit = this.bound;
    this.#roomBytes = undefined;
  }

  #changed(): void {
    this.#warmBytes = undefined;
    this.#roomBytes = undefined;
  }
}

/** Pages are made usable in steps of 2 MiB: a huge page where the machine has them. */
const STEP = 2 * 2 ** 20;

export function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function bestFit(holes: Iterable<Interval>, size: number): number | undefined {
  let best: Interval | undefined;
  for (const hole of holes) {
    const fits = hole.to - hole.from >= size;
    if (fits && (best === undefined || hole.to - hole.from < best.to - best.from)) best = hole;
  }
  return best?.from;
}

function largest(holes: Iterable<Interval>): number {
  let size = 0;
  for (const { from, to } of holes) size = Math.max(size, to - from);
  return size;
}
