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
}

export interface Regression {
  /** Estimated median now over that of the baseline: 1.2 is 20 % slower. */
  readonly ratio: number;
  readonly baselineUs: number;
  readonly currentUs: number;
  /** Transfers since it began, as far as can be told. */
  readonly transfers: number;
}

export interface Step {
  readonly next: Baseline;
  /** Set with the transfer that raises the alarm; the sum starts anew after it. */
  readonly regression: Regression | undefined;
}

export const EMPTY_BASELINE: Baseline = {
  learning: [],
  location: undefined,
  scale: 0,
  sum: 0,
  since: 0,
  sinceTotal: 0,
  count: 0,
};

const CLIP = 3;
/** No kind is as calm as measured on identical values; a floor keeps one microsecond of jitter from being a regression. */
const MIN_SCALE = 0.03;
/** Learned medians are not exact: this share of the shift is granted to their error. */
const ALLOWANCE = 0.5;

/** The state after one more successful transfer of this kind. */
export function observe(baseline: Baseline, latencyUs: number, options: BaselineOptions = {}): Step {
  const log = Math.log(Math.max(latencyUs, 1e-3));
  if (baseline.location === undefined)
    return { next: learn(baseline, log, options.learnCount ?? 500), regression: undefined };
  const shift = Math.log(1 + (options.threshold ?? 0.2)) / baseline.scale;
  const k = Math.min(CLIP / 2, shift * ALLOWANCE);
  const h = barFor(k, options.runLength ?? 2_000_000);
  const z = Math.max(-CLIP, Math.min(CLIP, (log - baseline.location) / baseline.scale));
  const sum = Math.max(0, baseline.sum + z - k);
  const watched: Baseline = {
    ...follow(baseline, z, h, options.memory ?? 5000),
    sum,
    since: sum === 0 ? 0 : baseline.since + 1,
    sinceTotal: sum === 0 ? 0 : baseline.sinceTotal + z * baseline.scale,
    count: baseline.count + 1,
  };
  if (sum <= h) return { next: watched, regression: undefined };
  const regression = describe(watched, baseline.location);
  return { next: { ...watched, sum: 0, since: 0, sinceTotal: 0 }, regression };
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

function describe({ since, sinceTotal }: Baseline, location: number): Regression {
  const ratio = Math.exp(sinceTotal / Math.max(1, since));
  const baselineUs = Math.exp(location);
  return { ratio, baselineUs, currentUs: baselineUs * ratio, transfers: since };
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
