/** What is kept of one kind of transfers. Pure. About 0.6 kB, while learning 2 kB. */
import { type Circumstances, type Effects, factorsOf } from './circumstances.ts';

export type Stage = 'learning' | 'watching' | 'regressed' | 'improved';

/** Latest residuals kept, to say where the level is now. */
export const RECENT = 31;
/** Log latency and the three factors. */
export const COLUMNS = 4;
/** Stands for a factor that is not known. */
export const MISSING = -32_768;
const PER_UNIT = 1000;

/**
 * A baseline. Opaque: `observe` moves it on in place. Plain numbers and lists, no clock, no random source: the same values make the same baseline,
 * and one that was stored goes on as if it had not been.
 */
export interface Baseline {
  stage: Stage;
  /** Successful transfers seen. */
  count: number;
  /** Thousandths of log latency, log size, log in flight and load, while learning; empty afterwards. */
  learning: Int16Array;
  learned: number;
  /** Log latency (microseconds) that is usual under the reference circumstances. */
  location: number;
  /** Standard deviation of the log latencies that circumstances do not explain, from their absolute deviations. */
  scale: number;
  /** Transfers that stand behind the location, up to the memory. */
  known: number;
  /** The location when it was learnt or accepted: what the slow trend is measured from. */
  anchor: number;
  /** Of standardized, clipped residuals: variance, product with the one before, the one before, share within the clip. */
  variance: number;
  product: number;
  previous: number;
  inside: number;
  /** Sums over batches of transfers: the one that is being filled, transfers in it, batches seen (up to the memory), their mean square per transfer. */
  batchSum: number;
  batchSize: number;
  batches: number;
  batchVariance: number;
  /** The sum that looks for higher values: where it stands, transfers since it was zero, and the total of their residuals. */
  up: number;
  upSince: number;
  upTotal: number;
  /** The same for lower ones. */
  down: number;
  downSince: number;
  downTotal: number;
  /** Log by which values are off the location since an alarm, transfers behind that, and since the alarm. */
  level: number;
  levelKnown: number;
  levelSince: number;
  /** Drift and bars, worked out every few transfers. */
  drift: number;
  bar: number;
  returnBar: number;
  dueIn: number;
  /** A ring of thousandths: residuals over the location. */
  readonly recent: Int16Array;
  recentAt: number;
  effects: Effects | undefined;
}

export function newBaseline(): Baseline {
  return {
    stage: 'learning',
    count: 0,
    learning: new Int16Array(0),
    learned: 0,
    location: 0,
    scale: 1,
    known: 0,
    anchor: 0,
    variance: 1,
    product: 0,
    previous: 0,
    inside: 1,
    batchSum: 0,
    batchSize: 0,
    batches: 0,
    batchVariance: 0,
    up: 0,
    upSince: 0,
    upTotal: 0,
    down: 0,
    downSince: 0,
    downTotal: 0,
    level: 0,
    levelKnown: 0,
    levelSince: 0,
    drift: 0,
    bar: 0,
    returnBar: 0,
    dueIn: 0,
    recent: new Int16Array(RECENT),
    recentAt: 0,
    effects: undefined,
  };
}

/** A baseline of its own: what becomes of one does not touch the other. */
export function copyBaseline(baseline: Baseline): Baseline {
  const { learning, recent, effects } = baseline;
  return {
    ...baseline,
    learning: learning.slice(),
    recent: recent.slice(),
    effects: effects && {
      ...effects,
      reference: [...effects.reference],
      mean: [...effects.mean],
      covariance: [...effects.covariance],
      cross: [...effects.cross],
      slopes: [...effects.slopes],
      current: [...effects.current],
    },
  };
}

/** Puts one more transfer into the sample to learn from. */
export function addToSample(baseline: Baseline, log: number, circumstances: Circumstances, capacity: number): void {
  const at = baseline.learned * COLUMNS;
  if (at + COLUMNS > baseline.learning.length) {
    const grown = new Int16Array(
      Math.max(Math.min(Math.max(32, baseline.learned * 2), capacity), baseline.learned + 1) * COLUMNS,
    );
    grown.set(baseline.learning.subarray(0, at));
    baseline.learning = grown;
  }
  const [size, inFlight, load] = factorsOf(circumstances);
  baseline.learning[at] = toThousandths(log);
  baseline.learning[at + 1] = toThousandths(size);
  baseline.learning[at + 2] = toThousandths(inFlight);
  baseline.learning[at + 3] = toThousandths(load);
  baseline.learned += 1;
}

/** 0.1 % is far below the scatter of any transfer. */
export function toThousandths(value: number): number {
  if (Number.isNaN(value)) return MISSING;
  return Math.round(Math.max(-32, Math.min(32, value)) * PER_UNIT);
}

/** NaN where it is missing. */
export function fromThousandths(value: number | undefined): number {
  return value === undefined || value === MISSING ? Number.NaN : value / PER_UNIT;
}
