/**
 * Tables of what `whole-bench.ts` and `rivals.py` wrote: `node scripts/run-ts.js bench/learning/whole-table.ts RESULTS.jsonl RIVALS.jsonl [EXPECTED_FOLDER]`.
 * Per goal and trace: score over that of the rival in the second half, the last quarter and the whole, mean and deviation over the seeds.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpanScore } from '../../src/learning/replay-score.ts';
import type { ReplayReport } from '../../src/replay-trace.ts';
import { deviation, mean } from './score-table.ts';

type Score = 'slowdown' | 'regret';
type Rival = Readonly<Record<Score, number>>;
interface Rivals {
  readonly trace: string;
  readonly static: Rival;
  readonly linear: Rival;
  readonly xgboost: Rival;
  readonly xgboostMedianError: { readonly grpc: number; readonly zeroCopy: number };
}
interface Run extends ReplayReport {
  readonly trace: string;
  readonly goal: string;
  readonly seed: number;
  readonly choices: string;
}

const [resultsFile = '', rivalsFile = '', expectedFolder = ''] = process.argv.slice(2);
const runs = linesOf<Run>(resultsFile);
const rivals = new Map(linesOf<Rivals>(rivalsFile).map((row) => [row.trace, row]));
/** A lane within 5 % of what the better one is expected to take. */
const MATERIAL = Math.log(1.05);

printGoal('minimize_latency', 'slowdown');
printGoal('maximize_throughput', 'regret');

function printGoal(goal: string, score: Score): void {
  const rival = score === 'slowdown' ? 'best of static, linear, XGBoost' : 'best static';
  const titles = [
    `trace (${score})`,
    `second half / ${rival}`,
    'single seeds',
    'last quarter / best static',
    'whole / best static',
    'coverage',
    "median error g, z / XGBoost's",
    'explored',
    'material',
    'trainings',
    'seeds',
  ];
  console.log(`\n| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}`);
  const traces = [...new Set(runs.map(({ trace }) => trace))];
  const halves = traces.flatMap((trace) => {
    const of = runs.filter((run) => run.trace === trace && run.goal === goal);
    return of.length === 0 ? [] : [printTrace(trace, of, score)];
  });
  const geometric = Math.exp(mean(halves.map(Math.log)));
  console.log(`\nSecond half: geometric mean ${geometric.toFixed(4)}, worst ${Math.max(...halves).toFixed(4)}.`);
}

/** @returns the mean of the second half */
function printTrace(trace: string, of: readonly Run[], score: Score): number {
  const rival = rivals.get(trace);
  const overStatic = (span: (run: Run) => SpanScore) => (run: Run) =>
    span(run)[score].pitwall / span(run)[score].bestStatic;
  const least = (run: Run): number =>
    score === 'regret' || rival === undefined
      ? run.secondHalf[score].bestStatic
      : Math.min(run.secondHalf[score].bestStatic, rival.linear[score], rival.xgboost[score]);
  const halves = of.map((run) => run.secondHalf[score].pitwall / least(run));
  const spread = (values: readonly number[]): string => `${mean(values).toFixed(4)} ± ${deviation(values).toFixed(4)}`;
  const average = (pick: (run: Run) => number): number => mean(of.map(pick));
  const errors = (['grpc', 'zeroCopy'] as const).map((lane) =>
    rival === undefined
      ? '?'
      : (average((run) => run.prediction[lane].medianError) / rival.xgboostMedianError[lane]).toFixed(2),
  );
  const cells = [
    trace.replace(/\.jsonl(\.gz)?$/, ''),
    spread(halves),
    `${Math.min(...halves).toFixed(4)} .. ${Math.max(...halves).toFixed(4)}`,
    spread(of.map(overStatic((run) => run.lastQuarter))),
    spread(of.map(overStatic((run) => run))),
    average((run) => run.coverage90).toFixed(3),
    errors.join(', '),
    average((run) => run.explored / run.rows).toFixed(3),
    materialOf(trace, of),
    average((run) => run.trainings).toFixed(1),
    String(of.length),
  ];
  console.log(`| ${cells.join(' | ')} |`);
  return mean(halves);
}

/** Share of the second half's choices that are within 5 % of the better lane: as it turned out, and by the referee's expectation. */
function materialOf(trace: string, of: readonly Run[]): string {
  const turnedOut = mean(of.map((run) => run.materialAccuracy)).toFixed(3);
  const file = join(expectedFolder, `${trace}.json`);
  if (expectedFolder === '' || !existsSync(file)) return turnedOut;
  const logRatio: number[] = JSON.parse(readFileSync(file, 'utf8'));
  const half = logRatio.length >> 1;
  const shares = of.map(({ choices }) => {
    const fine = logRatio.filter((value, row) => row >= half && (choices[row] === 'g' ? value : -value) <= MATERIAL);
    return fine.length / (logRatio.length - half);
  });
  return `${turnedOut}, expected ${mean(shares).toFixed(3)}`;
}

function linesOf<T>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}
