/** The latest production transfers of each pool, and who wants to hear of new ones. No actor: the recorder tells it, whoever asks gets a copy. */
import { byPool } from '../metrics/by-pool.ts';
import type { TransferRecord } from '../metrics/record.ts';

/** Transfers kept per pool, and pools; the pool that was silent longest goes first. */
const KEPT = 256;
const MAX_POOLS = 64;

export type ProductionListener = (records: readonly TransferRecord[]) => void;

export class ProductionWatch {
  readonly #latest = new Map<string, TransferRecord[]>();
  readonly #listeners = new Set<ProductionListener>();

  /** Must not throw: it is called where records are handed to those who learn from them. */
  observed(records: readonly TransferRecord[]): void {
    for (const [pool, own] of byPool(records)) {
      const latest = [...(this.#latest.get(pool) ?? []), ...own].slice(-KEPT);
      this.#latest.delete(pool);
      this.#latest.set(pool, latest);
    }
    for (const pool of this.#latest.keys()) {
      if (this.#latest.size <= MAX_POOLS) break;
      this.#latest.delete(pool);
    }
    for (const listener of this.#listeners) listener(records);
  }

  /** Transfers that ended after `sinceUs` (Unix microseconds), of one pool or of all; at most 256 of each. */
  latest(pool: string | undefined, sinceUs: number): TransferRecord[] {
    const kept = pool === undefined ? [...this.#latest.values()].flat() : (this.#latest.get(pool) ?? []);
    return kept.filter((record) => record.timestampUs >= sinceUs);
  }

  /** @returns a function that ends it */
  watch(listener: ProductionListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
