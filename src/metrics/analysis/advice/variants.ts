/**
 * Whether another encoding of the same kind of data was quicker: formats against each other, compressed against not. Compared within the same lane and
 * size band, so that only what was tried in both ways counts. Pure.
 *
 * The estimate is the stratified difference of mean log latencies, each stratum with the weight of the time that the usual way takes in it; its
 * variance that of independent samples (Welch). What else differs between the two ways within a band is not known: hence the ceiling of confidence.
 */

import type { TransferRecord } from '../../record.ts';
import { sizeBand } from '../../size-band.ts';
import type { Steps } from '../../slices.ts';
import { laneName, percent, spaced } from '../words.ts';
import { confidenceIn } from './cases.ts';
import type { Gain, Recommendation } from './types.ts';

/** In each way, per band and lane; and in all. */
const PER_STRATUM = 30;
const IN_ALL = 100;
/** Nobody drew lots for what is sent in which way. */
const CEILING = 0.8;
const Z95 = 1.959964;

interface Moments {
  count: number;
  meanLog: number;
  squares: number;
  timeUs: number;
}

export function* variantAdvice(
  pool: string,
  records: readonly TransferRecord[],
  unit: Gain['unit'],
): Steps<Recommendation[]> {
  const good = records.filter(
    ({ outcome, latencyUs, reason }) => outcome === 'success' && latencyUs > 0 && reason !== 'in_place',
  );
  const totalUs = good.reduce((sum, { latencyUs }) => sum + latencyUs, 0);
  const found: Recommendation[] = [];
  for (const [dataType, own] of grouped(good, ({ dataType }) => dataType)) {
    yield;
    const whole = { pool, dataType, unit, totalUs, count: good.length };
    found.push(
      ...compare(
        own,
        ({ format }) => format,
        (from, to, gain) => formatAdvice(whole, from, to, gain),
        whole,
      ),
    );
    // gRPC alone compresses, and which format is sent matters as well.
    for (const [format, alike] of grouped(own, ({ format }) => format)) {
      yield;
      const way = ({ compression }: TransferRecord): string => (compression ? 'gzip' : 'none');
      found.push(...compare(alike, way, (_from, to, gain) => compressionAdvice(whole, format, to, gain), whole));
    }
  }
  return found;
}

interface Whole {
  readonly pool: string;
  readonly dataType: string;
  readonly unit: Gain['unit'];
  readonly totalUs: number;
  readonly count: number;
}

interface Measured {
  readonly gain: Gain;
  readonly ratio: number;
  readonly from: number;
  readonly to: number;
  readonly strata: readonly string[];
}

function compare(
  records: readonly TransferRecord[],
  wayOf: (record: TransferRecord) => string,
  say: (from: string, to: string, measured: Measured) => Recommendation,
  whole: Whole,
): Recommendation[] {
  const enough = [...grouped(records, wayOf)].filter(([, own]) => own.length >= IN_ALL);
  const ways = new Map(enough.map(([way, own]) => [way, strataOf(own)]));
  const found: Recommendation[] = [];
  for (const [from, usual] of ways) {
    for (const [to, other] of ways) {
      const measured = from === to ? undefined : differ(usual, other, whole);
      if (measured !== undefined && measured.gain.value > 0) found.push(say(from, to, measured));
    }
  }
  return found.sort((a, b) => b.expectedGain.value - a.expectedGain.value).slice(0, 1);
}

function differ(
  usual: ReadonlyMap<string, Moments>,
  other: ReadonlyMap<string, Moments>,
  whole: Whole,
): Measured | undefined {
  let [weights, difference, variance, from, to, timeUs, count] = [0, 0, 0, 0, 0, 0, 0];
  const strata: string[] = [];
  for (const [stratum, a] of usual) {
    const b = other.get(stratum);
    if (b === undefined || a.count < PER_STRATUM || b.count < PER_STRATUM) continue;
    const weight = a.timeUs;
    weights += weight;
    difference += weight * (b.meanLog - a.meanLog);
    variance += weight ** 2 * (meanVariance(a) + meanVariance(b));
    from += a.count;
    to += b.count;
    timeUs += a.timeUs;
    count += a.count;
    strata.push(stratum);
  }
  if (from < IN_ALL || to < IN_ALL) return undefined;
  const log = difference / weights;
  const reach = (Z95 * Math.sqrt(variance)) / weights;
  // Only what goes the usual way now would become quicker.
  const share = whole.unit === 'share_of_total_latency' ? timeUs / whole.totalUs : count / whole.count;
  const saved = (at: number): number =>
    whole.unit === 'share_of_total_latency' ? share * (1 - Math.exp(at)) : 1 - Math.exp(share * at);
  const gain: Gain = { value: saved(log), interval: [saved(log + reach), saved(log - reach)], unit: whole.unit };
  return { gain, ratio: Math.exp(log), from, to, strata };
}

function meanVariance({ count, squares }: Moments): number {
  return squares / (count - 1) / count;
}

function strataOf(records: readonly TransferRecord[]): Map<string, Moments> {
  const strata = new Map<string, Moments>();
  for (const { method, dataSize, latencyUs } of records) {
    const key = `${laneName(method)}, band ${sizeBand(dataSize)}`;
    const moments = strata.get(key) ?? { count: 0, meanLog: 0, squares: 0, timeUs: 0 };
    const log = Math.log(latencyUs);
    const delta = log - moments.meanLog;
    moments.count += 1;
    moments.meanLog += delta / moments.count;
    moments.squares += delta * (log - moments.meanLog);
    moments.timeUs += latencyUs;
    strata.set(key, moments);
  }
  return strata;
}

function grouped(
  records: readonly TransferRecord[],
  keyOf: (record: TransferRecord) => string,
): Map<string, TransferRecord[]> {
  const groups = new Map<string, TransferRecord[]>();
  for (const record of records) {
    const key = keyOf(record);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return groups;
}

function formatAdvice(whole: Whole, from: string, to: string, measured: Measured): Recommendation {
  return {
    ...common(whole, measured, `as ${to}`, `as ${from}`),
    kind: 'format',
    subject: whole.dataType,
    title: `send ${whole.dataType} as ${to} instead of ${from}`,
    snippet: `// encode ${whole.dataType} as ${to}, or hand it over as such:\nawait workers.execute(command, ${to === 'arrow' ? 'arrowTable' : 'payload'});`,
  };
}

function compressionAdvice(whole: Whole, format: string, to: string, measured: Measured): Recommendation {
  const on = to === 'gzip';
  return {
    ...common(whole, measured, on ? 'compressed' : 'uncompressed', on ? 'uncompressed' : 'compressed'),
    kind: 'compression',
    subject: `${whole.dataType} ${format}`,
    title: `${on ? 'compress' : 'do not compress'} ${whole.dataType} (${format})`,
    snippet: `await workers.execute(command, payload, { compression: ${on} });`,
  };
}

function common(whole: Whole, { gain, ratio, from, to, strata }: Measured, other: string, usual: string) {
  return {
    pool: whole.pool,
    why: `${spaced(to)} transfers ${other} took ${percent(ratio)} of the time of ${spaced(from)} ${usual}, within the same lane and size band (${strata.length} compared). Between ${percent(gain.interval[0])} and ${percent(gain.interval[1])} of the pool's time with 95 % certainty.`,
    expectedGain: gain,
    effort: 'code' as const,
    confidence: Math.min(CEILING, confidenceIn(gain, Number.POSITIVE_INFINITY)),
    change: undefined,
    transfers: from + to,
  };
}
