/** How one pool went over time: points of equal width, as a table under small graphs, as JSON. */
import type { SeriesPoint } from '../metrics/statistics.ts';
import type { MetricsStore, StatisticsQuery } from '../metrics/store-types.ts';
import type { QuantityName } from '../metrics/summary.ts';
import { formatDuration, readDuration } from './duration.ts';
import { formatQuantity, NOTHING, significant } from './quantity.ts';
import { plain, rangeText } from './stats-tables.ts';
import { printable, sparkline, table } from './text.ts';
import { formatTime } from './time-range.ts';
import { UsageError } from './usage-error.ts';

export interface PoolSeries {
  readonly query: StatisticsQuery;
  readonly nowUs: number;
  readonly granularityMs: number;
  readonly points: readonly SeriesPoint[];
}

/** Points shown where no range of time was asked for. */
const DEFAULT_POINTS = 60;
/** What the store answers at most. */
const MOST_POINTS = 20_000;
const GRAPH_WIDTH = 60;

/** @throws InvalidArgumentError */
export function readGranularity(option: string, text: string): number {
  return readDuration(option, text, ['1s', '1h']);
}

/** @throws UsageError where the range holds more points than can be shown */
export function seriesOfPool(
  store: MetricsStore,
  query: StatisticsQuery,
  granularityMs: number,
  nowUs: number,
): PoolSeries {
  const stepUs = granularityMs * 1000;
  const given = query.fromUs;
  const toUs = Math.min(query.toUs ?? nowUs, given === undefined ? lastUs(store, query) + 1 : Number.POSITIVE_INFINITY);
  const fromUs = given ?? Math.max(0, (Math.ceil(toUs / stepUs) - DEFAULT_POINTS) * stepUs);
  const asked = { ...query, fromUs, toUs };
  const count = Math.ceil((toUs - fromUs) / stepUs);
  if (count > MOST_POINTS) {
    throw new UsageError(`--series: that range holds ${count} points, and at most ${MOST_POINTS} can be shown`);
  }
  const points = store.series({ ...asked, granularityMs });
  if (given !== undefined) return { query: asked, nowUs, granularityMs, points };
  // Nobody asked for the time before the first record.
  const first = points.findIndex(({ count: records }) => records > 0);
  return {
    query: { ...asked, fromUs: points[first]?.startUs ?? fromUs },
    nowUs,
    granularityMs,
    points: first < 0 ? [] : points.slice(first),
  };
}

/** When the newest record of the pool ended. */
function lastUs(store: MetricsStore, { pool }: StatisticsQuery): number {
  for (const record of store.records({ pool, reverse: true, limit: 1 })) return record.timestampUs;
  return 0;
}

export function seriesText(
  { query, nowUs, granularityMs, points }: PoolSeries,
  quantities: readonly QuantityName[],
): string {
  const head = `${printable(query.pool)}: ${points.length} steps of ${formatDuration(granularityMs)}${rangeText(query)}`;
  const rates = points.map((point) => point.count / secondsOf(point, granularityMs, nowUs));
  const graphs = [
    ['rate', sparkline(rates, GRAPH_WIDTH)],
    ...quantities.map((name) => [
      `${name} p50`,
      sparkline(
        points.map(({ quantities: measured }) => measured[name]?.p50),
        GRAPH_WIDTH,
      ),
    ]),
  ];
  const lines = table(
    [
      { title: '', align: 'left' },
      { title: '', align: 'left' },
    ],
    graphs,
  ).slice(1);
  return [head, ...lines, ...quantities.flatMap((name) => ['', ...seriesTable(name, points, rates)])]
    .map((line, index) => (index === 0 || line === '' ? line : `  ${line}`))
    .join('\n');
}

const SHOWN = ['mean', 'p50', 'p95', 'p99', 'p999'] as const;

function seriesTable(name: QuantityName, points: readonly SeriesPoint[], rates: readonly number[]): string[] {
  return table(
    [
      { title: name, align: 'left' },
      { title: 'transfers' },
      { title: 'rate/s' },
      { title: 'failed' },
      { title: 'zero-copy' },
      ...['mean', 'p50', 'p95', 'p99', 'p99.9'].map((title) => ({ title })),
    ],
    points.map((point, index) => {
      const measured = point.quantities[name];
      return [
        formatTime(point.startUs),
        String(point.count),
        significant(rates[index] ?? 0),
        String(point.failed),
        point.count === 0 ? NOTHING : `${significant((point.zeroCopy / point.count) * 100)} %`,
        ...SHOWN.map((statistic) => (measured === undefined ? NOTHING : formatQuantity(name, measured[statistic]))),
      ];
    }),
  );
}

/** A step may be under way: its rate is that of the part that is over. */
function secondsOf({ startUs }: SeriesPoint, granularityMs: number, nowUs: number): number {
  return Math.max(1, Math.min(granularityMs / 1000, (nowUs - startUs) / 1e6));
}

export function seriesJson({ query, granularityMs, points }: PoolSeries, quantities: readonly QuantityName[]) {
  return {
    ...query,
    granularityMs,
    points: points.map((point) => ({
      startUs: point.startUs,
      start: formatTime(point.startUs),
      ...plain(point, quantities),
    })),
  };
}
