/** A baseline that is learnt, and what each further transfer says: higher, lower, back again. Pure. */
import { CLIP, MIN_SCALE } from './baseline-learning.ts';
import { type Baseline, RECENT, toThousandths } from './baseline-state.ts';
import { addDown, addUp, clip, fallOf, forgetDown, forgetUp, recentMedian, riseOf } from './baseline-sums.ts';
import type { BaselineOptions, LevelChange, Step } from './baseline-types.ts';
import { refit, teach, usualEffect } from './circumstances.ts';
import { cusumBar, serialInflation } from './cusum.ts';

const THRESHOLD = 0.2;
const RUN_LENGTH = 1_000_000;
const MIN_TRANSFERS = 40;
const MEMORY = 5000;
/** Transfers over which the level after an alarm is followed. */
const LEVEL_MEMORY = 500;
/** Bars and slopes are worked out anew every so many transfers. */
const REFRESH = 64;
/** A rise is told from this share of the threshold on: what is smaller is left to the slow trend. It is over when less than the rest is left. */
const TELLING = 0.75;
/** A level of fewer transfers is as doubtful as one of so many. */
const MIN_KNOWN = 30;
/** Share of normal values beyond 0.6745 is a half; by Newton's step, a scale moves by this per unit of share that is off. */
const QUARTILE_Z = 0.6745;
const QUARTILE_STEP = 2.33;
/** Batch means (B. W. Schmeiser, "Batch Size Effects in the Analysis of Simulation Output", Operations Research 30, 1982): size, memory, doubt in standard errors. */
const BATCH = 25;
const BATCH_MEMORY = 200;
const BATCH_DOUBT = 1.5;
/** A shift beyond the clip shows as this share of it at most. */
const MOST_SHIFT = 0.9;

/** @param residual log over what is expected by the baseline */
export function watch(baseline: Baseline, residual: number, effect: number, options: BaselineOptions): Step {
  baseline.recent[baseline.recentAt] = toThousandths(residual);
  baseline.recentAt = (baseline.recentAt + 1) % RECENT;
  baseline.dueIn -= 1;
  if (baseline.dueIn <= 0) refresh(baseline, options);
  switch (baseline.stage) {
    case 'regressed':
      return watchRegressed(baseline, residual, options);
    case 'improved':
      return watchImproved(baseline, residual, effect, options);
    default:
      return watchCalm(baseline, residual, effect, options);
  }
}

function watchCalm(baseline: Baseline, residual: number, effect: number, options: BaselineOptions): Step {
  const z = residual / baseline.scale;
  baseline.known = Math.min(baseline.known + 1, options.memory ?? MEMORY);
  measure(baseline, z);
  if (baseline.up < baseline.bar / 4 && baseline.down < baseline.bar / 4) follow(baseline, z, effect);
  addUp(baseline, clip(z), baseline.drift);
  addDown(baseline, clip(-z), baseline.drift);
  if (baseline.up > baseline.bar && baseline.upSince >= minTransfersOf(options)) {
    const rise = riseOf(baseline);
    if (rise >= TELLING * wantedShift(options)) return raise(baseline, rise, false);
    forgetUp(baseline);
  } else if (baseline.down > baseline.bar && baseline.downSince >= minTransfersOf(options)) {
    const fall = fallOf(baseline);
    if (fall >= TELLING * wantedShift(options)) leave(baseline, 'improved', -fall, baseline.downSince);
    else forgetDown(baseline);
  }
  return nothing(baseline);
}

function watchRegressed(baseline: Baseline, residual: number, options: BaselineOptions): Step {
  const { scale, drift, bar, returnBar, level } = baseline;
  const shift = wantedShift(options);
  const z = (residual - level) / scale;
  addDown(baseline, clip((TELLING * shift - residual) / scale), drift);
  if (baseline.down > returnBar) return recover(baseline);
  if (settling(baseline)) return nothing(baseline);
  addUp(baseline, clip(z), drift);
  if (baseline.up > bar && baseline.upSince >= minTransfersOf(options)) {
    const rise = riseOf(baseline);
    if (rise >= TELLING * shift) return raise(baseline, level + rise, true);
    forgetUp(baseline);
  }
  if (baseline.up < bar / 4) followLevel(baseline, z);
  return nothing(baseline);
}

