/** The two sums of a baseline, and what a run of them says of the level. Pure. */
import { CLIP } from './baseline-learning.ts';
import { type Baseline, fromThousandths, RECENT } from './baseline-state.ts';
import { median } from './robust.ts';

/** From this share of the clip on a clipped mean says less than a median of the latest, which no longer holds any from before the change. */
const SATURATED = 0.6;
const LATEST = 15;

export function addUp(baseline: Baseline, increment: number, drift: number): void {
  const sum = baseline.up + increment - drift;
  if (sum > 0) {
    baseline.up = sum;
    baseline.upSince += 1;
    baseline.upTotal += increment;
  } else if (baseline.upSince > 0) forgetUp(baseline);
}

export function addDown(baseline: Baseline, increment: number, drift: number): void {
  const sum = baseline.down + increment - drift;
  if (sum > 0) {
    baseline.down = sum;
    baseline.downSince += 1;
    baseline.downTotal += increment;
  } else if (baseline.downSince > 0) forgetDown(baseline);
}

export function forgetUp(baseline: Baseline): void {
  baseline.up = 0;
  baseline.upSince = 0;
  baseline.upTotal = 0;
}

export function forgetDown(baseline: Baseline): void {
  baseline.down = 0;
  baseline.downSince = 0;
  baseline.downTotal = 0;
}

/**
 * Log by which the run is higher than the level: the mean of what was clipped, over how much a shift shows after clipping. A large rise clips all of it:
 * then the latest values themselves tell.
 */
export function riseOf(baseline: Baseline): number {
  const { upTotal, upSince, scale, inside, level } = baseline;
  const mean = upTotal / Math.max(1, upSince);
  if (mean < SATURATED * CLIP) return (mean * scale) / inside;
  return recentMedian(baseline, Math.min(upSince, LATEST)) - level;
}

/** The same for lower values. */
export function fallOf(baseline: Baseline): number {
  const { downTotal, downSince, scale, inside, level } = baseline;
  const mean = downTotal / Math.max(1, downSince);
  if (mean < SATURATED * CLIP) return (mean * scale) / inside;
  return level - recentMedian(baseline, Math.min(downSince, LATEST));
}

/** Median of the latest residuals over the location, as far as they belong to the run. */
export function recentMedian({ recent, recentAt }: Baseline, run: number): number {
  const length = Math.max(1, Math.min(run, RECENT));
  return median(Array.from({ length }, (_, back) => fromThousandths(recent[(recentAt + RECENT - 1 - back) % RECENT])));
}

export function clip(z: number): number {
  return Math.max(-CLIP, Math.min(CLIP, z));
}
