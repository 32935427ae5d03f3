/** Which kinds of transfers have become slower than they were: a baseline per kind, and the alarms that are on. */
import type { JsonValue } from '../learning/types.ts';
import {
  acceptBaseline,
  type Baseline,
  type BaselineOptions,
  type BaselineReport,
  baselineFromJson,
  baselineToJson,
  newBaseline,
  observe,
  type Regression,
  reportOf,
} from '../metrics/analysis/baseline.ts';
import { keyOf, kindOf, type TransferKind } from '../metrics/analysis/kind.ts';
import { watchOptionsFor } from '../metrics/analysis/watch-options.ts';
import type { TransferRecord } from '../metrics/record.ts';

export interface ActiveRegression extends Regression {
  readonly kind: TransferKind;
  /** Names the kind; unique. */
  readonly key: string;
  /** When it began, as far as can be told, and when it was found; Unix microseconds. */
  readonly sinceUs: number;
  readonly atUs: number;
}

export interface WatchNews {
  readonly type: 'raised' | 'worse' | 'recovered';
  readonly regression: ActiveRegression;
}

/** What usually is, as operators read it. */
export interface KindBaseline extends BaselineReport {
  readonly kind: TransferKind;
  readonly key: string;
}

/** Transfers whose times are kept, to say when it began. */
const TIMES = 256;
const DEFAULT_MAX_KINDS = 1_000;
/** Transfers of a kind after which it is looked at again how often it comes. */
const REVIEW_EVERY = 256;
const WEEK_US = 604_800e6;
/** A rate from less than ten minutes says little about a week. */
const SHORTEST_US = 600e6;

interface Watched {
  readonly kind: TransferKind;
  baseline: Baseline;
  active: ActiveRegression | undefined;
  /** A ring of the latest transfers' times, Unix microseconds. */
  readonly times: Float64Array;
  seen: number;
  /** When the first transfer of this run came, Unix microseconds. */
  sinceUs: number;
  /** How it is watched, which follows from how often it and its pool are transferred. */
  options: BaselineOptions;
}

/** What a pool's kinds share: how much comes in all, which the false alarms of a week are shared out by. */
interface PoolTraffic {
  seen: number;
  sinceUs: number;
}

export interface RegressionWatchOptions extends BaselineOptions {
  /** Kinds that are followed; beyond it the least recently seen goes. Default 1 000. */
  readonly maxKinds?: number | undefined;
}

export class RegressionWatch {
  readonly #options: RegressionWatchOptions;
  readonly #kinds = new Map<string, Watched>();
  readonly #changed = new Set<string>();
  readonly #traffic = new Map<string, PoolTraffic>();

  constructor(options: RegressionWatchOptions = {}) {
    this.#options = options;
  }

  /** @returns what this transfer made known, if anything */
  observe(record: TransferRecord): WatchNews | undefined {
    if (record.outcome !== 'success') return undefined;
    const watched = this.#watched(kindOf(record));
    this.#count(watched, record);
    const { next, regression, recovered } = observe(watched.baseline, record.latencyUs, watched.options, record);
    watched.baseline = next;
    this.#changed.add(record.pool);
    if (regression !== undefined) return this.#raise(watched, regression, record.timestampUs);
    if (recovered === undefined || watched.active === undefined) return undefined;
    const news: WatchNews = { type: 'recovered', regression: watched.active };
    watched.active = undefined;
    return news;
  }

  /** Alarms that are on, the oldest first. */
  active(pool?: string): ActiveRegression[] {
    return this.#of(pool)
      .flatMap(({ active }) => active ?? [])
      .sort((a, b) => a.sinceUs - b.sinceUs);
  }

  baselines(pool?: string): KindBaseline[] {
    return this.#of(pool).map(({ kind, baseline }) => ({ kind, key: keyOf(kind), ...reportOf(baseline) }));
  }

  /** What is, is what should be from now on: of one kind, or of all of a pool that are regressed. @returns the alarms that ended */
  accept(pool: string, key?: string): ActiveRegression[] {
    const ended: ActiveRegression[] = [];
    for (const watched of this.#of(pool)) {
      const { active } = watched;
      if (active === undefined || (key !== undefined && keyOf(watched.kind) !== key)) continue;
      watched.baseline = acceptBaseline(watched.baseline);
      watched.active = undefined;
      ended.push(active);
      this.#changed.add(pool);
    }
    return ended;
  }

