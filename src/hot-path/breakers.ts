/** The circuit breakers of all pools' zero-copy lanes. */
import type { BreakerState } from '../decision/types.ts';
import type { PoolSlot } from '../snapshots.ts';
import { type BreakerOptions, CircuitBreaker, DEFAULT_BREAKER } from './breaker.ts';

export class BreakerBoard {
  readonly #options: BreakerOptions;
  readonly #breakers = new Map<string, CircuitBreaker>();
  readonly #onOpened: (pool: string) => void;
  readonly #onClosed: (pool: string) => void;

  constructor(
    listeners: { readonly onOpened: (pool: string) => void; readonly onClosed: (pool: string) => void },
    options: BreakerOptions = DEFAULT_BREAKER,
  ) {
    this.#options = options;
    this.#onOpened = listeners.onOpened;
    this.#onClosed = listeners.onClosed;
  }

  state(pool: string, nowMs: number): BreakerState {
    return this.#breakers.get(pool)?.state(nowMs) ?? 'closed';
  }

  started(slot: PoolSlot, nowMs: number): void {
    this.#breakers.get(slot.pool)?.started(nowMs);
  }

  succeeded(slot: PoolSlot): void {
    const breaker = this.#breakers.get(slot.pool);
    if (!breaker) return;
    breaker.succeeded();
    if (slot.breaker === 'closed') return;
    slot.breaker = 'closed';
    this.#onClosed(slot.pool);
  }

  failed(slot: PoolSlot, nowMs: number): void {
    let breaker = this.#breakers.get(slot.pool);
    if (!breaker) {
      // Bounded by the pools there are, which admission bounds.
      breaker = new CircuitBreaker(this.#options);
      this.#breakers.set(slot.pool, breaker);
    }
    if (!breaker.failed(nowMs)) return;
    slot.breaker = 'open';
    this.#onOpened(slot.pool);
  }
}
