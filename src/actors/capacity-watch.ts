/**
 * Warns before a limit is reached, with what to do about it: memory that grows toward the share at which decisions change, an arena whose room
 * gets close to what a single transfer needs, a data directory whose disk fills up. Fed with samples; raises and resolves.
 */
import { median } from '../metrics/analysis/robust.ts';
import type { AlertContent } from './adviser.ts';

export interface CapacityInput {
  readonly atMs: number;
  /** Share of memory in use, 0..1; undefined where it cannot be measured. */
  readonly memoryLoad: number | undefined;
  /** Bytes that are still available. */
  readonly availableMemory: number | undefined;
  /** Share of memory from which decisions change. */
  readonly memoryPressureThreshold: number;
  readonly pools: readonly PoolRoom[];
  /** Bytes free where the store lies; undefined in memory, or where it cannot be measured. */
  readonly diskFree: number | undefined;
}

export interface PoolRoom {
  readonly pool: string;
  /** Largest transfer that the pool's shared memory can take now. */
  readonly room: number;
  /** Largest payload of the last minutes; undefined before the first. */
  readonly largest: number | undefined;
}

export interface CapacityNews {
  readonly raised: readonly AlertContent[];
  readonly resolved: readonly string[];
}

/** Milliseconds between two looks; and how many of them a trend is made of. */
const EVERY_MS = 5_000;
const POINTS = 60;
const MIN_POINTS = 12;
/** A limit that is nearer than this is warned of. */
const HORIZON_MS = 600_000;
/** Share of the limit from which it is warned of without any trend, and below which the warning is over. */
const NEAR = 0.9;
const OVER = 0.85;
/** A pool whose room is less than this many of its largest transfers is close to sending them by gRPC. */
const TRANSFERS_OF_ROOM = 2;
const ROOM_FOR_MS = 10_000;
const DISK_LOW = 512 * 1024 * 1024;

export class CapacityWatch {
  readonly #points: { readonly atMs: number; readonly load: number }[] = [];
  readonly #shortSince = new Map<string, number>();
  readonly #active = new Set<string>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** Whether it is time to look again. */
  due(atMs: number): boolean {
    return atMs - this.#lookedAtMs >= EVERY_MS;
  }

  observe(input: CapacityInput): CapacityNews {
    this.#lookedAtMs = input.atMs;
    const alerts = [this.#memory(input), ...input.pools.map((pool) => this.#room(pool, input.atMs)), disk(input)];
    const raised = alerts.filter((alert) => alert !== undefined);
    const keys = new Set(raised.map(({ key }) => key));
    const resolved = [...this.#active].filter((key) => !keys.has(key));
    for (const key of resolved) this.#active.delete(key);
    for (const key of keys) this.#active.add(key);
    return { raised, resolved };
  }

  #memory(input: CapacityInput): AlertContent | undefined {
    const { memoryLoad: load, memoryPressureThreshold: limit, atMs, availableMemory } = input;
    if (load === undefined) return undefined;
    this.#points.push({ atMs, load });
    if (this.#points.length > POINTS) this.#points.shift();
    const key = 'memory_pressure';
    const perMs = trend(this.#points);
    const leftMs = perMs > 0 ? (limit - load) / perMs : Number.POSITIVE_INFINITY;
    const near = load >= (this.#active.has(key) ? OVER : NEAR) * limit;
    if (!near && leftMs > HORIZON_MS) return undefined;
    const used = `${percent(load)} of memory are in use`;
    const growth = perMs > 0 ? `, and it grows by ${percent(perMs * 60_000)} a minute` : '';
    const when = load >= limit ? 'is passed' : leftMs <= HORIZON_MS ? `is reached in ${minutes(leftMs)}` : 'is near';
    return {
      key,
      kind: 'memory_pressure',
      severity: load >= limit ? 'critical' : 'warning',
      pool: undefined,
      message: `${used}${growth}: the limit of ${percent(limit)} ${when}. Above it thresholds sink and zero-copy is preferred.`,
      comparison: { measured: load, limit, growthPerMinute: perMs * 60_000, availableMemory: availableMemory ?? null },
      likelyCause: perMs > 0 ? 'something on this machine keeps allocating' : undefined,
      lookAt: 'the resident size of the host and of each worker process; arenaBytes of the pools; what else runs here',
    };
  }

  #room({ pool, room, largest }: PoolRoom, atMs: number): AlertContent | undefined {
    if (largest === undefined || room >= TRANSFERS_OF_ROOM * largest) {
      this.#shortSince.delete(pool);
      return undefined;
    }
    // An arena is full for a moment whenever large transfers overlap; it is too small when it stays so.
    const since = this.#shortSince.get(pool) ?? atMs;
    this.#shortSince.set(pool, since);
    if (atMs - since < ROOM_FOR_MS) return undefined;
    return {
      key: `shared_memory_low:${pool}`,
      kind: 'shared_memory_low',
      severity: 'warning',
      pool,
      message: `pool ${pool}: shared memory has room for ${megabytes(room)} at a time, and transfers of up to ${megabytes(largest)} come. What does not fit goes by gRPC. Raise arenaBytes to at least ${megabytes(4 * largest)}, or send less at a time.`,
      comparison: { room, largest },
      likelyCause: 'the arena is small for the payloads, or more of them are in flight than it was made for',
      lookAt: 'arena.stats of workers.status(): high water, pressure, leases that are held long',
    };
  }
}

function disk({ diskFree }: CapacityInput): AlertContent | undefined {
  if (diskFree === undefined || diskFree >= DISK_LOW) return undefined;
  return {
    key: 'disk_low',
    kind: 'disk_low',
    severity: 'warning',
    pool: undefined,
    message: `the disk of the data directory has ${megabytes(diskFree)} left. When it is full, records wait in memory and are dropped beyond queueCapacity; decisions go on.`,
    comparison: { measured: diskFree, limit: DISK_LOW },
    likelyCause: undefined,
    lookAt: 'metricsRetentionHours and metricsRetentionMb, and what else is written to that disk',
  };
}

/**
 * Share of memory per millisecond; 0 where it does not rise steadily. Theil-Sen: the median of the slopes between all pairs of points
 * (P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63, 1968), and Kendall's S as the sign that it is a trend.
 */
function trend(points: readonly { readonly atMs: number; readonly load: number }[]): number {
  if (points.length < MIN_POINTS) return 0;
  const slopes: number[] = [];
  let concordant = 0;
  for (const [index, late] of points.entries()) {
    for (const early of points.slice(0, index)) {
      const slope = (late.load - early.load) / (late.atMs - early.atMs);
      slopes.push(slope);
      concordant += Math.sign(slope);
    }
  }
  return concordant / slopes.length > STEADY ? Math.max(0, median(slopes)) : 0;
}

/** Kendall's tau from which on a rise is taken to be one. */
const STEADY = 0.7;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function minutes(ms: number): string {
  return `${(ms / 60_000).toFixed(1)} min`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
