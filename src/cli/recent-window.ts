/**
 * The last minute (or so) of one pool, kept in steps, so that a refresh reads only what may have changed since the one before:
 *
 *   ├─ step ─┼─ step ─┼─ … ─┼─ step ─┼─ step under way ─┤ now
 *   └─ held; counted, and read anew only where the count differs ─┘└─ read anew ─┘
 */
import type { Method } from '../decision/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { QuantileSketch } from '../metrics/sketch.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { newestRecordUs } from './newest-record.ts';

/** What a lane did in some time. */
export class LaneSummary {
  count = 0;
  failed = 0;
  fallbacks = 0;
  /** Bytes of successful transfers. */
  bytes = 0;
  readonly latencyUs = new QuantileSketch();
  readonly predictionError = new QuantileSketch();

  add(record: TransferRecord): void {
    this.count += 1;
    if (record.fallback) this.fallbacks += 1;
    if (record.outcome === 'failed') this.failed += 1;
    if (record.outcome !== 'success') return;
    this.bytes += record.dataSize;
    this.latencyUs.add(record.latencyUs);
    if (record.predictionError !== undefined) this.predictionError.add(record.predictionError);
  }

  merge(other: LaneSummary): void {
    this.count += other.count;
    this.failed += other.failed;
    this.fallbacks += other.fallbacks;
    this.bytes += other.bytes;
    this.latencyUs.merge(other.latencyUs);
    this.predictionError.merge(other.predictionError);
  }
}

export type Lanes = Readonly<Record<Method, LaneSummary>>;

export interface StepTotals {
  readonly count: number;
  /** Of successful transfers. */
  readonly bytes: number;
}

export interface RecentSummary {
  readonly lanes: Lanes;
  readonly all: LaneSummary;
  /** The steps that are over, oldest first. */
  readonly steps: readonly StepTotals[];
  readonly stepSeconds: number;
  /** When the newest record ended, whenever that was. */
  readonly newestUs: number | undefined;
  /** There were more records than a refresh may read: the oldest steps are missing. */
  readonly shortened: boolean;
}

/** Steps of a window: what a small graph shows. */
const STEPS = 60;
/** A record is written some 100 ms after its transfer ended; one that comes later than this is found by the count. */
const SETTLED_US = 1_000_000;
/** Records that one refresh reads at most, about a second's work. */
const MAX_RECORDS = 1_500_000;

export class RecentWindow {
  readonly #store: MetricsStore;
  readonly #pool: string;
  readonly #stepUs: number;
  readonly #stepsShown: number;
  readonly #maxRecords: number;
  /** By number of step since 1970. */
  readonly #steps = new Map<number, Lanes>();
  /** First step that is held; what came before it is too old, or was too much. */
  #heldFrom = Number.POSITIVE_INFINITY;
  #readUs = 0;
  #newestUs: number | undefined;
  /** Records that are counted and cannot be read (damaged): no reason to read again. */
  #unreadable = 0;

  constructor(store: MetricsStore, pool: string, windowMs: number, maxRecords = MAX_RECORDS) {
    this.#store = store;
    this.#pool = pool;
    this.#stepUs = Math.max(1, Math.ceil(windowMs / STEPS / 1000)) * 1_000_000;
    this.#stepsShown = Math.max(1, Math.round((windowMs * 1000) / this.#stepUs));
    this.#maxRecords = maxRecords;
  }

  /** Reads what is new, and sums up the window that ends now. */
  refresh(nowUs: number): RecentSummary {
    const last = Math.floor(nowUs / this.#stepUs);
    const first = last - this.#stepsShown + 1;
    const settled = Math.min(last, Math.floor((Math.min(this.#readUs, nowUs) - SETTLED_US) / this.#stepUs));
    const heldFrom = Math.max(first, this.#heldFrom);
    this.#forget((step) => step < heldFrom || step > last);
    // Before the first read, and after a long pause, nothing held is of use.
    const isHeld = settled >= heldFrom && this.#isComplete(heldFrom, settled);
    this.#read(isHeld ? settled : first, last);
    if (!isHeld) {
      const from = Math.max(first, this.#heldFrom);
      this.#unreadable = Math.max(0, this.#count(from, last + 1) - this.#held(from, last + 1));
    }
    this.#readUs = nowUs;
    return this.#sum(first, last, nowUs);
  }

  /** Whether what is held of the steps `from..end-1` is all there is. */
  #isComplete(from: number, end: number): boolean {
    return this.#count(from, end) === this.#held(from, end) + this.#unreadable;
  }

  /** Records of the steps `from..end-1` in the store: read off keys, not off records. */
  #count(from: number, end: number): number {
    return this.#store.count({ pool: this.#pool, fromUs: from * this.#stepUs, toUs: end * this.#stepUs });
  }

  /** The same among what is held. */
  #held(from: number, end: number): number {
    let held = 0;
    for (const [step, lanes] of this.#steps) {
      if (step >= from && step < end) held += lanes.grpc.count + lanes.zero_copy.count;
    }
    return held;
  }

  #read(wanted: number, last: number): void {
    let from = wanted;
    while (from < last && this.#count(from, last + 1) > this.#maxRecords) from = Math.ceil((from + last) / 2);
    // Steps held before a gap are of no use: the window starts where reading starts.
    const whole = from > wanted || wanted < this.#heldFrom;
    if (whole) this.#heldFrom = from;
    this.#forget((step) => whole || step >= from);
    const range = { fromUs: from * this.#stepUs, toUs: (last + 1) * this.#stepUs };
    for (const record of this.#store.records({ pool: this.#pool, ...range })) {
      this.#lanesAt(Math.floor(record.timestampUs / this.#stepUs))[record.method].add(record);
      if (record.timestampUs > (this.#newestUs ?? 0)) this.#newestUs = record.timestampUs;
    }
  }

  #forget(isUseless: (step: number) => boolean): void {
    for (const step of this.#steps.keys()) if (isUseless(step)) this.#steps.delete(step);
  }

  #lanesAt(step: number): Lanes {
    let lanes = this.#steps.get(step);
    if (lanes === undefined) {
      lanes = { grpc: new LaneSummary(), zero_copy: new LaneSummary() };
      this.#steps.set(step, lanes);
    }
    return lanes;
  }

  #sum(first: number, last: number, nowUs: number): RecentSummary {
    const lanes: Lanes = { grpc: new LaneSummary(), zero_copy: new LaneSummary() };
    for (const step of this.#steps.values()) {
      lanes.grpc.merge(step.grpc);
      lanes.zero_copy.merge(step.zero_copy);
    }
    const all = new LaneSummary();
    all.merge(lanes.grpc);
    all.merge(lanes.zero_copy);
    if (all.count === 0) this.#newestUs ??= newestRecordUs(this.#store, this.#pool, nowUs);
    const from = Math.max(first, this.#heldFrom);
    return {
      lanes,
      all,
      steps: Array.from({ length: last - from }, (_, index) => totals(this.#steps.get(from + index))),
      stepSeconds: this.#stepUs / 1e6,
      newestUs: this.#newestUs,
      shortened: from > first,
    };
  }
}

function totals(lanes: Lanes | undefined): StepTotals {
  if (lanes === undefined) return { count: 0, bytes: 0 };
  const { grpc, zero_copy: zeroCopy } = lanes;
  return { count: grpc.count + zeroCopy.count, bytes: grpc.bytes + zeroCopy.bytes };
}
