/** The tails of the pools that somebody looks at. */
import type { MetricsStore } from '../metrics/store-types.ts';
import type { PoolLive } from './frames.ts';
import { PoolTail } from './pool-tail.ts';

export class PoolTails {
  readonly #maxRecords: number;
  readonly #tails = new Map<string, PoolTail>();

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  /** Tails of pools that are no longer asked for are forgotten. */
  read(store: MetricsStore, pools: readonly string[], nowUs: number): Map<string, PoolLive> {
    for (const pool of this.#tails.keys()) if (!pools.includes(pool)) this.#tails.delete(pool);
    return new Map(pools.map((pool) => [pool, this.#tail(pool).read(store, nowUs)]));
  }

  forget(): void {
    this.#tails.clear();
  }

  #tail(pool: string): PoolTail {
    let tail = this.#tails.get(pool);
    if (tail === undefined) {
      tail = new PoolTail(pool, this.#maxRecords);
      this.#tails.set(pool, tail);
    }
    return tail;
  }
}
