/** Statistics and series: checks a query, reads the range once, and turns summaries into answers. */
import { InvalidArgumentError } from '../errors.ts';
import type { CellKey } from './aggregate.ts';
import { MINUTE_US } from './block-codec.ts';
import { keyOfName } from './keys.ts';
import type { RangeReader, Target } from './range-reader.ts';
import type { Steps } from './slices.ts';
import type { RangeStatistics, SeriesPoint, StoreStatistics } from './statistics.ts';
import { statisticsOf } from './statistics.ts';
import type { SeriesQuery, StatisticsQuery, TimeRange } from './store-types.ts';
import { Summary } from './summary.ts';

export const MAX_SERIES_POINTS = 20_000;
const GROUPS = new Set(['method', 'dataType', 'format', 'sizeBand']);

/** A range with its defaults. Throws InvalidArgumentError. */
export function rangeOf(range: TimeRange): readonly [fromUs: number, toUs: number] {
  const fromUs = range.fromUs ?? 0;
  const toUs = range.toUs ?? Number.MAX_SAFE_INTEGER;
  for (const [field, value] of [['fromUs', fromUs] as const, ['toUs', toUs] as const]) {
    if (typeof value !== 'number' || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
      throw new InvalidArgumentError(field, value, 'Unix microseconds, 0..2^53-1');
    }
  }
  return [fromUs, toUs];
}

export function* queryStatistics(reader: RangeReader, query: StatisticsQuery): Steps<StoreStatistics> {
  const [fromUs, toUs] = checkQuery(query);
  const total = new Summary();
  const groups = query.groupBy === undefined ? undefined : new Map<string | number, Summary>();
  const wholeSlice = groups === undefined ? sliceOf(query) : undefined;
  yield* reader.read(keyOfName(query.pool), fromUs, toUs, {
    slice: wholeSlice,
    bucketUs: Number.POSITIVE_INFINITY,
    summary: (_startUs, key) => {
      if (key === undefined) return total;
      if (!matches(query, key)) return undefined;
      return groups === undefined || query.groupBy === undefined ? total : groupAt(groups, key[query.groupBy]);
    },
  });
  for (const group of groups?.values() ?? []) total.merge(group);
  return {
    pool: query.pool,
    fromUs,
    toUs,
    ...statisticsOf(total),
    groups:
      groups === undefined ? undefined : new Map([...groups].map(([value, summary]) => [value, statisticsOf(summary)])),
  };
}

/** Points are whole buckets: the range is widened to their bounds. */
export function* querySeries(reader: RangeReader, query: SeriesQuery): Steps<SeriesPoint[]> {
  const [givenFromUs, givenToUs] = checkQuery(query);
  const { granularityMs } = query;
  if (typeof granularityMs !== 'number' || !(granularityMs >= 1000 && granularityMs <= 86_400_000)) {
    throw new InvalidArgumentError('granularityMs', granularityMs, 'milliseconds, 1000..86400000');
  }
  const bucketUs = Math.round(granularityMs * 1000);
  const first = Math.floor(givenFromUs / bucketUs);
  const count = Math.max(0, Math.ceil(givenToUs / bucketUs) - first);
  const fromUs = first * bucketUs;
  const toUs = fromUs + count * bucketUs;
  if (count > MAX_SERIES_POINTS) {
    throw new InvalidArgumentError(
      'granularityMs',
      granularityMs,
      `at most ${MAX_SERIES_POINTS} points in the range, not ${count}`,
    );
  }
  const points = bucketUs < MINUTE_US ? new KeptBuckets() : new PassingBuckets();
  yield* readBuckets(reader, query, fromUs, toUs, bucketUs, (startUs) => {
    const index = Math.floor(startUs / bucketUs) - first;
    return index < 0 || index >= count ? undefined : points.at(index);
  });
  const found = points.finish();
  const empty = statisticsOf(new Summary());
  return Array.from({ length: count }, (_, index) => ({
    startUs: (first + index) * bucketUs,
    ...(found.get(index) ?? empty),
  }));
}

