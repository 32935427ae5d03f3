/** The statistics of one pool, by lane or by kind of payload: asked for, as tables, as JSON. */
import type { Method } from '../decision/types.ts';
import { sizeBandLabel } from '../metrics/size-band.ts';
import type { QuantityStatistics, RangeStatistics } from '../metrics/statistics.ts';
import type { MetricsStore, StatisticsQuery } from '../metrics/store-types.ts';
import type { QuantityName } from '../metrics/summary.ts';
import { formatBytes, formatQuantity, laneName, NOTHING } from './quantity.ts';
import { printable, table } from './text.ts';
import { formatTime } from './time-range.ts';

export interface PoolStatistics {
  readonly query: StatisticsQuery;
  readonly all: RangeStatistics;
  readonly by: NonNullable<StatisticsQuery['groupBy']> | 'lane';
  readonly rows: readonly StatisticsRow[];
}

interface StatisticsRow {
  readonly value: string | number;
  readonly label: string;
  readonly statistics: RangeStatistics;
}

const LANES: readonly Method[] = ['zero_copy', 'grpc'];

export function poolStatistics(
  store: MetricsStore,
  query: StatisticsQuery,
  by: StatisticsQuery['groupBy'],
): PoolStatistics {
  if (by !== undefined) {
    const all = store.statistics({ ...query, groupBy: by });
    return { query, all, by, rows: groupsOf(all.groups ?? new Map(), by) };
  }
  // A lane has aggregates of its own: over a week this reads some hundred pages, where groups would read the cells of each.
  const lanes = query.method === undefined ? LANES : [query.method];
  const rows = lanes.map((method) => ({
    value: method,
    label: laneName(method),
    statistics: store.statistics({ ...query, method }),
  }));
  return { query, all: store.statistics(query), by: 'lane', rows };
}

function groupsOf(
  groups: ReadonlyMap<string | number, RangeStatistics>,
  by: NonNullable<StatisticsQuery['groupBy']>,
): StatisticsRow[] {
  const rows = [...groups].map(([value, statistics]) => ({ value, label: labelOf(value, by), statistics }));
  return rows.sort((a, b) =>
    typeof a.value === 'number' && typeof b.value === 'number'
      ? a.value - b.value
      : b.statistics.count - a.statistics.count,
  );
}

function labelOf(value: string | number, by: StatisticsQuery['groupBy']): string {
  if (typeof value === 'number') return sizeBandLabel(value);
  return by === 'method' && (value === 'grpc' || value === 'zero_copy') ? laneName(value) : printable(value);
}

export function statisticsText({ query, all, by, rows }: PoolStatistics, quantities: readonly QuantityName[]): string {
  const { count, bytes, failed, ignored, fallback } = all;
  const more = ignored > 0 ? `, ${ignored} ignored` : '';
  const head = `${printable(query.pool)}: ${count} transfers, ${formatBytes(bytes)}, ${failed} failed, ${fallback} fallbacks${more}${rangeText(query)}`;
  return [head, ...quantities.flatMap((quantity) => ['', ...quantityTable(quantity, by, all, rows)])]
    .filter((line, index) => line !== '' || index > 1)
    .join('\n');
}

const STATISTICS = ['mean', 'p50', 'p95', 'p99', 'p999', 'min', 'max'] as const satisfies (keyof QuantityStatistics)[];

function quantityTable(
  quantity: QuantityName,
  by: PoolStatistics['by'],
  all: RangeStatistics,
  rows: readonly StatisticsRow[],
): string[] {
  const columns = [
    { title: `${quantity} by ${by}`, align: 'left' },
    { title: 'transfers' },
    { title: 'failed' },
    { title: 'measured' },
    ...STATISTICS.map((statistic) => ({ title: statisticTitle(statistic) })),
  ] as const;
  const row = (label: string, statistics: RangeStatistics): string[] => {
    const measured = statistics.quantities[quantity];
    return [
      label,
      String(statistics.count),
      String(statistics.failed),
      String(measured?.count ?? 0),
      ...STATISTICS.map((name) => (measured === undefined ? NOTHING : formatQuantity(quantity, measured[name]))),
    ];
  };
  return table(columns, [...rows.map(({ label, statistics }) => row(label, statistics)), row('all', all)]).map(
    (line) => `  ${line}`,
  );
}

export function statisticTitle(statistic: keyof QuantityStatistics): string {
  return statistic === 'p999' ? 'p99.9' : statistic;
}

/** Which time was asked for; nothing where it was all. */
export function rangeText({ fromUs, toUs }: StatisticsQuery): string {
  if (fromUs === undefined && toUs === undefined) return '';
  const from = fromUs === undefined ? '' : ` from ${formatTime(fromUs)}`;
  return `,${from}${toUs === undefined ? '' : ` to ${formatTime(toUs)}`}`;
}

export function statisticsJson({ query, all, by, rows }: PoolStatistics, quantities: readonly QuantityName[]) {
  return {
    ...query,
    from: query.fromUs === undefined ? null : formatTime(query.fromUs),
    to: query.toUs === undefined ? null : formatTime(query.toUs),
    ...plain(all, quantities),
    by,
    groups: rows.map(({ value, label, statistics }) => ({ value, label, ...plain(statistics, quantities) })),
  };
}

/** Only what JSON can say, and only the quantities asked for. */
export function plain(statistics: RangeStatistics, quantities: readonly QuantityName[]): RangeStatistics {
  const { count, success, ignored, failed, zeroCopy, grpc, fallback, explored, bytes, relativeAccuracy } = statistics;
  const wanted = Object.entries(statistics.quantities).filter(
    ([name]) => quantities.length === 0 || quantities.some((quantity) => quantity === name),
  );
  return {
    count,
    success,
    ignored,
    failed,
    zeroCopy,
    grpc,
    fallback,
    explored,
    bytes,
    quantities: Object.fromEntries(wanted),
    relativeAccuracy,
  };
}
