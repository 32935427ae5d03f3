/** Keeps a benchmark to its share of the machine. Pure: told what was worked, says how long to rest. */

/** Rests shorter than this are saved up: a timer of a millisecond is no better than so. */
const LEAST_REST_MS = 2;

/**
 * After each piece of work it rests so long that work is at most `share` of both together. A rest that came out longer earns nothing: there is never a
 * stretch, from the start of any piece of work on to the end of its rest, in which the share is passed (by more than what `LEAST_REST_MS` stands for).
 */
export class Throttle {
  readonly #restPerWork: number;
  #workedMs = 0;
  #owedMs = 0;

  /** @param share 0..1, above 0 */
  constructor(share: number) {
    this.#restPerWork = 1 / share - 1;
  }

  /** Milliseconds of work in all. */
  get workedMs(): number {
    return this.#workedMs;
  }

  /** @returns milliseconds to rest before the next piece of work; 0 where what is owed is not worth a timer yet */
  worked(ms: number): number {
    const work = Math.max(0, ms);
    this.#workedMs += work;
    this.#owedMs += work * this.#restPerWork;
    if (this.#owedMs < LEAST_REST_MS) return 0;
    const rest = this.#owedMs;
    this.#owedMs = 0;
    return rest;
  }
}
