/** The advice that stands: one piece per subject, kept while its evidence holds, gone with it; ranked. Pure. */
import type { JsonValue } from '../../../learning/types.ts';
import type { Advice, Recommendation } from './types.ts';

/** Expected gain, surely above nothing, that makes a recommendation worth a line; and below which one that stands goes. */
const WORTH_SAYING = 0.03;
const WORTH_KEEPING = 0.02;
const SURE_ENOUGH = 0.9;
/** Of all pools; the least promising go first. */
const MOST = 128;
/** A subject that was dismissed comes back when it promises this many times what it did then. */
const COMES_BACK = 2;

export interface Dismissal {
  readonly gain: number;
  readonly atMs: number;
}

export function subjectKey({ pool, kind, subject }: Pick<Recommendation, 'pool' | 'kind' | 'subject'>): string {
  return JSON.stringify([pool, kind, subject]);
}

/**
 * @param standing what stood before, of the same pool
 * @param found what the evidence says now
 * @param nextId a number that no advice has had
 */
export function mergeAdvice(
  standing: readonly Advice[],
  found: readonly Recommendation[],
  dismissed: ReadonlyMap<string, Dismissal>,
  atMs: number,
  nextId: () => string,
): Advice[] {
  const before = new Map(standing.map((advice) => [subjectKey(advice), advice]));
  return found.flatMap((each) => {
    const key = subjectKey(each);
    const known = before.get(key);
    if (!isWorth(each, known !== undefined) || isDismissed(each, dismissed.get(key))) return [];
    // The same proposal with newer figures keeps its name; another one is another piece of advice.
    const same = known !== undefined && sameProposal(known, each);
    return [{ ...each, id: same ? known.id : nextId(), sinceMs: same ? known.sinceMs : atMs, updatedMs: atMs }];
  });
}

function isWorth({ expectedGain: { value, interval }, confidence }: Recommendation, stands: boolean): boolean {
  if (stands) return value >= WORTH_KEEPING && interval[1] > 0;
  const sure = interval[0] > 0 || confidence >= SURE_ENOUGH;
  return value >= WORTH_SAYING && sure;
}

function isDismissed({ expectedGain }: Recommendation, dismissal: Dismissal | undefined): boolean {
  return dismissal !== undefined && expectedGain.value < COMES_BACK * dismissal.gain;
}

/** Thresholds that differ by less than a quarter are one proposal: figures move with every look. */
const ALIKE = 1.25;

function sameProposal(a: Recommendation, b: Recommendation): boolean {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  return (
    x.text === y.text &&
    x.numbers.length === y.numbers.length &&
    x.numbers.every((value, index) => {
      const other = y.numbers[index] ?? 0;
      return value === other || Math.max(value, other) < ALIKE * Math.min(value, other);
    })
  );
}

/** What is proposed, figures apart. */
function numbersOf({ change, title }: Recommendation): { readonly text: string; readonly numbers: readonly number[] } {
  const numbers: number[] = [];
  const text = JSON.stringify(change ?? title.replace(/[\d.]+/g, '#'), (_key, value: unknown) => {
    if (typeof value !== 'number') return value;
    numbers.push(value);
    return '#';
  });
  return { text, numbers };
}

/** By expected gain times confidence, the most promising first. */
export function ranked(advice: readonly Advice[]): Advice[] {
  const score = ({ expectedGain, confidence }: Advice): number => expectedGain.value * confidence;
  return [...advice].sort((a, b) => score(b) - score(a) || a.id.localeCompare(b.id)).slice(0, MOST);
}

/** Advice as it was stored; what is not one is left out. */
export function readAdvice(stored: JsonValue | undefined): Advice[] {
  if (!Array.isArray(stored)) return [];
  return stored.filter(isAdvice);
}

function isAdvice(value: unknown): value is Advice {
  if (typeof value !== 'object' || value === null) return false;
  const {
    id,
    pool,
    kind,
    subject,
    title,
    why,
    snippet,
    expectedGain,
    confidence,
    effort,
  }: Partial<Record<keyof Advice, unknown>> = value;
  const texts = [id, pool, kind, subject, title, why, snippet, effort];
  if (!texts.every((text) => typeof text === 'string') || typeof confidence !== 'number') return false;
  return isGain(expectedGain);
}

export function isGain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { value: share, interval }: { value?: unknown; interval?: unknown } = value;
  return typeof share === 'number' && Array.isArray(interval) && interval.length === 2;
}
