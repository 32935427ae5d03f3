/** What latency goes with: size, load, transfers in flight, memory; compression, warmth, type, format, lane. Pure. */
import type { TransferRecord } from '../record.ts';
import { type Correlation, partialSpearman, type Slope, slope, spearmanWithInterval } from './correlation.ts';
import { type MedianInterval, median, medianInterval } from './robust.ts';

export const PROFILE_QUANTITIES = ['dataSize', 'systemLoad', 'inFlight', 'availableMemory'] as const;
export type ProfileQuantity = (typeof PROFILE_QUANTITIES)[number];

export const PROFILE_GROUPINGS = ['method', 'dataType', 'format', 'compression', 'warm'] as const;
export type ProfileGrouping = (typeof PROFILE_GROUPINGS)[number];

/** How latency goes with a quantity. */
export interface QuantityProfile {
  readonly quantity: ProfileQuantity;
  /** Successful transfers that have it. */
  readonly count: number;
  readonly median: number;
  /** Spearman's rank correlation with latency. */
  readonly correlation: Correlation;
  /** The same among transfers of equal size: what is not owed to size. Absent for size itself. */
  readonly givenSize: Correlation | undefined;
  /** Slope of log latency over log quantity: 1 is in proportion, 0 not at all. Absent where the quantity may be 0. */
  readonly elasticity: Slope | undefined;
}

/** How latency differs between the values of a property. */
export interface LevelProfile {
  readonly value: string;
  readonly latencyUs: MedianInterval;
  /** Median latency over what transfers of the same size take, of all values together: 1 is as usual. */
  readonly ratioGivenSize: number;
}

export interface GroupingProfile {
  readonly grouping: ProfileGrouping;
  /** The most frequent first. */
  readonly levels: readonly LevelProfile[];
  /** Values beyond the limit, which are left out. */
  readonly omitted: number;
  /** For a property of two values, rank correlation of latency with the second by name (`true` after `false`), and given size. */
  readonly correlation: Correlation | undefined;
  readonly givenSize: Correlation | undefined;
}

export interface Profile {
  /** Successful transfers. */
  readonly count: number;
  readonly latencyUs: MedianInterval;
  readonly quantities: readonly QuantityProfile[];
  readonly groupings: readonly GroupingProfile[];
}

const MAX_LEVELS = 16;

/**
 * Successes only: a failure's latency is no latency. Quantities and properties that no transfer has, or that never vary, are left out. It sorts several
 * times: about 20 us a record, so that a long range is better sampled than read whole.
 */
export function profile(records: readonly TransferRecord[]): Profile {
  const timed = records.filter(({ outcome, latencyUs }) => outcome === 'success' && latencyUs > 0);
  return {
    count: timed.length,
    latencyUs: medianInterval(timed.map(({ latencyUs }) => latencyUs)),
    quantities: PROFILE_QUANTITIES.flatMap((quantity) => quantityProfile(timed, quantity) ?? []),
    groupings: PROFILE_GROUPINGS.flatMap((grouping) => groupingProfile(timed, grouping) ?? []),
  };
}

function quantityProfile(records: readonly TransferRecord[], quantity: ProfileQuantity): QuantityProfile | undefined {
  const having = records.filter((record) => record[quantity] !== undefined);
  const values = having.map((record) => record[quantity] ?? 0);
  if (new Set(values).size < 2) return undefined;
  const latencies = having.map(({ latencyUs }) => latencyUs);
  const isSize = quantity === 'dataSize';
  return {
    quantity,
    count: having.length,
    median: median(values),
    correlation: spearmanWithInterval(values, latencies),
    givenSize: isSize ? undefined : partialSpearman(values, latencies, sizesOf(having)),
    elasticity: isSize || quantity === 'inFlight' ? elasticity(values, latencies) : undefined,
  };
}

function groupingProfile(records: readonly TransferRecord[], grouping: ProfileGrouping): GroupingProfile | undefined {
  const having = records.filter((record) => record[grouping] !== undefined);
  const levels = new Map<string, number[]>();
  const excess = excessOverSize(having);
  for (const [index, record] of having.entries()) {
    const value = String(record[grouping]);
    const known = levels.get(value);
    if (known === undefined) levels.set(value, [index]);
    else known.push(index);
  }
  if (levels.size < 2) return undefined;
  const ordered = [...levels].sort(([, a], [, b]) => b.length - a.length);
  const [, second] = [...levels.keys()].sort();
  const indicators = having.map((record) => (String(record[grouping]) === second ? 1 : 0));
  const latencies = having.map(({ latencyUs }) => latencyUs);
  const two = levels.size === 2;
  return {
    grouping,
    levels: ordered.slice(0, MAX_LEVELS).map(([value, places]) => ({
      value,
      latencyUs: medianInterval(places.map((place) => latencies[place] ?? 0)),
      ratioGivenSize: Math.exp(median(places.map((place) => excess[place] ?? 0))),
    })),
    omitted: Math.max(0, ordered.length - MAX_LEVELS),
    correlation: two ? spearmanWithInterval(indicators, latencies) : undefined,
    givenSize: two ? partialSpearman(indicators, latencies, sizesOf(having)) : undefined,
  };
}

/** Over positive values only. */
function elasticity(values: readonly number[], latencies: readonly number[]): Slope {
  const pairs = values.map((value, index) => [value, latencies[index] ?? 0] as const).filter(([value]) => value > 0);
  return slope(
    pairs.map(([value]) => Math.log(value)),
    pairs.map(([, latency]) => Math.log(latency)),
  );
}

/**
 * Log latency over the median of transfers of about the same size: a running median over the nearest in size. Latency is no straight line of size, not on
 * the logarithm either: a part of it is fixed.
 */
function excessOverSize(records: readonly TransferRecord[]): number[] {
  const order = records.map((_, index) => index).sort((a, b) => sizeAt(records, a) - sizeAt(records, b));
  const logs = order.map((index) => Math.log(records[index]?.latencyUs ?? 1));
  const excess = new Array<number>(records.length).fill(0);
  const step = Math.max(1, Math.ceil(order.length / SIZE_STEPS));
  for (let from = 0; from < order.length; from += step) {
    const center = median(logs.slice(Math.max(0, from - step), from + 2 * step));
    for (let place = from; place < Math.min(order.length, from + step); place += 1)
      excess[order[place] ?? 0] = (logs[place] ?? 0) - center;
  }
  return excess;
}

/** Groups of transfers next to each other in size that share a median. */
const SIZE_STEPS = 64;

function sizesOf(records: readonly TransferRecord[]): number[] {
  return records.map(({ dataSize }) => dataSize);
}

function sizeAt(records: readonly TransferRecord[], index: number): number {
  return records[index]?.dataSize ?? 0;
}