function watchImproved(baseline: Baseline, residual: number, effect: number, options: BaselineOptions): Step {
  const { scale, drift, returnBar, level } = baseline;
  const z = (residual - level) / scale;
  addUp(baseline, clip((residual + TELLING * wantedShift(options)) / scale), drift);
  if (!settling(baseline)) followLevel(baseline, z);
  if (baseline.effects !== undefined) teach(baseline.effects, effect + clip(z) * scale);
  if (baseline.up > returnBar) settleDown(baseline, 0);
  else if (baseline.levelSince >= baseline.known) return improve(baseline);
  return nothing(baseline);
}

function raise(baseline: Baseline, level: number, worsened: boolean): Step {
  const transfers = baseline.upSince;
  leave(baseline, 'regressed', level, transfers);
  return { ...nothing(baseline), regression: { ...change(baseline, level, transfers), worsened } };
}

function recover(baseline: Baseline): Step {
  const transfers = baseline.downSince;
  const recovered = change(baseline, recentMedian(baseline, transfers), transfers);
  settleDown(baseline, 0);
  return { ...nothing(baseline), recovered };
}

function improve(baseline: Baseline): Step {
  const improved = change(baseline, baseline.level, baseline.levelSince);
  takeLevel(baseline);
  baseline.anchor = baseline.location;
  return { ...nothing(baseline), improved };
}

function takeLevel(baseline: Baseline): void {
  const known = Math.max(MIN_KNOWN, Math.min(baseline.levelKnown, baseline.levelSince));
  settleDown(baseline, baseline.level);
  baseline.known = known;
}

/** Watching again, the location moved by `shift`. */
function settleDown(baseline: Baseline, shift: number): void {
  baseline.location += shift;
  leave(baseline, 'watching', 0, 0);
}

function leave(baseline: Baseline, stage: Baseline['stage'], level: number, levelKnown: number): void {
  baseline.stage = stage;
  baseline.level = level;
  baseline.levelKnown = levelKnown;
  baseline.levelSince = 0;
  baseline.dueIn = 0;
  forgetUp(baseline);
  forgetDown(baseline);
}

function change({ location, effects }: Baseline, log: number, transfers: number): LevelChange {
  const baselineUs = Math.exp(location + (effects === undefined ? 0 : usualEffect(effects)));
  return { ratio: Math.exp(log), baselineUs, currentUs: baselineUs * Math.exp(log), transfers };
}

export function nothing(next: Baseline): Step {
  return { next, regression: undefined, recovered: undefined, improved: undefined };
}

/** From learning to watching: the sample is no longer needed. */
export function startWatching(baseline: Baseline): void {
  baseline.learning = new Int16Array(0);
  baseline.learned = 0;
  leave(baseline, 'watching', 0, 0);
}

/** Whatever level there is becomes the location, and what trends are measured from. */
export function acceptLevel(baseline: Baseline): void {
  if (baseline.stage === 'learning') return;
  if (baseline.stage !== 'watching') takeLevel(baseline);
  baseline.anchor = baseline.location;
}

