/** Baselines as they are stored: plain values, refused as a whole where one is out of range. Pure. */
import { type Baseline, COLUMNS, newBaseline, RECENT, type Stage } from './baseline-state.ts';
import { type Effects, newEffects } from './circumstances.ts';

const VERSION = 1;
const LARGE = 1e15;
const ANY: Range = [-LARGE, LARGE];
const COUNT: Range = [0, LARGE];

type Range = readonly [least: number, most: number];

/** Numbers of a baseline, each with what it may be. */
const NUMBERS = [
  ['count', COUNT],
  ['location', [-100, 100]],
  ['scale', [1e-3, 100]],
  ['known', COUNT],
  ['anchor', [-100, 100]],
  ['variance', [1e-6, 100]],
  ['product', [-100, 100]],
  ['previous', [-100, 100]],
  ['inside', [0.01, 1]],
  ['batchSum', ANY],
  ['batchSize', COUNT],
  ['batches', COUNT],
  ['batchVariance', COUNT],
  ['up', COUNT],
  ['upSince', COUNT],
  ['upTotal', ANY],
  ['down', COUNT],
  ['downSince', COUNT],
  ['downTotal', ANY],
  ['level', [-100, 100]],
  ['levelKnown', COUNT],
  ['levelSince', COUNT],
  ['drift', COUNT],
  ['bar', COUNT],
  ['returnBar', COUNT],
  ['dueIn', [-1, 1000]],
] as const satisfies readonly (readonly [keyof Baseline, Range])[];

const STAGES: readonly Stage[] = ['learning', 'watching', 'regressed', 'improved'];
/** More than anyone learns from. */
const MAX_SAMPLE = 100_000;

/** A plain value that `baselineFromJson` makes the same baseline of. */
export function baselineToJson(baseline: Baseline): Readonly<Record<string, unknown>> {
  const { stage, learning, learned, recent, recentAt, effects } = baseline;
  return {
    version: VERSION,
    stage,
    numbers: NUMBERS.map(([name]) => baseline[name]),
    learning: [...learning.subarray(0, learned * COLUMNS)],
    recent: [...recent],
    recentAt,
    effects: effects === undefined ? null : effectsToJson(effects),
  };
}

/** The baseline that was stored; undefined for anything that `baselineToJson` did not make. */
export function baselineFromJson(value: unknown): Baseline | undefined {
  const fields = fieldsOf(value);
  const stage = STAGES.find((each) => each === fields.get('stage'));
  const numbers = numbersOf(fields.get('numbers'), NUMBERS.length, ANY);
  const learning = numbersOf(fields.get('learning'), undefined, [-32_768, 32_767]);
  const recent = numbersOf(fields.get('recent'), RECENT, [-32_768, 32_767]);
  const recentAt = RECENT_PLACES.find((place) => place === fields.get('recentAt'));
  const effects = effectsFromJson(fields.get('effects'));
  if (fields.get('version') !== VERSION || !stage || !numbers || !learning || !recent || !effects) return undefined;
  if (recentAt === undefined || learning.length % COLUMNS !== 0) return undefined;
  const baseline: Baseline = {
    ...newBaseline(),
    stage,
    learning: Int16Array.from(learning),
    learned: learning.length / COLUMNS,
    recent: Int16Array.from(recent),
    recentAt,
    effects: effects.read,
  };
  for (const [place, [name, [least, most]]] of NUMBERS.entries()) {
    const number = numbers[place];
    if (number === undefined || number < least || number > most) return undefined;
    baseline[name] = number;
  }
  return stage === 'learning' || baseline.known > 0 ? baseline : undefined;
}

const RECENT_PLACES = Array.from({ length: RECENT }, (_, place) => place);

function effectsToJson({ weight, reference, mean, covariance, meanY, cross, slopes }: Effects): readonly number[][] {
  return [[weight, meanY], reference, mean, covariance, cross, slopes].map((list) => [...list]);
}

/** undefined for garbage; `read` is undefined where there were none. */
function effectsFromJson(value: unknown): { readonly read: Effects | undefined } | undefined {
  if (value === null) return { read: undefined };
  if (!Array.isArray(value) || value.length !== EFFECT_LENGTHS.length) return undefined;
  const lists = EFFECT_LENGTHS.map((length, place) => numbersOf(value[place], length, ANY));
  const [first, reference, mean, covariance, cross, slopes] = lists;
  const [weight, meanY] = first ?? [];
  if (!reference || !mean || !covariance || !cross || !slopes) return undefined;
  if (weight === undefined || meanY === undefined || weight < 0) return undefined;
  if ([0, 3, 5].some((place) => (covariance[place] ?? -1) < 0)) return undefined;
  const read = newEffects(reference);
  return { read: { ...read, weight, meanY, mean, covariance, cross, slopes } };
}

const EFFECT_LENGTHS = [2, 3, 3, 6, 3, 3];

function numbersOf(value: unknown, length: number | undefined, [least, most]: Range): number[] | undefined {
  if (!Array.isArray(value) || value.length > MAX_SAMPLE) return undefined;
  if (length !== undefined && value.length !== length) return undefined;
  const isNumber = (each: unknown): each is number => typeof each === 'number' && each >= least && each <= most;
  return value.every(isNumber) ? value : undefined;
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}
