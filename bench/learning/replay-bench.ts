/**
 * Scores the learner on every trace: `node <built>/replay-bench.js TRACE_DIRECTORY [SEEDS] [EXPLORATION_RATE]`. Prints, per goal and trace, the score over that of the best static
 * threshold in hindsight (second half, last quarter, whole), as mean and spread over the seeds. bench/learning/run.sh bundles and runs it.
 */
import { replay } from '../../src/learning/replay.ts';
import { CostModelChooser } from './cost-model-chooser.ts';
import { mean, printScores } from './score-table.ts';
import { allTraces } from './traces.ts';

const [directory = '.', seeds = '10', rate = '0.05'] = process.argv.slice(2);
const traces = allTraces(directory);

for (const [statistic, score] of [
  ['median', 'slowdown'],
  ['mean', 'regret'],
] as const) {
  await printScores(
    score,
    traces,
    Number(seeds),
    (rows, seed) => replay(rows, new CostModelChooser(statistic, Number(rate)), { seed }),
    [
      {
        title: 'accuracy / material',
        cell: (results) =>
          `${mean(results.map((r) => r.accuracy)).toFixed(3)} / ${mean(results.map((r) => r.materialAccuracy)).toFixed(3)}`,
      },
    ],
  );
}
