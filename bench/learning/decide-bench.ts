/**
 * Replays every trace through the whole runtime: `node scripts/run-ts.js bench/learning/decide-bench.ts TRACE_DIRECTORY [SEEDS] [NAME]`.
 * Prints, per goal and trace, the score over that of the best static threshold in hindsight: second half, last quarter, whole; mean and spread over the seeds.
 */
import { type ReplayReport, replayTrace } from 'pitwall';
import { allTraces } from './traces.ts';

const [directory = '.', seeds = '1', only] = process.argv.slice(2);

for (const [goal, score] of [
  ['minimize_latency', 'slowdown'],
  ['maximize_throughput', 'regret'],
] as const) {
  console.log(
    `\n| trace (${score} / best static) | second half, mean ± sd | last quarter | whole | median error g / z | coverage | explored | trainings | s |`,
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  const halves: number[] = [];
  for (const [name, rows] of allTraces(directory)) {
    if (only !== undefined && !name.includes(only)) continue;
    const results: ReplayReport[] = [];
    for (let seed = 1; seed <= Number(seeds); seed += 1) {
      results.push(await replayTrace(rows, { seed, goal, minimumThresholdMb: 0.001, stage: 'adaptive' }));
    }
    const of = (pick: (result: ReplayReport) => number): number[] => results.map(pick);
    const half = of((r) => r.secondHalf[score].pitwall / r.secondHalf[score].bestStatic);
    halves.push(mean(half));
    const cells = [
      name,
      `${mean(half).toFixed(4)} ± ${deviation(half).toFixed(4)}`,
      mean(of((r) => r.lastQuarter[score].pitwall / r.lastQuarter[score].bestStatic)).toFixed(4),
      mean(of((r) => r[score].pitwall / r[score].bestStatic)).toFixed(4),
      `${mean(of((r) => r.prediction.grpc.medianError)).toFixed(3)} / ${mean(of((r) => r.prediction.zeroCopy.medianError)).toFixed(3)}`,
      mean(of((r) => r.coverage90)).toFixed(3),
      mean(of((r) => r.explored / r.rows)).toFixed(3),
      mean(of((r) => r.trainings)).toFixed(1),
      mean(of((r) => r.seconds)).toFixed(1),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  console.log(
    `geometric mean ${Math.exp(mean(halves.map(Math.log))).toFixed(4)}, worst ${Math.max(...halves).toFixed(4)}`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}
