/**
 * Faults a worker's pages in ahead of use, as far as the host has: a first look at 100 MiB costs ten times a second one. In small steps between
 * other work; nothing it holds keeps the process alive.
 */
import { type Owner, readMark } from './first-page.ts';
import { Intervals } from './intervals.ts';
import { FIRST_SLICE } from './layout.ts';
import type { Region } from './region.ts';

/** About a millisecond's work. */
const STEP = 2 ** 20;
const BUSY_MS = 10;
const IDLE_MS = 250;

export class Follower {
  readonly #region: Region;
  readonly #owner: Owner;
  readonly #reached = new Intervals();
  #mark = FIRST_SLICE;
  #done = FIRST_SLICE;
  #timer: NodeJS.Timeout;

  constructor(region: Region, owner: Owner) {
    this.#region = region;
    this.#owner = owner;
    this.#timer = setTimeout(() => this.#step(), BUSY_MS).unref();
  }

  /** Faults in what is about to be used, all at once; a few hundred nanoseconds where that was done before, unless the pages are `fresh` ones. */
  reach(from: number, to: number, fresh = false): void {
    if (!fresh && (to <= this.#done || this.#reached.covers(from, to))) return;
    this.#region.populate(from, to);
    this.#reached.add(from, to);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #step(): void {
    this.#mark = readMark(this.#region, this.#owner, this.#mark);
    const to = Math.min(this.#mark, this.#done + STEP);
    if (to > this.#done) {
      this.#region.warm(this.#done, to);
      this.#done = to;
    }
    this.#timer = setTimeout(() => this.#step(), this.#mark > this.#done ? BUSY_MS : IDLE_MS).unref();
  }
}
