/**
 * How a pool did lately, lane by lane: what custom rules may read. A ring per lane, so that it costs a few stores per record; quantiles are worked out
 * only when they are asked for.
 */
import type { LaneMetrics, Method, PoolMetrics } from '../../decision/types.ts';
import type { TransferRecord } from '../record.ts';

/** Transfers of a lane that are looked at. */
const WINDOW = 256;
/** What is older than this when the newest comes says nothing about now. */
const WINDOW_MS = 300_000;

export class RecentPerformance {
  readonly #lanes = { zero_copy: new LaneWindow(), grpc: new LaneWindow() } satisfies Record<Method, LaneWindow>;
  #newestMs = Number.NEGATIVE_INFINITY;

  /** Returns whether it counts: what a caller gave up, and what was not copied, says nothing about a lane. */
  add(record: TransferRecord): boolean {
    if (record.outcome === 'ignored' || record.reason === 'in_place') return false;
    const atMs = record.timestampUs / 1000;
    this.#newestMs = Math.max(this.#newestMs, atMs);
    this.#lanes[record.method].add(atMs, record.outcome === 'success' ? record.latencyUs : Number.NaN);
    return true;
  }

  /** Frozen. undefined before the first record. */
  snapshot(): PoolMetrics | undefined {
    if (this.#newestMs === Number.NEGATIVE_INFINITY) return undefined;
    const sinceMs = this.#newestMs - WINDOW_MS;
    const { zero_copy, grpc } = this.#lanes;
    return Object.freeze({
      atMs: this.#newestMs,
      lanes: Object.freeze({ zero_copy: zero_copy.figures(sinceMs), grpc: grpc.figures(sinceMs) }),
    });
  }
}

class LaneWindow {
  readonly #atMs = new Float64Array(WINDOW).fill(Number.NEGATIVE_INFINITY);
  /** NaN: it failed. */
  readonly #latencyUs = new Float64Array(WINDOW);
  #next = 0;

  add(atMs: number, latencyUs: number): void {
    this.#atMs[this.#next] = atMs;
    this.#latencyUs[this.#next] = latencyUs;
    this.#next = (this.#next + 1) % WINDOW;
  }

  figures(sinceMs: number): LaneMetrics {
    const within = this.#latencyUs.filter((_, index) => (this.#atMs[index] ?? Number.NEGATIVE_INFINITY) >= sinceMs);
    const succeeded = within.filter((latencyUs) => !Number.isNaN(latencyUs)).sort();
    const failed = within.length - succeeded.length;
    return Object.freeze({
      count: within.length,
      failed,
      errorRate: within.length > 0 ? failed / within.length : 0,
      medianLatencyUs: quantile(succeeded, 0.5),
      p95LatencyUs: quantile(succeeded, 0.95),
    });
  }
}

/** Nearest rank of sorted values. */
function quantile(sorted: Float64Array, q: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)];
}
