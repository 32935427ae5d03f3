/**
 * The last minute of one pool, second by second, fed with what came since the read before. However busy the pool is, one read takes a bounded number of
 * records: the newest ones; what is beyond them is counted (from keys alone), and said.
 */
import type { Method } from '../decision/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { sizeBand, sizeBandBounds } from '../metrics/size-band.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import type { LaneFigures, LaneSeries, PoolLive, RecentTransfer } from './frames.ts';

const WINDOW_S = 60;
const SECOND_US = 1_000_000;
/** Records are written some 100 ms after their transfer ended, by several processes: looked for again for so long. */
const LATE_US = 1_000_000;
const RECENT_SHOWN = 25;
/** The first read shows a minute at once: it takes so many times what later ones take. */
const FIRST_READ = 5;
/** Latencies kept of one second and lane. */
const MAX_LATENCIES = 256;

type Tail = Pick<MetricsStore, 'records' | 'count'>;

export class PoolTail {
  readonly #pool: string;
  readonly #maxRecords: number;
  readonly #seconds = new Map<number, Second>();
  /** Ids of the records that a later read may meet again, by when they ended. */
  readonly #seen = new Map<string, number>();
  #recent: TransferRecord[] = [];
  #readToUs: number | undefined;

  /** @param maxRecords that one read takes at most */
  constructor(pool: string, maxRecords: number) {
    this.#pool = pool;
    this.#maxRecords = maxRecords;
  }

