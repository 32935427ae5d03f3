/** Makes a baseline of the first transfers of a kind: what is usual, how much it scatters, what circumstances explain, and whether it was one level at all. Pure. */
import { type Baseline, COLUMNS, fromThousandths } from './baseline-state.ts';
import { type Effects, explained, newEffects, refit, teachSample } from './circumstances.ts';
import { serialInflation } from './cusum.ts';
import { robustLocationScale } from './robust.ts';

/** Residuals beyond so many standard deviations count as that far (P. J. Huber's psi); 1.5 keeps 96 % of the efficiency at the normal. */
export const CLIP = 1.5;
/** No kind is as calm as measured on identical values; a floor keeps one microsecond of jitter from being a regression. */
export const MIN_SCALE = 0.03;
/** Fewer transfers are no level to compare with. */
const MIN_LEVEL = 30;
/** Transfers on either side of a change at least. */
const MARGIN = 10;
/** Studentized difference of the means before and after the likeliest change. */
const CHANGE_Z = 4.5;
/** Rounds of reweighting; the slopes are settled after three. */
const ROUNDS = 4;

export interface Lesson {
  /** Transfers from the beginning of the sample that are no part of the baseline: they came before a fall (cold caches), and should be forgotten. */
  readonly dropped: number;
  /** Transfers that the baseline was made of; 0 where none was. What comes after them is to be watched: it was slower. */
  readonly used: number;
}

/** Log latency and the three factors of one transfer. */
export interface Sampled {
  readonly log: number;
  readonly factors: readonly number[];
}

export function readSample({ learning, learned }: Baseline): Sampled[] {
  return Array.from({ length: learned }, (_, index) => {
    const [log, ...factors] = learning.subarray(index * COLUMNS, (index + 1) * COLUMNS);
    return { log: fromThousandths(log), factors: factors.map(fromThousandths) };
  });
}

/**
 * Learns from the sample in `baseline.learning`; sets everything but the bars, and leaves the sample.
 * @param patient whether a sample of two levels may be refused; one that never settles has to be taken as it is at some time
 */
export function learnFrom(baseline: Baseline, patient: boolean): Lesson {
  const sample = readSample(baseline);
  const whole = fitSample(sample);
  const change = likeliestChange(whole.residuals);
  if (change === undefined) return adopt(baseline, whole);
  if (change.rise && change.place >= MIN_LEVEL) return adopt(baseline, fitSample(sample.slice(0, change.place)));
  return patient ? { dropped: change.place, used: 0 } : adopt(baseline, whole);
}

interface Fit {
  readonly location: number;
  readonly scale: number;
  readonly effects: Effects | undefined;
  /** Standardized, not clipped. */
  readonly residuals: readonly number[];
}

function fitSample(sample: readonly Sampled[]): Fit {
  const logs = sample.map(({ log }) => log);
  const reference = [0, 1, 2].map((place) => meanOf(knownOf(sample, place)));
  if (reference.every(Number.isNaN)) return settle(logs, undefined);
  const effects = newEffects(reference.map((value) => (Number.isNaN(value) ? 0 : value)));
  const rows = sample.map(({ factors }) =>
    factors.map((value, place) => (Number.isNaN(value) ? (effects.reference[place] ?? 0) : value)),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    const { scale, residuals } = settle(without(logs, rows, effects), effects);
    const ys = residuals.map((z, index) => explained(effects, rows[index] ?? []) + clip(z) * scale);
    teachSample(effects, rows, ys);
    refit(effects, scale);
  }
  return settle(without(logs, rows, effects), effects);
}

function knownOf(sample: readonly Sampled[], place: number): number[] {
  return sample.flatMap(({ factors }) => {
    const value = factors[place] ?? Number.NaN;
    return Number.isNaN(value) ? [] : [value];
  });
}

function without(logs: readonly number[], rows: readonly (readonly number[])[], effects: Effects): number[] {
  return logs.map((log, index) => log - explained(effects, rows[index] ?? []));
}

/** Location where the clipped residuals balance: only there does a sum of them stand still, however skewed the values are. */
function settle(values: readonly number[], effects: Effects | undefined): Fit {
  const robust = robustLocationScale(values);
  const scale = Math.max(robust.scale, MIN_SCALE);
  let { location } = robust;
  for (let round = 0; round < ROUNDS; round += 1) {
    const residuals = values.map((value) => (value - location) / scale);
    location += (scale * meanOf(residuals.map(clip))) / insideOf(residuals);
  }
  return { location, scale, effects, residuals: values.map((value) => (value - location) / scale) };
}

/** Where the level most likely changed, if it did: the largest studentized difference of means, serial correlation within the two levels allowed for. */
function likeliestChange(residuals: readonly number[]): { readonly place: number; readonly rise: boolean } | undefined {
  const values = residuals.map(clip);
  const count = values.length;
  const total = values.reduce((sum, value) => sum + value, 0);
  let place = 0;
  let largest = 0;
  let before = 0;
  for (let index = 0; index < count - MARGIN; index += 1) {
    before += values[index] ?? 0;
    const left = index + 1;
    if (left < MARGIN) continue;
    const difference = (total - before) / (count - left) - before / left;
    const weighed = difference * Math.sqrt((left * (count - left)) / count);
    if (Math.abs(weighed) > Math.abs(largest)) [largest, place] = [weighed, left];
  }
  if (place === 0) return undefined;
  const levels = [values.slice(0, place), values.slice(place)];
  const centred = levels.flatMap((level) => level.map((value) => value - meanOf(level)));
  const { variance, product } = momentsOf(centred);
  if (Math.abs(largest) <= CHANGE_Z * Math.sqrt(variance * serialInflation(product / variance))) return undefined;
  return { place, rise: largest > 0 };
}

function adopt(baseline: Baseline, { location, scale, effects, residuals }: Fit): Lesson {
  const clipped = residuals.map(clip);
  const { variance, product } = momentsOf(clipped);
  baseline.location = location;
  baseline.anchor = location;
  baseline.scale = scale;
  baseline.effects = effects;
  baseline.known = residuals.length;
  baseline.variance = variance;
  baseline.product = product;
  baseline.previous = clipped[clipped.length - 1] ?? 0;
  baseline.inside = insideOf(residuals);
  return { dropped: 0, used: residuals.length };
}

/** Variance and lag-1 product of values around 0. */
function momentsOf(values: readonly number[]): { readonly variance: number; readonly product: number } {
  const variance = Math.max(1e-3, meanOf(values.map((value) => value * value)));
  return { variance, product: meanOf(values.slice(1).map((value, index) => value * (values[index] ?? 0))) };
}

function insideOf(residuals: readonly number[]): number {
  return Math.max(0.2, residuals.filter((z) => Math.abs(z) < CLIP).length / Math.max(1, residuals.length));
}

function clip(z: number): number {
  return Math.max(-CLIP, Math.min(CLIP, z));
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
}
