/**
 * What a transfer of one kind (pool, method, type, size band, ...) usually takes, and the detector of its regressions. Pure: no clock, no random
 * source, the state is a plain value that `observe` moves on.
 *
 * Learning: the first transfers (`baseline-learning.ts`). Watching: CUSUMs of standardized, clipped log latencies from which circumstances are taken
 * off (`circumstances.ts`), one for higher and one for lower values, with bars set for a wanted run length and for the serial correlation found
 * (`cusum.ts`). A regression is a rise that the test has found and that is estimated at three quarters of the threshold or more. From then on the kind is
 * `regressed`: it rings again only when it becomes slower by as much again, and a mirrored test says when it is back. A fall makes it `improved`: once
 * the lower level has been seen for as many transfers as the old one stood on, it is the new normal, so that a baseline learnt from a slow start is
 * corrected.
 *
 * A baseline follows slow trends by exponential forgetting, and only while nothing is suspected (sum below a quarter of the bar): a regression that
 * builds up is not swallowed.
 */
import { learnFrom, readSample } from './baseline-learning.ts';
import { addToSample, type Baseline, COLUMNS } from './baseline-state.ts';
import type { BaselineOptions, Step } from './baseline-types.ts';
import { acceptLevel, nothing, startWatching, watch } from './baseline-watching.ts';
import { type Circumstances, expect, expectFactors, usualEffect } from './circumstances.ts';

export { baselineFromJson, baselineToJson } from './baseline-json.ts';
export { type Baseline, copyBaseline, newBaseline } from './baseline-state.ts';
export type { BaselineOptions, LevelChange, Recovery, Regression, Step } from './baseline-types.ts';
export type { Circumstances } from './circumstances.ts';

/** What can be told of a baseline. */
export interface BaselineReport {
  readonly status: 'learning' | 'watching' | 'regressed';
  /** What a transfer usually takes; undefined while learning. */
  readonly medianUs: number | undefined;
  /** Standard deviation of the log latencies that size, transfers in flight and load do not explain. */
  readonly scatter: number;
  /** Correlation of a transfer's latency with that of the one before. */
  readonly serialCorrelation: number;
  /** Median over that when it was learnt or accepted: how far the slow trend has carried it. */
  readonly trend: number;
  /** How much slower it is now than the baseline; 1 where nothing is known to be wrong. */
  readonly ratio: number;
  /** Successful transfers seen. */
  readonly count: number;
}

const LEARN_COUNT = 200;
const MIN_LEARN_COUNT = 30;
/** Samples after which a kind that keeps changing is learnt as it is. */
const PATIENCE = 10;

/**
 * Moves a baseline on by one successful transfer of its kind, in place.
 * @param circumstances a transfer record fits; without it, latencies are compared as they are
 */
export function observe(
  baseline: Baseline,
  latencyUs: number,
  options: BaselineOptions = {},
  circumstances: Circumstances = {},
): Step {
  if (!(latencyUs < Number.POSITIVE_INFINITY)) return nothing(baseline);
  const log = Math.log(Math.max(latencyUs, 1e-3));
  baseline.count += 1;
  if (baseline.stage === 'learning') return learn(baseline, log, circumstances, options);
  const effect = baseline.effects === undefined ? 0 : expect(baseline.effects, circumstances);
  return watch(baseline, log - effect - baseline.location, effect, options);
}

/** Makes the present the new normal: what a regression made of this kind is what it is compared with from now on. In place. */
export function acceptBaseline(baseline: Baseline): Baseline {
  acceptLevel(baseline);
  return baseline;
}

export function reportOf(baseline: Baseline): BaselineReport {
  const { stage, count, location, anchor, scale, effects, level, product, variance } = baseline;
  if (stage === 'learning')
    return { status: stage, medianUs: undefined, scatter: 0, serialCorrelation: 0, trend: 1, ratio: 1, count };
  return {
    status: stage === 'improved' ? 'watching' : stage,
    medianUs: Math.exp(location + (effects === undefined ? 0 : usualEffect(effects))),
    scatter: scale,
    serialCorrelation: product / variance,
    trend: Math.exp(location - anchor),
    ratio: Math.exp(level),
    count,
  };
}

function learn(baseline: Baseline, log: number, circumstances: Circumstances, options: BaselineOptions): Step {
  const learnCount = Math.max(MIN_LEARN_COUNT, options.learnCount ?? LEARN_COUNT);
  addToSample(baseline, log, circumstances, learnCount);
  if (baseline.learned < learnCount) return nothing(baseline);
  const { dropped, used } = learnFrom(baseline, baseline.count < PATIENCE * learnCount);
  if (used === 0) {
    baseline.learning.copyWithin(0, dropped * COLUMNS);
    baseline.learned -= dropped;
    return nothing(baseline);
  }
  const rest = readSample(baseline).slice(used);
  startWatching(baseline);
  let step = nothing(baseline);
  for (const { log: later, factors } of rest) {
    const effect = baseline.effects === undefined ? 0 : expectFactors(baseline.effects, factors);
    const after = watch(baseline, later - effect - baseline.location, effect, options);
    if (after.regression !== undefined) step = after;
  }
  return step;
}