  read(store: Tail, nowUs: number): PoolLive {
    const oldestUs = nowUs - (WINDOW_S + 1) * SECOND_US;
    const fromUs = Math.max(oldestUs, (this.#readToUs ?? 0) - LATE_US);
    const limit = this.#readToUs === undefined ? FIRST_READ * this.#maxRecords : this.#maxRecords;
    const taken = [...store.records({ pool: this.#pool, fromUs, limit, reverse: true })];
    const fresh = taken.filter(({ transferId }) => !this.#seen.has(transferId));
    for (const record of fresh) this.#add(record);
    if (taken.length >= limit) this.#countBeyond(store, taken, fromUs);
    this.#readToUs = Math.min(nowUs, Math.max(this.#readToUs ?? 0, taken[0]?.timestampUs ?? nowUs - LATE_US));
    this.#forget(Math.floor(oldestUs / SECOND_US), this.#readToUs - LATE_US);
    this.#recent = [...fresh, ...this.#recent].sort((a, b) => b.timestampUs - a.timestampUs).slice(0, RECENT_SHOWN);
    return this.#sum(Math.floor(nowUs / SECOND_US));
  }

  #add(record: TransferRecord): void {
    this.#seen.set(record.transferId, record.timestampUs);
    this.#second(Math.floor(record.timestampUs / SECOND_US)).add(record);
  }

  /** Whole seconds between which more came than was read: how many there were is told by their keys. */
  #countBeyond(store: Tail, taken: readonly TransferRecord[], fromUs: number): void {
    const oldest = Math.floor((taken.at(-1)?.timestampUs ?? fromUs) / SECOND_US);
    for (let at = Math.floor(fromUs / SECOND_US); at <= oldest; at += 1) {
      const there = store.count({ pool: this.#pool, fromUs: at * SECOND_US, toUs: (at + 1) * SECOND_US });
      if (there > 0) this.#second(at).total = there;
    }
  }

  #second(at: number): Second {
    let second = this.#seconds.get(at);
    if (second === undefined) {
      second = new Second();
      this.#seconds.set(at, second);
    }
    return second;
  }

  #forget(oldestSecond: number, seenFromUs: number): void {
    for (const at of this.#seconds.keys()) if (at < oldestSecond) this.#seconds.delete(at);
    for (const [id, atUs] of this.#seen) if (atUs < seenFromUs) this.#seen.delete(id);
  }

  #sum(now: number): PoolLive {
    const first = now - WINDOW_S;
    const times = Array.from({ length: WINDOW_S }, (_, index) => first + index);
    const inWindow = [...this.#seconds].filter(([at]) => at >= first).map(([, second]) => second);
    return {
      pool: this.#pool,
      windowS: WINDOW_S,
      seconds: times,
      series: { grpc: this.#series(times, 'grpc'), zero_copy: this.#series(times, 'zero_copy') },
      lanes: { grpc: figures(inWindow, 'grpc'), zero_copy: figures(inWindow, 'zero_copy') },
      recent: this.#recent.map(shown),
      traffic: trafficOf(inWindow),
      sampled: inWindow.some((second) => second.scale > 1),
      newestMs: this.#recent[0] && this.#recent[0].timestampUs / 1000,
    };
  }

  #series(times: readonly number[], method: Method): LaneSeries {
    const seconds = times.map((at) => this.#seconds.get(at));
    return {
      count: seconds.map((second) => Math.round((second?.lanes[method].count ?? 0) * (second?.scale ?? 1))),
      p50Us: seconds.map((second) => second?.lanes[method].quantile(0.5) ?? null),
      p99Us: seconds.map((second) => second?.lanes[method].quantile(0.99) ?? null),
    };
  }
}

class Second {
  readonly lanes = { grpc: new LaneSecond(), zero_copy: new LaneSecond() };
  /** Transfers that there were, where that is more than were read. */
  total = 0;

  get scale(): number {
    const read = this.lanes.grpc.count + this.lanes.zero_copy.count;
    return read > 0 && this.total > read ? this.total / read : 1;
  }

  add(record: TransferRecord): void {
    this.lanes[record.method].add(record);
    if (this.total > 0) this.total += 1;
  }
}

class LaneSecond {
  count = 0;
  failed = 0;
  fallbacks = 0;
  bytes = 0;
  readonly latencies: number[] = [];
  readonly bySizeBand = new Map<number, number>();
  #sorted: Float64Array | undefined;

  add({ outcome, fallback, dataSize, latencyUs }: TransferRecord): void {
    this.count += 1;
    if (fallback) this.fallbacks += 1;
    if (outcome === 'failed') this.failed += 1;
    const band = sizeBand(dataSize);
    this.bySizeBand.set(band, (this.bySizeBand.get(band) ?? 0) + 1);
    if (outcome !== 'success') return;
    this.bytes += dataSize;
    if (this.latencies.length < MAX_LATENCIES) this.latencies.push(latencyUs);
    // Spread over the second by a stride that is coprime to the length: a part, not the first ones.
    else this.latencies[(this.count * 97) % MAX_LATENCIES] = latencyUs;
    this.#sorted = undefined;
  }

  quantile(probability: number): number | undefined {
    this.#sorted ??= Float64Array.from(this.latencies).sort();
    return quantileOf(this.#sorted, probability);
  }
}

/** The value that at least this share of the sorted values does not exceed (nearest rank). */
function quantileOf(sorted: Float64Array, probability: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(probability * sorted.length) - 1)];
}

function figures(seconds: readonly Second[], method: Method): LaneFigures {
  const sums = { transfers: 0, failed: 0, fallbacks: 0, bytes: 0 };
  for (const { lanes, scale } of seconds) {
    sums.transfers += lanes[method].count * scale;
    sums.failed += lanes[method].failed * scale;
    sums.fallbacks += lanes[method].fallbacks * scale;
    sums.bytes += lanes[method].bytes * scale;
  }
  const sorted = Float64Array.from(seconds.flatMap(({ lanes }) => lanes[method].latencies)).sort();
  const at = (probability: number): number => quantileOf(sorted, probability) ?? 0;
  return {
    transfers: Math.round(sums.transfers),
    failed: Math.round(sums.failed),
    fallbacks: Math.round(sums.fallbacks),
    bytes: Math.round(sums.bytes),
    latencyUs: sorted.length === 0 ? undefined : { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) },
  };
}

function trafficOf(seconds: readonly Second[]) {
  const bands = new Map<number, { grpc: number; zeroCopy: number }>();
  for (const { lanes, scale } of seconds) {
    for (const [method, key] of [
      ['grpc', 'grpc'],
      ['zero_copy', 'zeroCopy'],
    ] as const) {
      for (const [band, count] of lanes[method].bySizeBand) {
        const sums = bands.get(band) ?? { grpc: 0, zeroCopy: 0 };
        sums[key] += count * scale;
        bands.set(band, sums);
      }
    }
  }
  return [...bands]
    .sort(([a], [b]) => a - b)
    .map(([band, sums]) => ({
      from: sizeBandBounds(band)[0],
      grpc: Math.round(sums.grpc),
      zeroCopy: Math.round(sums.zeroCopy),
    }));
}

function shown(record: TransferRecord): RecentTransfer {
  const { transferId, timestampUs, method, reason, outcome, dataSize, dataType, format } = record;
  const { latencyUs, predictedLatencyUs, errorCode } = record;
  const what = { transferId, atMs: timestampUs / 1000, method, reason, outcome, dataSize, dataType, format };
  return { ...what, latencyUs, predictedLatencyUs, errorCode };
}
