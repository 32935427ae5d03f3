/**
 * What a transfer of one kind (pool, method, type, size band) usually takes, and the detector of its regressions. Pure: the state is a value,
 * `observe` returns the next one.
 *
 * Learning: median and scaled MAD of the log latencies of the first transfers. Watching: a one-sided CUSUM of standardized,
 * clipped log latencies,
 *
 *   S <- max(0, S + clip(z, -3, 3) - k)      alarm when S > h
 *
 * (E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954), with k at half of the shift to find and h from the run
 * length that is wanted without a shift (D. Siegmund, "Sequential Analysis", 1985, eq. 2.54: ARL = (e^(2kb) - 2kb - 1) / 2k^2, b = h + 1.166).
 * The bar is so set per kind: a noisy kind needs more transfers to be sure, a calm one fewer.
 *
 * A baseline follows slow trends by exponential forgetting, and only while nothing is suspected (S < h / 4): a regression that
 * builds up is not swallowed.
 */
import { robustLocationScale } from './robust.ts';

export interface BaselineOptions {
  /** Relative rise of the median that is a regression. Default 0.2. */
  readonly threshold?: number;
  /** Transfers that a baseline is learned from. Default 500. */
  readonly learnCount?: number;
  /** Transfers between two false alarms, on average, that are wanted at least. Default 2 million. */
  readonly runLength?: number;
  /** Transfers over which the baseline forgets. Default 5 000. */
  readonly memory?: number;
}

export interface Baseline {
  /** Log latencies while learning; empty afterwards. */
  readonly learning: readonly number[];
  /** Median log latency (microseconds), and its scatter; undefined while learning. */
  readonly location: number | undefined;
  readonly scale: number;
  /** The CUSUM, where it was last zero, and the log latencies since then: how far and since when. */
  readonly sum: number;
  readonly since: number;
  readonly sinceTotal: number;
  readonly count: number;
  /** Log of how much slower it is than `location`, once an alarm was raised; undefined while nothing is known to be wrong. */
  readonly regressed: number | undefined;
}

export interface Regression {
  /** Estimated median now over that of the baseline: 1.2 is 20 % slower. */
  readonly ratio: number;
  readonly baselineUs: number;
  readonly currentUs: number;
  /** Transfers since it began, as far as can be told. */
  readonly transfers: number;
  /** True where this kind was known to be slower already and became slower still. */
  readonly worsened: boolean;
}

/** A regression is over. */
export interface Recovery {
  /** Estimated median now over that of the baseline: near 1. */
  readonly ratio: number;
  readonly baselineUs: number;
  readonly currentUs: number;
  /** Transfers since it came back, as far as can be told. */
  readonly transfers: number;
}

export interface Step {
  readonly next: Baseline;
  /** Set with the transfer that raises the alarm. It rings once for a regression, and again only when it gets worse. */
  readonly regression: Regression | undefined;
  /** Set with the transfer that shows that a regression is over. */
  readonly recovered: Recovery | undefined;
}

/** What can be told of a baseline. */
export interface BaselineReport {
  readonly status: 'learning' | 'watching' | 'regressed';
  /** What a transfer usually takes; undefined while learning. */
  readonly medianUs: number | undefined;
  /** Standard deviation of the log latencies. */
  readonly scatter: number;
  /** Successful transfers seen. */
  readonly count: number;
}

export const EMPTY_BASELINE: Baseline = {
  learning: [],
  location: undefined,
  scale: 0,
  sum: 0,
  since: 0,
  sinceTotal: 0,
  count: 0,
  regressed: undefined,
};

export function newBaseline(): Baseline {
  return EMPTY_BASELINE;
}

export function reportOf({ location, scale, count, regressed }: Baseline): BaselineReport {
  if (location === undefined) return { status: 'learning', medianUs: undefined, scatter: 0, count };
  return {
    status: regressed === undefined ? 'watching' : 'regressed',
    medianUs: Math.exp(location),
    scatter: scale,
    count,
  };
}

/** Makes the present the new normal: what a regression made of this kind is what it is compared with from now on. */
export function acceptBaseline(baseline: Baseline): Baseline {
  const { location, regressed } = baseline;
  if (location === undefined || regressed === undefined) return baseline;
  return { ...baseline, location: location + regressed, regressed: undefined, sum: 0, since: 0, sinceTotal: 0 };
}

/** A plain value that `baselineFromJson` makes the same baseline of. */
export function baselineToJson(baseline: Baseline): Readonly<Record<string, unknown>> {
  return { version: 1, ...baseline };
}

