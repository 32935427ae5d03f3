/** Scores of replays, as a table per goal: over that of the best static threshold in hindsight, mean and spread over the seeds. */
import type { ReplayResult } from '../../src/learning/replay.ts';
import type { TraceRow } from '../../src/learning/trace.ts';

export interface ExtraColumn<R> {
  readonly title: string;
  readonly cell: (results: readonly R[]) => string;
}

/** Prints a row per trace and their geometric mean; `replay` is asked for each trace and each seed from 1 on. */
export async function printScores<R extends ReplayResult>(
  score: 'slowdown' | 'regret',
  traces: Iterable<readonly [name: string, rows: readonly TraceRow[]]>,
  seeds: number,
  replay: (rows: readonly TraceRow[], seed: number) => Promise<R>,
  extra: readonly ExtraColumn<R>[],
): Promise<void> {
  const titles = [
    `trace (${score} / best static)`,
    'second half, mean ± sd',
    'last quarter',
    'whole',
    'median error g / z',
    'coverage',
    'explored',
    ...extra.map(({ title }) => title),
  ];
  console.log(`\n| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}`);
  const halves: number[] = [];
  for (const [name, rows] of traces) {
    const results: R[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) results.push(await replay(rows, seed));
    const meanOf = (pick: (result: R) => number): number => mean(results.map(pick));
    const half = results.map((r) => r.secondHalf[score].pitwall / r.secondHalf[score].bestStatic);
    halves.push(mean(half));
    const cells = [
      name,
      `${mean(half).toFixed(4)} ± ${deviation(half).toFixed(4)}`,
      meanOf((r) => r.lastQuarter[score].pitwall / r.lastQuarter[score].bestStatic).toFixed(4),
      meanOf((r) => r[score].pitwall / r[score].bestStatic).toFixed(4),
      `${meanOf((r) => r.prediction.grpc.medianError).toFixed(3)} / ${meanOf((r) => r.prediction.zeroCopy.medianError).toFixed(3)}`,
      meanOf((r) => r.coverage90).toFixed(3),
      meanOf((r) => r.explored / r.rows).toFixed(3),
      ...extra.map(({ cell }) => cell(results)),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const geometric = Math.exp(mean(halves.map(Math.log)));
  console.log(`geometric mean ${geometric.toFixed(4)}, worst ${Math.max(...halves).toFixed(4)}`);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}
