/** A report for the terminal. Pure. */
import { seriesKey } from './report.ts';
import type { BenchmarkReport, CellResult, LaneResult } from './types.ts';
import { crossoverText, digits, laneName, ratio, seriesName, size, summaryLines, time } from './words.ts';

/**
 * A report as text: what it ran on, how it ended, and per series a table of sizes with each lane's P50 and its interval, P90, P99, the ratio of the
 * medians (below 1 zero-copy is faster) and the size where the lanes cross.
 */
export function benchmarkText(report: BenchmarkReport): string {
  const blocks = [summaryLines(report).join('\n')];
  for (const [key, cells] of seriesOf(report.cells)) {
    const [first] = cells;
    if (first === undefined) continue;
    const lines = [seriesName(first), ...table([HEADER, ...cells.flatMap((cell) => rowsOf(cell))])];
    const crossover = report.crossovers.find((each) => seriesKey(each) === key);
    if (crossover) lines.push(`  ${crossoverText(crossover, report.plan.sizes)}`);
    blocks.push(lines.join('\n'));
  }
  return `${blocks.join('\n\n')}\n`;
}

/** Cells by what all but their size have in common, in the order of the report. */
export function seriesOf(cells: readonly CellResult[]): Map<string, CellResult[]> {
  const series = new Map<string, CellResult[]>();
  for (const cell of cells) {
    const key = seriesKey(cell);
    const known = series.get(key);
    if (known) known.push(cell);
    else series.set(key, [cell]);
  }
  return series;
}

const HEADER = ['size', 'lane', 'n', 'p50', 'interval', 'p90', 'p99', 'MB/s', 'outliers', 'failed', 'zero-copy / gRPC'];

function rowsOf(cell: CellResult): string[][] {
  return cell.lanes.map((lane, index) => [
    index === 0 ? size(cell.dataSize) : '',
    laneName(lane.lane),
    ...laneColumns(lane),
    index === 0 ? `${ratio(cell)}${verdict(cell)}` : '',
  ]);
}

function verdict({ faster, ratioInterval }: CellResult): string {
  if (ratioInterval === undefined) return '';
  return faster === undefined ? '  no difference shown' : `  ${laneName(faster)}`;
}

/** n, p50, its interval, p90, p99, MB/s, outliers, failed. */
export function laneColumns(lane: LaneResult): string[] {
  const [p50, p90, p99] = lane.quantiles;
  const interval = p50?.interval === undefined ? '-' : `${time(p50.interval.low)} .. ${time(p50.interval.high)}`;
  const failed = lane.failed === 0 ? '' : `${lane.failed} ${lane.errorCode ?? ''}`.trim();
  return [
    String(lane.count),
    time(p50?.us),
    interval,
    time(p90?.us),
    time(p99?.us),
    lane.throughputMBps === undefined ? '-' : digits(lane.throughputMBps),
    lane.outliers === 0 ? '' : String(lane.outliers),
    failed,
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const left = new Set([0, 1, HEADER.length - 1]);
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      left.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `  ${cells.join('  ').trimEnd()}`;
  });
}
