/** One service-level objective, `p99=20ms`: how it is written, what it is measured by, on which side of its limit it holds. */
import { describeValue } from '../errors.ts';
import type { QuantityStatistics, RangeStatistics } from '../metrics/statistics.ts';
import { formatMBps, formatShare, formatUs } from './quantity.ts';
import { UsageError, unknownName } from './usage-error.ts';

export interface Objective {
  readonly name: string;
  /** Microseconds, a share 0..1, 10^6 bytes per second, or a number of records. */
  readonly limit: number;
  /** The limit as it was written. */
  readonly text: string;
  /** `most`: a figure above the limit breaks it. */
  readonly bound: 'most' | 'least';
  /** The figure comes from a sketch, and has its relative error. */
  readonly estimated: boolean;
  readonly measure: (statistics: Judged) => Measured | undefined;
  readonly format: (value: number) => string;
}

/** What objectives read of statistics, whoever took them. */
export interface Judged extends Pick<RangeStatistics, 'count' | 'success' | 'failed' | 'fallback'> {
  readonly quantities: {
    readonly latencyUs?: QuantityStatistics | undefined;
    readonly throughputMBps?: Pick<QuantityStatistics, 'count' | 'mean'> | undefined;
  };
}

export interface Measured {
  readonly value: number;
  /** Records behind it. */
  readonly count: number;
}

interface Kind extends Pick<Objective, 'bound' | 'estimated' | 'measure' | 'format'> {
  readonly unit: Unit;
}

/** How limits of a kind are written: a decimal number, then one of the suffixes; each is worth a power of ten. */
interface Unit {
  readonly suffixes: ReadonlyMap<string, number>;
  readonly example: string;
  readonly most?: number;
  readonly whole?: true;
  readonly zero?: true;
}

const DURATION: Unit = {
  suffixes: new Map([
    ['us', 0],
    ['ms', 3],
    ['s', 6],
  ]),
  example: '20ms (us, ms, s)',
};
const SHARE: Unit = {
  suffixes: new Map([
    ['', 0],
    ['%', -2],
  ]),
  example: '0.1% or 0.001',
  most: 1,
  zero: true,
};
const THROUGHPUT: Unit = {
  suffixes: new Map([
    ['kBps', -3],
    ['MBps', 0],
    ['GBps', 3],
  ]),
  example: '100MBps (kBps, MBps, GBps)',
};
const COUNT: Unit = { suffixes: new Map([['', 0]]), example: '1000', whole: true };

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['mean', latency('mean')],
  ['p50', latency('p50')],
  ['p95', latency('p95')],
  ['p99', latency('p99')],
  ['p99.9', latency('p999')],
  ['error-rate', share((all) => ({ part: all.failed, count: all.success + all.failed }))],
  ['fallback-rate', share((all) => ({ part: all.fallback, count: all.count }))],
  ['throughput', throughput()],
  ['count', count()],
]);

export const OBJECTIVE_NAMES: readonly string[] = [...KINDS.keys()];

/** @throws UsageError */
export function readObjective(text: string): Objective {
  const equals = text.indexOf('=');
  if (equals < 0) throw new UsageError(`--slo: expected NAME=LIMIT such as p99=20ms, got ${describeValue(text)}`);
  const name = text.slice(0, equals);
  const kind = KINDS.get(name);
  if (kind === undefined) throw unknownName('objective', name, OBJECTIVE_NAMES);
  const written = text.slice(equals + 1);
  const { unit, ...rest } = kind;
  return { name, limit: readLimit(name, written, unit), text: written, ...rest };
}

/** @throws UsageError where one is named twice: which of them should hold? */
export function readObjectives(texts: readonly string[]): readonly Objective[] {
  const objectives = texts.map(readObjective);
  const twice = objectives.find(({ name }, index) => objectives.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) throw new UsageError(`--slo: ${twice.name} is given twice`);
  if (objectives.length === 0) throw new UsageError('--slo: is needed, such as --slo p99=20ms');
  return objectives;
}

const LIMIT = /^(\d{1,12}(?:\.\d{1,12})?)([A-Za-z%]*)$/;

function readLimit(name: string, text: string, unit: Unit): number {
  const [, digits = '', suffix = ''] = LIMIT.exec(text) ?? [];
  const exponent = unit.suffixes.get(suffix);
  // As one decimal number: 0.7 / 100 is not the number that 0.007 is, and a figure may lie exactly on its limit.
  const value = exponent === undefined ? Number.NaN : Number(`${digits}e${exponent}`);
  const accepted =
    digits !== '' &&
    value >= 0 &&
    value <= (unit.most ?? Number.MAX_SAFE_INTEGER) &&
    (value > 0 || unit.zero === true) &&
    (unit.whole !== true || Number.isInteger(value));
  if (!accepted)
    throw new UsageError(`--slo ${name}: expected a limit such as ${unit.example}, got ${describeValue(text)}`);
  return value;
}

function latency(statistic: keyof QuantityStatistics): Kind {
  return {
    unit: DURATION,
    bound: 'most',
    estimated: statistic !== 'mean',
    format: formatUs,
    measure: ({ quantities: { latencyUs } }) =>
      latencyUs === undefined ? undefined : { value: latencyUs[statistic], count: latencyUs.count },
  };
}

function share(of: (statistics: Judged) => { readonly part: number; readonly count: number }): Kind {
  return {
    unit: SHARE,
    bound: 'most',
    estimated: false,
    format: formatShare,
    measure: (statistics) => {
      const { part, count: records } = of(statistics);
      return records === 0 ? undefined : { value: part / records, count: records };
    },
  };
}

function throughput(): Kind {
  return {
    unit: THROUGHPUT,
    bound: 'least',
    estimated: false,
    format: formatMBps,
    measure: ({ quantities: { throughputMBps } }) =>
      throughputMBps === undefined ? undefined : { value: throughputMBps.mean, count: throughputMBps.count },
  };
}

function count(): Kind {
  return {
    unit: COUNT,
    bound: 'least',
    estimated: false,
    format: String,
    measure: ({ count: records }) => ({ value: records, count: records }),
  };
}
