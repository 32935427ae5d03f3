/**
 * Replays every trace through the whole runtime: `node scripts/run-ts.js bench/learning/decide-bench.ts TRACE_DIRECTORY [SEEDS] [NAME]`.
 * Prints, per goal and trace, the score over that of the best static threshold in hindsight: second half, last quarter, whole; mean and spread over the seeds.
 */
import { replayTrace } from 'pitwall';
import { mean, printScores } from './score-table.ts';
import { allTraces } from './traces.ts';

const [directory = '.', seeds = '1', only = ''] = process.argv.slice(2);
const traces = [...allTraces(directory)].filter(([name]) => name.includes(only));

for (const [goal, score] of [
  ['minimize_latency', 'slowdown'],
  ['maximize_throughput', 'regret'],
] as const) {
  await printScores(
    score,
    traces,
    Number(seeds),
    (rows, seed) => replayTrace(rows, { seed, goal, minimumThresholdMb: 0.001, stage: 'adaptive' }),
    [
      { title: 'trainings', cell: (results) => mean(results.map((r) => r.trainings)).toFixed(1) },
      { title: 's', cell: (results) => mean(results.map((r) => r.seconds)).toFixed(1) },
    ],
  );
}
