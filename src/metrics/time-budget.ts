/** A span of time that work in small pieces may take: asked between two pieces. */
export class TimeBudget {
  readonly #endMs: number;

  constructor(ms: number) {
    this.#endMs = performance.now() + ms;
  }

  get spent(): boolean {
    return performance.now() >= this.#endMs;
  }
}

/** After so many milliseconds a transaction of upkeep takes in nothing more: whoever records waits for its end. */
export const TRANSACTION_MS = 15;