interface Buckets {
  at(index: number): Summary;
  finish(): ReadonlyMap<number, RangeStatistics>;
}

/** Records of one minute come block by block, and blocks overlap: buckets below a minute are kept until all is read. */
class KeptBuckets implements Buckets {
  readonly #summaries = new Map<number, Summary>();

  at(index: number): Summary {
    let summary = this.#summaries.get(index);
    if (summary === undefined) {
      summary = new Summary();
      this.#summaries.set(index, summary);
    }
    return summary;
  }

  finish(): ReadonlyMap<number, RangeStatistics> {
    return new Map([...this.#summaries].map(([index, summary]) => [index, statisticsOf(summary)]));
  }
}

/** Longer ones come one after the other: one summary serves them all. (168 of them kept were mostly work for the garbage collector.) */
class PassingBuckets implements Buckets {
  readonly #found = new Map<number, RangeStatistics>();
  readonly #summary = new Summary();
  #index = -1;

  at(index: number): Summary {
    if (index !== this.#index) {
      this.#take();
      this.#index = index;
    }
    return this.#summary;
  }

  finish(): ReadonlyMap<number, RangeStatistics> {
    this.#take();
    return this.#found;
  }

  #take(): void {
    if (this.#index < 0) return;
    this.#found.set(this.#index, statisticsOf(this.#summary));
    this.#summary.reset();
  }
}

function* readBuckets(
  reader: RangeReader,
  query: SeriesQuery,
  fromUs: number,
  toUs: number,
  bucketUs: number,
  bucketAt: (startUs: number) => Summary | undefined,
): Steps<void> {
  const poolKey = keyOfName(query.pool);
  const target: Target = {
    slice: sliceOf(query),
    bucketUs,
    summary: (startUs, key) => (key === undefined || matches(query, key) ? bucketAt(startUs) : undefined),
  };
  if (bucketUs <= 60_000_000 || bucketUs % 60_000_000 === 0) {
    yield* reader.read(poolKey, fromUs, toUs, target);
    return;
  }
  // Buckets such as 90 s hold whole minutes and parts of others: each is a small range of its own.
  for (let startUs = Math.floor(fromUs / bucketUs) * bucketUs; startUs < toUs; startUs += bucketUs) {
    const bucket = bucketAt(startUs);
    const one: Target = {
      ...target,
      bucketUs: Number.POSITIVE_INFINITY,
      summary: (at, key) => target.summary(at, key) && bucket,
    };
    yield* reader.read(poolKey, Math.max(fromUs, startUs), Math.min(toUs, startUs + bucketUs), one);
  }
}

function checkQuery(query: StatisticsQuery): readonly [fromUs: number, toUs: number] {
  if (typeof query.pool !== 'string') throw new InvalidArgumentError('pool', query.pool, 'the name of a pool');
  if (query.groupBy !== undefined && !GROUPS.has(query.groupBy)) {
    throw new InvalidArgumentError('groupBy', query.groupBy, "'method', 'dataType', 'format' or 'sizeBand'");
  }
  return rangeOf(query);
}

/** The slice that answers a query without filters beyond the lane. */
function sliceOf(query: StatisticsQuery): Target['slice'] {
  if (query.dataType !== undefined || query.format !== undefined || query.sizeBand !== undefined) return undefined;
  return query.method ?? 'all';
}

function matches(query: StatisticsQuery, key: CellKey): boolean {
  return (
    (query.method === undefined || query.method === key.method) &&
    (query.dataType === undefined || query.dataType === key.dataType) &&
    (query.format === undefined || query.format === key.format) &&
    (query.sizeBand === undefined || query.sizeBand === key.sizeBand)
  );
}

function groupAt(groups: Map<string | number, Summary>, value: string | number): Summary {
  let group = groups.get(value);
  if (group === undefined) {
    group = new Summary();
    groups.set(value, group);
  }
  return group;
}
