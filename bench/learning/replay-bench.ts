/**
 * Scores the learner on every trace: `node <built>/replay-bench.js TRACE_DIRECTORY [SEEDS] [EXPLORATION_RATE]`. Prints, per goal and trace, the score over that of the best static
 * threshold in hindsight (second half, last quarter, whole), as mean and spread over the seeds. bench/learning/run.sh bundles and runs it.
 */
import { type ReplayResult, replay } from '../../src/learning/replay.ts';
import { CostModelChooser } from './cost-model-chooser.ts';
import { allTraces } from './traces.ts';

const [directory = '.', seedCount = '10', rate = '0.05'] = process.argv.slice(2);
const traces = allTraces(directory);

for (const [statistic, score] of [
  ['median', 'slowdown'],
  ['mean', 'regret'],
] as const) {
  console.log(
    `\n| trace (${score} / best static) | second half, mean ± sd | last quarter | whole | median error g / z | coverage | explored | accuracy / material |`,
  );
  console.log('|---|---|---|---|---|---|---|---|');
  const halves: number[] = [];
  for (const [name, rows] of traces) {
    const results: ReplayResult[] = [];
    for (let seed = 1; seed <= Number(seedCount); seed += 1) {
      results.push(await replay(rows, new CostModelChooser(statistic, Number(rate)), { seed }));
    }
    const of = (pick: (result: ReplayResult) => number): number[] => results.map(pick);
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
      `${mean(of((r) => r.accuracy)).toFixed(3)} / ${mean(of((r) => r.materialAccuracy)).toFixed(3)}`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const geometric = Math.exp(mean(halves.map(Math.log)));
  console.log(`geometric mean ${geometric.toFixed(4)}, worst ${Math.max(...halves).toFixed(4)}`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}
