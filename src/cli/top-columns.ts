/** The columns of `pitwall top`: what each shows, what it sorts by, and which go first where the terminal is narrow. */

import { formatSize } from '../decision/format-table.ts';
import { formatShare, formatUs, NOTHING, significant } from './quantity.ts';
import { printable } from './text.ts';
import type { PoolFrame } from './top-frame.ts';

export interface TopColumn {
  readonly title: string;
  readonly align?: 'left';
  /** The least important columns give way first. */
  readonly importance: number;
  readonly cell: (pool: PoolFrame) => string;
  /** Numbers sort by size, the greatest first; what is not there comes last. */
  readonly sortBy: (pool: PoolFrame) => number | undefined | string;
  /** A figure that someone should look at. */
  readonly warns?: (pool: PoolFrame) => boolean;
}

export const TOP_COLUMNS: readonly TopColumn[] = [
  {
    title: 'pool',
    align: 'left',
    importance: 10,
    cell: ({ pool }) => printable(pool),
    sortBy: ({ pool }) => pool,
  },
  { title: 'rate/s', importance: 9, cell: ({ ratePerS }) => significant(ratePerS), sortBy: (pool) => pool.ratePerS },
  {
    title: 'MB/s',
    importance: 3,
    cell: ({ bytesPerS }) => significant(bytesPerS / 1e6),
    sortBy: (pool) => pool.bytesPerS,
  },
  {
    title: 'transfers',
    importance: 1,
    cell: ({ transfers }) => String(transfers),
    sortBy: (pool) => pool.transfers,
  },
  {
    title: 'zero-copy',
    importance: 7,
    cell: ({ zeroCopyShare }) => (zeroCopyShare === undefined ? NOTHING : formatShare(zeroCopyShare)),
    sortBy: (pool) => pool.zeroCopyShare,
  },
  latencyColumn('p50', 8),
  latencyColumn('p95', 5),
  latencyColumn('p99', 8),
  {
    title: 'failed',
    importance: 6,
    cell: ({ failed }) => String(failed),
    sortBy: (pool) => pool.failed,
    warns: ({ failed }) => failed > 0,
  },
  {
    title: 'fallbacks',
    importance: 4,
    cell: ({ fallbacks }) => String(fallbacks),
    sortBy: (pool) => pool.fallbacks,
    warns: ({ fallbacks }) => fallbacks > 0,
  },
  {
    title: 'pred.error',
    importance: 3,
    cell: ({ predictionError }) => (predictionError === undefined ? NOTHING : formatShare(predictionError)),
    sortBy: (pool) => pool.predictionError,
  },
  {
    title: 'threshold',
    importance: 2,
    cell: (pool) => {
      const bytes = defaultThreshold(pool);
      return bytes === undefined ? NOTHING : formatSize(bytes);
    },
    sortBy: defaultThreshold,
  },
];

function latencyColumn(quantile: 'p50' | 'p95' | 'p99', importance: number): TopColumn {
  return {
    title: quantile,
    importance,
    cell: ({ latencyUs }) => (latencyUs === undefined ? NOTHING : formatUs(latencyUs[quantile])),
    sortBy: ({ latencyUs }) => latencyUs?.[quantile],
  };
}

function defaultThreshold({ thresholds }: PoolFrame): number | undefined {
  return thresholds?.thresholds.find(({ dataType }) => dataType === undefined)?.bytes;
}

/** Pools in the order of a column: names from A on, figures from the greatest on; or the other way round. */
export function sortedPools(
  pools: readonly PoolFrame[],
  column: TopColumn | undefined,
  reversed: boolean,
): readonly PoolFrame[] {
  if (column === undefined) return pools;
  const sign = reversed ? -1 : 1;
  return pools.toSorted((a, b) => sign * compare(column.sortBy(a), column.sortBy(b)));
}

function compare(a: number | string | undefined, b: number | string | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  return Number(b ?? Number.NEGATIVE_INFINITY) - Number(a ?? Number.NEGATIVE_INFINITY) || 0;
}
