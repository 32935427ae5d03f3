/**
 * What following advice has brought: transfers after it against those before it, within the same data type and size band, so that other traffic is not
 * taken for a gain. Pure.
 *
 * The strata before are weighted as the traffic is after (direct standardization); the interval is that of a ratio of independent means by the delta
 * method, or of a difference of mean logarithms. What else changed at the same time is in it: see the timeline.
 */
import type { TransferRecord } from '../../record.ts';
import { sizeBand } from '../../size-band.ts';
import { isGain } from './book.ts';
import type { Advice, Gain } from './types.ts';

/** Latencies of one data type and size band. */
export interface Stratum {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
}

export type Strata = ReadonlyMap<string, Stratum>;

/** Advice that was applied, and what became of it. Plain JSON. */
export interface TrackedAdvice {
  readonly advice: Advice;
  readonly appliedAtMs: number;
  readonly by: string | undefined;
  readonly why: string | undefined;
  /** The policy version that it made. */
  readonly policyVersion: number;
  readonly predicted: Gain;
  /** undefined until enough transfers of both sides can be compared. */
  readonly realized: Gain | undefined;
  /** Transfers after it that could be compared with such before it; and all of them. */
  readonly matched: number;
  readonly transfers: number;
  /** `measuring`: figures still move; `measured`: enough was seen; `superseded`: the policy was changed again, this is what it had brought until then. */
  readonly state: 'measuring' | 'measured' | 'superseded';
  /** Surely a loss: take it back. */
  readonly harmful: boolean;
  /** Before it was applied. */
  readonly before: readonly (readonly [key: string, stratum: Stratum])[];
}

/** In each stratum, on both sides; and after it in all. */
const PER_STRATUM = 20;
const IN_ALL = 200;
/** More transfers say nothing new. */
export const ENOUGH = 5_000;
const MAX_STRATA = 512;
const Z95 = 1.959964;

export function strataOf(records: readonly TransferRecord[], unit: Gain['unit']): Map<string, Stratum> {
  const sums = new Map<string, { count: number; mean: number; squares: number }>();
  for (const { outcome, reason, dataType, dataSize, latencyUs } of records) {
    if (outcome !== 'success' || reason === 'in_place' || !(latencyUs > 0)) continue;
    const key = JSON.stringify([dataType, sizeBand(dataSize)]);
    let sum = sums.get(key);
    if (sum === undefined) {
      if (sums.size >= MAX_STRATA) continue;
      sum = { count: 0, mean: 0, squares: 0 };
      sums.set(key, sum);
    }
    const value = unit === 'share_of_typical_latency' ? Math.log(latencyUs) : latencyUs;
    const delta = value - sum.mean;
    sum.count += 1;
    sum.mean += delta / sum.count;
    sum.squares += delta * (value - sum.mean);
  }
  return new Map(
    [...sums].map(([key, { count, mean, squares }]) => [
      key,
      { count, mean, variance: count > 1 ? squares / (count - 1) : 0 },
    ]),
  );
}

export interface Realized {
  readonly gain: Gain | undefined;
  readonly matched: number;
  readonly transfers: number;
}

export function realizedGain(before: Strata, after: Strata, unit: Gain['unit']): Realized {
  let [matched, transfers, was, is, wasVariance, isVariance] = [0, 0, 0, 0, 0, 0];
  for (const [key, now] of after) {
    transfers += now.count;
    const then = before.get(key);
    if (then === undefined || then.count < PER_STRATUM || now.count < PER_STRATUM) continue;
    matched += now.count;
    was += now.count * then.mean;
    is += now.count * now.mean;
    wasVariance += now.count ** 2 * (then.variance / then.count);
    isVariance += now.count ** 2 * (now.variance / now.count);
  }
  if (matched < IN_ALL) return { gain: undefined, matched, transfers };
  const gain =
    unit === 'share_of_typical_latency'
      ? ofLogs((is - was) / matched, Math.sqrt(wasVariance + isVariance) / matched)
      : ofMeans(is / was, Math.sqrt(isVariance / is ** 2 + wasVariance / was ** 2));
  return { gain: { ...gain, unit }, matched, transfers };
}

function ofLogs(difference: number, standardError: number): Omit<Gain, 'unit'> {
  const saved = (at: number): number => 1 - Math.exp(at);
  const reach = Z95 * standardError;
  return { value: saved(difference), interval: [saved(difference + reach), saved(difference - reach)] };
}

function ofMeans(ratio: number, relativeError: number): Omit<Gain, 'unit'> {
  const reach = Z95 * ratio * relativeError;
  return { value: 1 - ratio, interval: [1 - ratio - reach, 1 - ratio + reach] };
}

/** The tracked advice with what was seen of it by now. */
export function measured(tracked: TrackedAdvice, after: readonly TransferRecord[], superseded: boolean): TrackedAdvice {
  const { unit } = tracked.predicted;
  const { gain, matched, transfers } = realizedGain(new Map(tracked.before), strataOf(after, unit), unit);
  return {
    ...tracked,
    realized: gain,
    matched,
    transfers,
    state: superseded ? 'superseded' : transfers >= ENOUGH && gain !== undefined ? 'measured' : 'measuring',
    harmful: gain !== undefined && gain.interval[1] < 0,
  };
}

/** What was stored; undefined where it is none. */
export function readTracked(value: unknown): TrackedAdvice | undefined {
  return isTracked(value) ? value : undefined;
}

function isTracked(value: unknown): value is TrackedAdvice {
  if (typeof value !== 'object' || value === null) return false;
  const {
    advice,
    appliedAtMs,
    policyVersion,
    predicted,
    before,
    state,
  }: Partial<Record<keyof TrackedAdvice, unknown>> = value;
  if (typeof advice !== 'object' || advice === null || !('id' in advice) || !('pool' in advice)) return false;
  if (typeof appliedAtMs !== 'number' || typeof policyVersion !== 'number' || typeof state !== 'string') return false;
  return (
    isGain(predicted) && Array.isArray(before) && before.every((entry) => Array.isArray(entry) && entry.length === 2)
  );
}