/** The baseline that was stored; undefined for anything that `baselineToJson` did not make. */
export function baselineFromJson(value: unknown): Baseline | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const learning = fields.get('learning');
  const numbers = ['scale', 'sum', 'since', 'sinceTotal', 'count'].map((name) => fields.get(name));
  const optional = ['location', 'regressed'].map((name) => fields.get(name));
  if (fields.get('version') !== 1 || !Array.isArray(learning) || !learning.every(isFiniteNumber)) return undefined;
  if (!optional.every((each) => each === undefined || isFiniteNumber(each))) return undefined;
  const [scale, sum, since, sinceTotal, count] = numbers.filter(isFiniteNumber);
  if (scale === undefined || sum === undefined || since === undefined) return undefined;
  if (sinceTotal === undefined || count === undefined || !numbers.every(isFiniteNumber)) return undefined;
  if (scale < 0 || sum < 0 || since < 0 || count < 0 || learning.length > 100_000) return undefined;
  const [location, regressed] = optional.map((each) => (isFiniteNumber(each) ? each : undefined));
  return { learning: [...learning], location, scale, sum, since, sinceTotal, count, regressed };
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

const CLIP = 3;
/** No kind is as calm as measured on identical values; a floor keeps one microsecond of jitter from being a regression. */
const MIN_SCALE = 0.03;
/** Learned medians are not exact: this share of the shift is granted to their error. */
const ALLOWANCE = 0.5;

/** The state after one more successful transfer of this kind. */
export function observe(baseline: Baseline, latencyUs: number, options: BaselineOptions = {}): Step {
  const log = Math.log(Math.max(latencyUs, 1e-3));
  if (baseline.location === undefined)
    return { next: learn(baseline, log, options.learnCount ?? 500), regression: undefined, recovered: undefined };
  const shift = Math.log(1 + (options.threshold ?? 0.2)) / baseline.scale;
  const k = Math.min(CLIP / 2, shift * ALLOWANCE);
  const h = barFor(k, options.runLength ?? 2_000_000);
  const { regressed } = baseline;
  // Once regressed, the question is turned round: is it back at least half of the way (a sum of values below what it became)?
  const raw = (log - baseline.location - (regressed ?? 0)) / baseline.scale;
  const z = Math.max(-CLIP, Math.min(CLIP, regressed === undefined ? raw : -raw));
  const sum = Math.max(0, baseline.sum + z - k);
  const watched: Baseline = {
    ...(regressed === undefined ? follow(baseline, z, h, options.memory ?? 5000) : baseline),
    sum,
    since: sum === 0 ? 0 : baseline.since + 1,
    sinceTotal: sum === 0 ? 0 : baseline.sinceTotal + z * baseline.scale,
    count: baseline.count + 1,
  };
  if (sum <= h) return { next: watched, regression: undefined, recovered: undefined };
  const settled = { ...watched, sum: 0, since: 0, sinceTotal: 0 };
  const mean = watched.sinceTotal / Math.max(1, watched.since);
  if (regressed === undefined) {
    const regression = { ...change(watched, baseline.location, mean), worsened: false };
    return { next: { ...settled, regressed: mean }, regression, recovered: undefined };
  }
  const recovered = change(watched, baseline.location, regressed - mean);
  return { next: { ...settled, regressed: undefined }, regression: undefined, recovered };
}

function learn(baseline: Baseline, log: number, learnCount: number): Baseline {
  const learning = [...baseline.learning, log];
  if (learning.length < learnCount) return { ...baseline, learning, count: baseline.count + 1 };
  const { location, scale } = robustLocationScale(learning);
  return { ...EMPTY_BASELINE, location, scale: Math.max(scale, MIN_SCALE), count: baseline.count + 1 };
}

function follow(baseline: Baseline, z: number, h: number, memory: number): Baseline {
  if (baseline.location === undefined || baseline.sum > h / 4) return baseline;
  return { ...baseline, location: baseline.location + (z * baseline.scale) / memory };
}

function change({ since }: Baseline, location: number, log: number): Recovery {
  const baselineUs = Math.exp(location);
  return { ratio: Math.exp(log), baselineUs, currentUs: baselineUs * Math.exp(log), transfers: since };
}

/** Siegmund's approximation, solved for the bar by bisection. */
export function barFor(k: number, runLength: number): number {
  let low = 0;
  let high = 400;
  for (let step = 0; step < 60; step += 1) {
    const h = (low + high) / 2;
    const b = h + 1.166;
    const length = (Math.exp(2 * k * b) - 2 * k * b - 1) / (2 * k * k);
    if (length < runLength) low = h;
    else high = h;
  }
  return high;
}
