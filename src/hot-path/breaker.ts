/**
 * Circuit breaker of a pool's zero-copy lane (M. Nygard, Release It!, "Circuit Breaker"): repeated failures close the lane for a while,
 * then one transfer at a time probes whether it works again. Time is an argument.
 *
 *   closed ──failures in a row──▶ open ──openMs over──▶ half_open ──success──▶ closed
 *                                  ▲                        │
 *                                  └────────failure─────────┘  (openMs doubles, up to a limit)
 */
import type { BreakerState } from '../decision/types.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Milliseconds it stays open the first time. */
  readonly openMs: number;
  /** The longest it stays open after failed probes, milliseconds. */
  readonly maxOpenMs: number;
}

export const DEFAULT_BREAKER: BreakerOptions = { failures: 3, openMs: 5_000, maxOpenMs: 300_000 };

export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #failures = 0;
  #openMs: number;
  #openedAtMs = 0;
  /** When a probe was let through; it blocks others until it reports or `openMs` passes without a report. */
  #probeAtMs: number | undefined = undefined;

  constructor(options: BreakerOptions = DEFAULT_BREAKER) {
    this.#options = options;
    this.#openMs = options.openMs;
  }

  /** The state at `nowMs`. While a probe is under way every other transfer finds it open. */
  state(nowMs: number): BreakerState {
    if (this.#state === 'open' && nowMs - this.#openedAtMs >= this.#openMs) this.#state = 'half_open';
    if (this.#state === 'half_open' && this.#probeAtMs !== undefined && nowMs - this.#probeAtMs < this.#openMs) {
      return 'open';
    }
    return this.#state;
  }

  /** A zero-copy transfer begins. */
  started(nowMs: number): void {
    if (this.#state === 'half_open') this.#probeAtMs = nowMs;
  }

  succeeded(): void {
    this.#state = 'closed';
    this.#failures = 0;
    this.#openMs = this.#options.openMs;
    this.#probeAtMs = undefined;
  }

  /** Returns true when this failure opened the lane's circuit. */
  failed(nowMs: number): boolean {
    this.#failures += 1;
    const probing = this.#state === 'half_open';
    if (!probing && this.#failures < this.#options.failures) return false;
    if (probing) this.#openMs = Math.min(this.#openMs * 2, this.#options.maxOpenMs);
    this.#state = 'open';
    this.#openedAtMs = nowMs;
    this.#probeAtMs = undefined;
    return true;
  }
}
