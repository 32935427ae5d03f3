/** The whole decision on every trace beside the cost model's own choice. Arguments: TRACE_DIRECTORY [SEEDS]. */
import { replay } from '../../src/learning/replay.ts';
import { CostModelChooser } from './cost-model-chooser.ts';
import { DecideChooser } from './decide-chooser.ts';
import { allTraces } from './traces.ts';

const [directory = '.', seeds = '2'] = process.argv.slice(2);
console.log(
  '| trace | score | cost model: half, whole | decide: half, whole | decide without margin: half, whole | explored |',
);
console.log('|---|---|---|---|---|---|');
for (const [goal, statistic, score] of [
  ['minimize_latency', 'median', 'slowdown'],
  ['maximize_throughput', 'mean', 'regret'],
] as const) {
  const all: number[][] = [[], [], []];
  for (const [name, rows] of allTraces(directory)) {
    const cells = [0, 1, 2].map((kind) => {
      let half = 0;
      let whole = 0;
      let explored = 0;
      for (let seed = 1; seed <= Number(seeds); seed += 1) {
        const chooser = kind === 0 ? new CostModelChooser(statistic) : new DecideChooser(goal, kind === 1 ? 0.05 : 0);
        const result = replay(rows, chooser, { seed });
        half += result.secondHalf[score].pitwall / result.secondHalf[score].bestStatic / Number(seeds);
        whole += result[score].pitwall / result[score].bestStatic / Number(seeds);
        explored += result.explored / result.rows / Number(seeds);
      }
      all[kind]?.push(half);
      return { half, whole, explored };
    });
    const shown = cells.map(({ half, whole }) => `${half.toFixed(4)}, ${whole.toFixed(4)}`);
    console.log(
      `| ${name} | ${score} | ${shown.join(' | ')} | ${cells.map((cell) => cell.explored.toFixed(3)).join(' ')} |`,
    );
  }
  const means = all.map((values) =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length).toFixed(4),
  );
  console.log(`geometric means: ${means.join(', ')}`);
}
