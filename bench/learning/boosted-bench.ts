/** What the trees add to the cost model: both replayed on every trace with equal seeds. Arguments: TRACE_DIRECTORY [SEEDS] [always]. */
import { replay } from '../../src/learning/replay.ts';
import { BoostedChooser } from './boosted-chooser.ts';
import { CostModelChooser } from './cost-model-chooser.ts';
import { allTraces } from './traces.ts';

const [directory = '.', seeds = '2', mode = 'gated', only = ''] = process.argv.slice(2);

console.log('| trace | goal | cost model | with trees | median error cost g / z | with trees | published / trained |');
console.log('|---|---|---|---|---|---|---|');
for (const [statistic, score] of [
  ['median', 'slowdown'],
  ['mean', 'regret'],
] as const) {
  const halves = { cost: [] as number[], trees: [] as number[] };
  for (const [name, rows] of allTraces(directory)) {
    if (only !== '' && !only.split(',').includes(name)) continue;
    for (let seed = 1; seed <= Number(seeds); seed += 1) {
      const cost = await replay(rows, new CostModelChooser(statistic), { seed });
      const chooser = new BoostedChooser(statistic, 500, mode === 'always');
      const trees = await replay(rows, chooser, { seed });
      const ratio = (result: typeof cost): number =>
        result.secondHalf[score].pitwall / result.secondHalf[score].bestStatic;
      halves.cost.push(ratio(cost));
      halves.trees.push(ratio(trees));
      const errors = (result: typeof cost): string =>
        `${result.prediction.grpc.medianError.toFixed(3)} / ${result.prediction.zeroCopy.medianError.toFixed(3)}`;
      console.log(
        `| ${name} ${seed} | ${score} | ${ratio(cost).toFixed(4)} | ${ratio(trees).toFixed(4)} | ${errors(cost)} | ${errors(trees)} | ${chooser.published} / ${trees.trainings} |`,
      );
      if (process.env.REPORTS !== undefined) for (const report of chooser.reports) console.log(JSON.stringify(report));
    }
  }
  const geometric = (values: readonly number[]): string =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length).toFixed(4);
  console.log(`geometric mean: cost model ${geometric(halves.cost)}, with trees ${geometric(halves.trees)}`);
}