/** Scatter and serial correlation, in whatever state the sums are. */
function measure(baseline: Baseline, z: number): void {
  const gain = 1 / baseline.known;
  const clipped = clip(z);
  baseline.variance += gain * (clipped * clipped - baseline.variance);
  baseline.product += gain * (clipped * baseline.previous - baseline.product);
  baseline.inside += gain * ((Math.abs(z) < CLIP ? 1 : 0) - baseline.inside);
  baseline.previous = clipped;
  baseline.batchSum += clipped;
  baseline.batchSize += 1;
  if (baseline.batchSize < BATCH) return;
  baseline.batches = Math.min(baseline.batches + 1, BATCH_MEMORY);
  const square = (baseline.batchSum * baseline.batchSum) / BATCH;
  baseline.batchVariance += (square - baseline.batchVariance) / baseline.batches;
  baseline.batchSum = 0;
  baseline.batchSize = 0;
}

/**
 * Of sums of residuals, per transfer: what an AR(1) of the lag-1 correlation found has, or what sums over batches show beyond doubt where values go
 * together for longer than that.
 */
function longRunVariance({ variance, product, batchVariance, batches }: Baseline): number {
  const doubt = 1 - BATCH_DOUBT * Math.sqrt(2 / Math.max(2, batches));
  return Math.max(variance * serialInflation(product / variance), batchVariance * doubt);
}

function follow(baseline: Baseline, z: number, effect: number): void {
  const { scale, inside, effects } = baseline;
  const gain = 1 / baseline.known;
  const clipped = clip(z);
  if (effects !== undefined) teach(effects, effect + clipped * scale);
  baseline.location += (gain * scale * clipped) / inside;
  const outer = Math.abs(z) > QUARTILE_Z ? 1 : 0;
  baseline.scale = Math.max(MIN_SCALE, scale * (1 + gain * QUARTILE_STEP * (outer - 0.5)));
}

/** What rang is a guess at the new level, made early: so many transfers later it is measured. */
function settling(baseline: Baseline): boolean {
  baseline.levelSince += 1;
  if (baseline.levelSince > RECENT) return false;
  if (baseline.levelSince < RECENT) return true;
  baseline.level = recentMedian(baseline, RECENT);
  baseline.levelKnown = RECENT;
  return false;
}

function followLevel(baseline: Baseline, z: number): void {
  baseline.levelKnown = Math.min(baseline.levelKnown + 1, LEVEL_MEMORY);
  baseline.level += (baseline.scale * clip(z)) / (Math.max(MIN_KNOWN, baseline.levelKnown) * baseline.inside);
}

/** What changes slowly: the explained part, drift and bars. */
function refresh(baseline: Baseline, options: BaselineOptions): void {
  baseline.dueIn = REFRESH;
  const { effects, scale, inside, variance } = baseline;
  if (effects !== undefined && baseline.stage === 'watching') {
    const moved = refit(effects, scale);
    baseline.location -= moved;
    baseline.anchor -= moved;
  }
  const drift = Math.min((inside * wantedShift(options)) / scale, MOST_SHIFT * CLIP) / 2;
  const runLength = Math.max(1000, options.runLength ?? RUN_LENGTH);
  const longRun = longRunVariance(baseline);
  const known = Math.max(MIN_KNOWN, baseline.stage === 'regressed' ? baseline.levelKnown : baseline.known);
  // A location known from n transfers errs by the same amount in all of a run: over r transfers the sum varies as if each varied 1 + r / n times as much.
  const run = cusumBar({ drift, runLength, variance, longRunVariance: longRun }) / drift;
  const doubtful = longRun * (1 + run / known);
  const floor = minTransfersOf(options) * drift;
  baseline.drift = drift;
  baseline.bar = Math.max(floor, cusumBar({ drift, runLength, variance, longRunVariance: doubtful }));
  // At the level of the threshold the sum that looks for the way back falls by 1.5 drifts a transfer.
  const back = cusumBar({ drift: 1.5 * drift, runLength, variance, longRunVariance: doubtful });
  baseline.returnBar = Math.max(floor / 2, back);
}

function minTransfersOf({ minTransfers = MIN_TRANSFERS }: BaselineOptions): number {
  return minTransfers;
}

function wantedShift({ threshold = THRESHOLD }: BaselineOptions): number {
  return Math.log1p(threshold);
}
