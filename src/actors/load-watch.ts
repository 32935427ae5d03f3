/** Tells a lasting rise of the machine's load from its usual ups and downs. */

export interface LoadRise {
  /** Busy share of all cores, 0..1: before, and now. */
  readonly from: number;
  readonly to: number;
}

/** Weights of a new sample, four a second: about ten seconds, and about five minutes. */
const FAST = 1 - Math.exp(-0.25 / 10);
const SLOW = 1 - Math.exp(-0.25 / 300);
/** A rise is told from here on, and the next one not before the load has come back this far. */
const RISEN = 0.25;
const CALM = 0.1;

export class LoadWatch {
  #fast: number | undefined;
  #slow: number | undefined;
  #risen = false;

  /** @returns the rise, with the sample that makes it one */
  observe(systemLoad: number | undefined): LoadRise | undefined {
    if (systemLoad === undefined) return undefined;
    const fast = mix(this.#fast, systemLoad, FAST);
    const slow = mix(this.#slow, systemLoad, SLOW);
    this.#fast = fast;
    this.#slow = slow;
    if (this.#risen) {
      if (fast - slow < CALM) this.#risen = false;
      return undefined;
    }
    if (fast - slow < RISEN) return undefined;
    this.#risen = true;
    return { from: slow, to: fast };
  }
}

function mix(mean: number | undefined, value: number, weight: number): number {
  return mean === undefined ? value : mean + weight * (value - mean);
}