  /** Pools whose baselines have changed since the last call. */
  takeChanged(): string[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  toJson(pool: string): JsonValue {
    return this.#of(pool).map(({ kind, baseline, active }) => ({
      method: kind.method,
      dataType: kind.dataType,
      sizeBand: kind.sizeBand,
      compression: kind.compression,
      warm: kind.warm ?? null,
      inPlace: kind.inPlace,
      baseline: toJsonValue(baselineToJson(baseline)),
      active: active === undefined ? null : activeToJson(active),
    }));
  }

  /** Takes what was stored of a pool, except for kinds that are known already. @returns how many entries were refused */
  restore(pool: string, stored: JsonValue): number {
    if (!Array.isArray(stored)) return 1;
    let refused = 0;
    for (const entry of stored) {
      const read = readEntry(pool, entry);
      if (read === undefined) refused += 1;
      else if (!this.#kinds.has(keyOf(read.kind))) this.#add(read);
    }
    return refused;
  }

  #count(watched: Watched, { pool, timestampUs }: TransferRecord): void {
    let traffic = this.#traffic.get(pool);
    if (traffic === undefined) {
      traffic = { seen: 0, sinceUs: timestampUs };
      // Bounded by the pools there are, which admission bounds.
      this.#traffic.set(pool, traffic);
    }
    traffic.seen += 1;
    if (watched.seen === 0) watched.sinceUs = timestampUs;
    if (watched.seen % REVIEW_EVERY === 0) watched.options = this.#optionsFor(watched, traffic, timestampUs);
    watched.times[watched.seen % TIMES] = timestampUs;
    watched.seen += 1;
  }

  #optionsFor({ kind, seen, sinceUs }: Watched, traffic: PoolTraffic, nowUs: number): BaselineOptions {
    const perWeek = (count: number, fromUs: number): number =>
      (count * WEEK_US) / Math.max(nowUs - fromUs, SHORTEST_US);
    const chosen = watchOptionsFor({
      transfersPerWeek: perWeek(seen, sinceUs),
      poolTransfersPerWeek: perWeek(traffic.seen, traffic.sinceUs),
      kinds: this.#of(kind.pool).length,
    });
    return { ...chosen, ...this.#options };
  }

  #raise(watched: Watched, regression: Regression, atUs: number): WatchNews {
    const { active, kind } = watched;
    const back = Math.min(regression.transfers, TIMES, watched.seen);
    const sinceUs = active?.sinceUs ?? watched.times[(watched.seen - back) % TIMES] ?? atUs;
    watched.active = { ...regression, kind, key: keyOf(kind), sinceUs, atUs };
    return { type: active ? 'worse' : 'raised', regression: watched.active };
  }

  #of(pool: string | undefined): Watched[] {
    return [...this.#kinds.values()].filter(({ kind }) => pool === undefined || kind.pool === pool);
  }

  #watched(kind: TransferKind): Watched {
    const key = keyOf(kind);
    const known = this.#kinds.get(key);
    if (known) return known;
    const fresh = watchedOf(kind, newBaseline(), undefined);
    this.#add(fresh);
    return fresh;
  }

  #add(watched: Watched): void {
    this.#kinds.set(keyOf(watched.kind), watched);
    if (this.#kinds.size <= (this.#options.maxKinds ?? DEFAULT_MAX_KINDS)) return;
    let [oldestKey, oldest] = ['', Number.POSITIVE_INFINITY];
    for (const [key, { times, seen }] of this.#kinds) {
      const lastUs = times[(seen + TIMES - 1) % TIMES] ?? 0;
      if (lastUs < oldest && key !== keyOf(watched.kind)) [oldestKey, oldest] = [key, lastUs];
    }
    this.#kinds.delete(oldestKey);
  }
}

function watchedOf(kind: TransferKind, baseline: Baseline, active: ActiveRegression | undefined): Watched {
  return { kind, baseline, active, times: new Float64Array(TIMES), seen: 0, sinceUs: 0, options: {} };
}

/** Plain numbers and lists of them, whose type says less. */
function toJsonValue(value: Readonly<Record<string, unknown>>): JsonValue {
  return JSON.parse(JSON.stringify(value));
}

function activeToJson(active: ActiveRegression): JsonValue {
  const { ratio, baselineUs, currentUs, transfers, worsened, sinceUs, atUs } = active;
  return { ratio, baselineUs, currentUs, transfers, worsened, sinceUs, atUs };
}

function readEntry(pool: string, entry: JsonValue): Watched | undefined {
  const { method, dataType, sizeBand: band, compression, warm, inPlace, baseline: stored, active } = fieldsOf(entry);
  const baseline = baselineFromJson(stored);
  if (baseline === undefined || (method !== 'grpc' && method !== 'zero_copy')) return undefined;
  if (typeof dataType !== 'string' || typeof band !== 'number' || typeof compression !== 'boolean') return undefined;
  const memory = typeof warm === 'boolean' ? warm : undefined;
  const kind: TransferKind = {
    pool,
    method,
    dataType,
    sizeBand: band,
    compression,
    warm: memory,
    inPlace: inPlace === true,
  };
  return watchedOf(kind, baseline, readActive(kind, active));
}

function readActive(kind: TransferKind, stored: unknown): ActiveRegression | undefined {
  const { ratio, baselineUs, currentUs, transfers, worsened, sinceUs, atUs } = fieldsOf(stored);
  if (typeof ratio !== 'number' || typeof baselineUs !== 'number' || typeof currentUs !== 'number') return undefined;
  if (typeof transfers !== 'number' || typeof sinceUs !== 'number' || typeof atUs !== 'number') return undefined;
  const regression = { ratio, baselineUs, currentUs, transfers, worsened: worsened === true };
  return { ...regression, kind, key: keyOf(kind), sinceUs, atUs };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
