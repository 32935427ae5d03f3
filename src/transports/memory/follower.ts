/**
 * Faults a worker's pages in ahead of use, as far as the host has: a first look at 100 MiB costs ten times a second one. In small steps between
 * other work; nothing it holds keeps the process alive.
 */
import { Intervals } from './intervals.ts';
import { FIRST_SLICE, HOST_MARK } from './layout.ts';
import type { Region } from './region.ts';

/** About a millisecond's work. */
const STEP = 2 ** 20;
const BUSY_MS = 10;
const IDLE_MS = 250;

export class Follower {
  readonly #region: Region;
  readonly #reached = new Intervals();
  #done = FIRST_SLICE;
  #timer: NodeJS.Timeout;

  constructor(region: Region) {
    this.#region = region;
    this.#timer = setTimeout(() => this.#step(), BUSY_MS).unref();
  }

  /** Faults in what is about to be used, all at once; a few hundred nanoseconds where that was done before. */
  reach(from: number, to: number): void {
    if (to <= this.#done || this.#reached.covers(from, to)) return;
    this.#region.populate(from, to);
    this.#reached.add(from, to);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #step(): void {
    // What another process wrote: a wild number must not lead beyond the region.
    const mark = Math.min(this.#region.readNumber(HOST_MARK), this.#region.bytes);
    const to = Math.min(mark, this.#done + STEP);
    if (to > this.#done) {
      this.#region.warm(this.#done, to);
      this.#done = to;
    }
    this.#timer = setTimeout(() => this.#step(), mark > this.#done ? BUSY_MS : IDLE_MS).unref();
  }
}
