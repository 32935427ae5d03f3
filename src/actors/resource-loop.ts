/** Milliseconds between two looks at the event loop: 12 in the 250 ms between two samples. */
const RESOLUTION_MS = 20;

/**
 * How late the event loop runs. A timer looks every 20 ms and notes how much later than that it came.
 *
 * Not `perf_hooks.monitorEventLoopDelay`: its histogram drops the interval during which it is reset, so that with a reset at every
 * sample a block that begins right after one is never seen (tried: a block of 100 ms read as 0.3 ms).
 */
export class LoopMonitor {
  readonly #timer: NodeJS.Timeout;
  #lookedAtMs = performance.now();
  #worstMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(performance.now()), RESOLUTION_MS).unref();
  }

  /** Longest delay since the last call, microseconds; with 12 looks that is the 99th percentile too. */
  takeDelayUs(): number {
    const now = performance.now();
    // The timer may be due and this call may have come before it: what has been waited for until now counts.
    const delayMs = Math.max(this.#worstMs, now - this.#lookedAtMs - RESOLUTION_MS, 0);
    if (now - this.#lookedAtMs > RESOLUTION_MS) this.#lookedAtMs = now;
    this.#worstMs = 0;
    return delayMs * 1000;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(now: number): void {
    this.#worstMs = Math.max(this.#worstMs, now - this.#lookedAtMs - RESOLUTION_MS);
    this.#lookedAtMs = now;
  }
}
