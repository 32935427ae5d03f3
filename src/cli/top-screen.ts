/** A refresh of `pitwall top` as lines for a terminal of a given size. Pure. */
import { formatSize } from '../decision/format-table.ts';
import { formatDuration } from './duration.ts';
import { formatBytes, formatShare, formatUs, laneName, NOTHING, significant } from './quantity.ts';
import { clip, type Paint, printable, sparkline, table, widthOf } from './text.ts';
import { formatTime } from './time-range.ts';
import { sortedPools, TOP_COLUMNS, type TopColumn } from './top-columns.ts';
import type { PoolFrame, TopFrame } from './top-frame.ts';

export interface TopView {
  readonly dataDir: string;
  readonly width: number;
  /** Lines there are; undefined where all are printed. */
  readonly height: number | undefined;
  readonly colour: boolean;
  /** Number of the column that is sorted by. */
  readonly sortColumn: number;
  readonly reversed: boolean;
  /** The pool whose lanes are shown; undefined shows those of every pool. */
  readonly chosen: string | undefined;
  /** Keys are heeded. */
  readonly keys: boolean;
}

const BOLD = '\u001b[1m';
const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const PLAIN = '\u001b[0m';

export function topScreen(frame: TopFrame, view: TopView): string[] {
  const pools = sortedPools(frame.pools, TOP_COLUMNS[view.sortColumn], view.reversed);
  const detailed = view.chosen === undefined ? pools : pools.filter(({ pool }) => pool === view.chosen);
  const detail = detailed.flatMap((pool) => ['', ...detailOf(pool, frame.atUs, view.width)]);
  const foot = view.keys ? ['', styled(view, DIM, clip(footOf(view), view.width))] : [];
  const head = headOf(frame, view);
  // The line of titles, and one that says what is left out.
  const room = (view.height ?? Number.POSITIVE_INFINITY) - head.length - foot.length - 2;
  const shownDetail =
    pools.length + detail.length <= room ? detail : detail.slice(0, Math.max(0, Math.floor(room / 2)));
  const rows = Math.max(1, Math.min(pools.length, room - shownDetail.length));
  const hidden = pools.length - rows + frame.morePools;
  return [
    ...head,
    ...poolTable(around(pools, view.chosen, rows), view),
    ...(hidden > 0 ? [clip(`… and ${hidden} more`, view.width)] : []),
    ...shownDetail,
    ...foot,
  ].slice(0, view.height);
}

/** The column that is sorted by may not be among those that fit: it is named here. */
function footOf({ sortColumn, reversed }: TopView): string {
  const order = `sorted by ${TOP_COLUMNS[sortColumn]?.title}${reversed ? ', reversed' : ''}`;
  return `q quit   p next pool   left, right: ${order}   r reverse`;
}

function headOf({ atUs, windowMs, pools, costMs }: TopFrame, view: TopView): string[] {
  const rate = pools.reduce((sum, pool) => sum + pool.ratePerS, 0);
  const bytes = pools.reduce((sum, pool) => sum + pool.bytesPerS, 0);
  const title = `pitwall top  ${printable(view.dataDir)}  ${formatTime(Math.floor(atUs / 1e6) * 1e6)}`;
  const shortened = pools.some((pool) => pool.shortened)
    ? '; more records than can be read, the window is shorter'
    : '';
  const totals = `${pools.length} pools, ${significant(rate)} transfers/s, ${formatBytes(bytes)}/s; the last ${formatDuration(windowMs)}, read in ${significant(costMs)} ms${shortened}`;
  return [styled(view, BOLD, clip(title, view.width)), clip(totals, view.width), ''];
}

/** As many pools as there is room for, the chosen one among them. */
function around(pools: readonly PoolFrame[], chosen: string | undefined, rows: number): readonly PoolFrame[] {
  const at = Math.max(
    0,
    pools.findIndex(({ pool }) => pool === chosen),
  );
  const first = Math.max(0, Math.min(at - rows + 1, pools.length - rows));
  return pools.slice(first, first + rows);
}

const LEAST_GRAPH = 10;
const GAP = 2;
/** Longest name of a pool that is shown in full. */
const NAME_WIDTH = 24;

