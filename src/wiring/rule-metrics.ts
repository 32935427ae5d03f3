/** Publishes how each pool did lately, for those whose custom rules may ask. */
import { RecentPerformance } from '../metrics/analysis/recent-performance.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';

export class RuleMetrics {
  readonly #board: SnapshotBoard;
  readonly #pools = new Map<string, RecentPerformance>();

  constructor(board: SnapshotBoard) {
    this.#board = board;
  }

  /** Takes a batch of records. There are as many pools here as slots on the board, which are bounded. */
  recorded(records: readonly TransferRecord[]): void {
    const touched = new Map<PoolSlot, RecentPerformance>();
    for (const record of records) {
      const slot = this.#board.slot(record.pool);
      if (slot === undefined) continue;
      const own = this.#pools.get(record.pool) ?? new RecentPerformance();
      this.#pools.set(record.pool, own);
      if (own.add(record)) touched.set(slot, own);
    }
    // Ranking 256 latencies takes some microseconds: only where somebody reads it.
    for (const [slot, own] of touched) if (slot.policy.rules.length > 0) slot.metrics = own.snapshot();
  }

  /** For a pool whose rules were just set. */
  publish(slot: PoolSlot): void {
    if (slot.policy.rules.length > 0) slot.metrics = this.#pools.get(slot.pool)?.snapshot();
  }
}
