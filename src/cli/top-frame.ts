/** One refresh of `pitwall top`: what every pool did in the last while, as plain data. */
import type { Method } from '../decision/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { type LaneSummary, type RecentSummary, RecentWindow } from './recent-window.ts';
import { readStoredThresholds, type StoredThresholds } from './stored-thresholds.ts';

export interface TopFrame {
  readonly atUs: number;
  readonly windowMs: number;
  readonly pools: readonly PoolFrame[];
  /** Pools beyond those shown. */
  readonly morePools: number;
  /** What reading and summing up took. */
  readonly costMs: number;
}

export interface PoolFrame extends LaneFrame {
  readonly pool: string;
  readonly lanes: Readonly<Record<Method, LaneFrame>>;
  /** Records a second over the last five steps: what goes on now rather than over the window. */
  readonly ratePerS: number;
  /** The same for the bytes of successful transfers. */
  readonly bytesPerS: number;
  /** Share of the records that went zero-copy, 0..1; undefined without records. */
  readonly zeroCopyShare: number | undefined;
  /** Median of |actual - predicted| / predicted. */
  readonly predictionError: number | undefined;
  readonly thresholds: StoredThresholds | undefined;
  /** Records a second, step by step, oldest first, the step under way left out. */
  readonly rates: readonly number[];
  readonly stepSeconds: number;
  /** When the newest record ended, Unix microseconds, whenever that was. */
  readonly newestUs: number | undefined;
  /** The host is faster than a refresh can read: the window is shorter than asked for. */
  readonly shortened: boolean;
}

export interface LaneFrame {
  readonly transfers: number;
  readonly failed: number;
  readonly fallbacks: number;
  /** Undefined where nothing succeeded. */
  readonly latencyUs: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
}

/** Pools that are read, in order of name: each holds some megabytes. */
const MAX_POOLS = 64;
/** A host stores what it learned every two seconds. */
const THRESHOLDS_EVERY_US = 2_000_000;
const RATE_STEPS = 5;

interface WatchedPool {
  readonly window: RecentWindow;
  thresholds: StoredThresholds | undefined;
  thresholdsReadUs: number;
}

export class TopReader {
  readonly #store: MetricsStore;
  readonly #windowMs: number;
  readonly #only: string | undefined;
  readonly #watched = new Map<string, WatchedPool>();

  /** `only`: one pool, all of them else. */
  constructor(store: MetricsStore, windowMs: number, only: string | undefined) {
    this.#store = store;
    this.#windowMs = windowMs;
    this.#only = only;
  }

  read(nowUs: number, elapsedMs: () => number): TopFrame {
    const startedMs = elapsedMs();
    const names = this.#only === undefined ? this.#store.pools() : [this.#only];
    const pools = names.slice(0, MAX_POOLS).map((pool) => this.#readPool(pool, nowUs));
    for (const pool of this.#watched.keys()) if (!names.includes(pool)) this.#watched.delete(pool);
    return {
      atUs: nowUs,
      windowMs: this.#windowMs,
      pools,
      morePools: names.length - pools.length,
      costMs: elapsedMs() - startedMs,
    };
  }

  #readPool(pool: string, nowUs: number): PoolFrame {
    const watched = this.#watchedPool(pool);
    if (Math.abs(nowUs - watched.thresholdsReadUs) >= THRESHOLDS_EVERY_US) {
      watched.thresholds = readStoredThresholds(this.#store, pool);
      watched.thresholdsReadUs = nowUs;
    }
    return poolFrame(pool, watched.window.refresh(nowUs), watched.thresholds);
  }

  #watchedPool(pool: string): WatchedPool {
    let watched = this.#watched.get(pool);
    if (watched === undefined) {
      const window = new RecentWindow(this.#store, pool, this.#windowMs);
      watched = { window, thresholds: undefined, thresholdsReadUs: 0 };
      this.#watched.set(pool, watched);
    }
    return watched;
  }
}

function poolFrame(pool: string, recent: RecentSummary, thresholds: StoredThresholds | undefined): PoolFrame {
  const { lanes, all, steps, stepSeconds, newestUs, shortened } = recent;
  const last = steps.slice(-RATE_STEPS);
  const perSecond = (sum: number): number => sum / Math.max(1, last.length) / stepSeconds;
  return {
    pool,
    ...laneFrame(all),
    lanes: { zero_copy: laneFrame(lanes.zero_copy), grpc: laneFrame(lanes.grpc) },
    ratePerS: perSecond(last.reduce((sum, { count }) => sum + count, 0)),
    bytesPerS: perSecond(last.reduce((sum, { bytes }) => sum + bytes, 0)),
    zeroCopyShare: all.count === 0 ? undefined : lanes.zero_copy.count / all.count,
    predictionError: all.predictionError.count === 0 ? undefined : all.predictionError.quantile(0.5),
    thresholds,
    rates: steps.map(({ count }) => count / stepSeconds),
    stepSeconds,
    newestUs,
    shortened,
  };
}

function laneFrame({ count, failed, fallbacks, latencyUs }: LaneSummary): LaneFrame {
  const [p50 = 0, p95 = 0, p99 = 0] = latencyUs.quantiles([0.5, 0.95, 0.99]);
  return {
    transfers: count,
    failed,
    fallbacks,
    latencyUs: latencyUs.count === 0 ? undefined : { p50, p95, p99 },
  };
}