function poolTable(pools: readonly PoolFrame[], view: TopView): string[] {
  if (pools.length === 0) return [clip('no pool has records yet', view.width)];
  const cell = (column: TopColumn, pool: PoolFrame): string => {
    if (column.align !== 'left') return column.cell(pool);
    const mark = pool.pool === view.chosen ? '>' : ' ';
    return `${view.keys ? mark : ''}${clip(column.cell(pool), NAME_WIDTH)}`;
  };
  const widthOfColumn = (column: TopColumn): number =>
    GAP + Math.max(widthOf(column.title), ...pools.map((pool) => widthOf(cell(column, pool))));
  const { columns, left } = chosenColumns(widthOfColumn, view.width);
  const graph = Math.min(left, Math.max(...pools.map(({ rates }) => rates.length)));
  const paint: Paint = (text, row, index) => {
    const column = columns[index];
    const pool = pools[row];
    if (row < 0) return styled(view, BOLD, text);
    return pool !== undefined && column?.warns?.(pool) === true ? styled(view, RED, text) : text;
  };
  const graphTitle =
    graph < LEAST_GRAPH ? [] : [{ title: clip('rate over the window', graph), align: 'left' as const }];
  return table(
    [...columns.map((column) => ({ title: column.title, align: column.align ?? ('right' as const) })), ...graphTitle],
    pools.map((pool) => [
      ...columns.map((column) => cell(column, pool)),
      ...(graphTitle.length === 0 ? [] : [sparkline(pool.rates, graph)]),
    ]),
    paint,
  ).map((line) => (view.colour ? line : clip(line, view.width)));
}

/** The columns that fit, and what is left for the graph: the least important give way, the graph before the most important. */
function chosenColumns(
  widthOfColumn: (column: TopColumn) => number,
  width: number,
): { readonly columns: readonly TopColumn[]; readonly left: number } {
  let columns: readonly TopColumn[] = TOP_COLUMNS;
  const used = (): number => columns.reduce((sum, column) => sum + widthOfColumn(column), 0);
  for (let least = 1; least < 10 && used() + (least > 6 ? 0 : LEAST_GRAPH) > width; least += 1) {
    columns = columns.filter((column) => column.importance > least);
  }
  return { columns, left: width - used() };
}

function detailOf(pool: PoolFrame, atUs: number, width: number): string[] {
  const lanes = (['zero_copy', 'grpc'] as const).map((method) => {
    const { transfers, failed, fallbacks, latencyUs } = pool.lanes[method];
    const us = (quantile: 'p50' | 'p95' | 'p99'): string =>
      latencyUs === undefined ? NOTHING : formatUs(latencyUs[quantile]);
    const share = pool.transfers === 0 ? NOTHING : formatShare(transfers / pool.transfers);
    return [
      laneName(method),
      String(transfers),
      share,
      us('p50'),
      us('p95'),
      us('p99'),
      String(failed),
      String(fallbacks),
    ];
  });
  const titles = [printable(pool.pool), 'transfers', 'share', 'p50', 'p95', 'p99', 'failed', 'fallbacks'];
  return [
    ...table(
      titles.map((title, index) => ({ title: clip(title, NAME_WIDTH), align: index === 0 ? 'left' : 'right' })),
      lanes,
    ),
    thresholdsOf(pool),
    ...(pool.transfers > 0 ? [] : [quietSince(pool, atUs)]),
  ].map((line) => clip(line, width));
}

function thresholdsOf({ thresholds }: PoolFrame): string {
  if (thresholds === undefined) return 'zero-copy from: nothing learned yet';
  const list = thresholds.thresholds.map(
    ({ dataType, bytes }) => `${dataType === undefined ? 'default' : printable(dataType)} ${size(bytes)}`,
  );
  return `zero-copy from: ${list.join(', ')}; gRPC at once below ${size(thresholds.quickPathMinimum)}; under load less`;
}

function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : formatSize(bytes);
}

function quietSince({ newestUs }: PoolFrame, atUs: number): string {
  if (newestUs === undefined) return 'no records';
  const seconds = Math.max(0, Math.round((atUs - newestUs) / 1e6));
  const [unit, size] = QUIET_UNITS.find(([, each]) => seconds >= each) ?? ['seconds', 1];
  return `quiet: the last record is ${Math.floor(seconds / size)} ${unit} old, ${formatTime(newestUs)}`;
}

const QUIET_UNITS = [
  ['days', 86_400],
  ['hours', 3600],
  ['minutes', 60],
] as const;

function styled(view: TopView, code: string, text: string): string {
  return view.colour ? `${code}${text}${PLAIN}` : text;
}
