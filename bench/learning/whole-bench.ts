/**
 * Replays every trace file of a folder through the whole runtime, as `pitwall replay` does, and writes a line of JSON per trace, goal and seed:
 * `node scripts/run-ts.js bench/learning/whole-bench.ts FOLDER RESULTS.jsonl [SEEDS] [NAME_CONTAINS]`. What RESULTS has already is not run again.
 * `whole-table.ts` makes tables of it. The clock is simulated: how busy the machine is changes no result, only the times.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayTrace } from 'pitwall';
import { readTrace } from './traces.ts';

const [folder = '.', results = 'results.jsonl', seeds = '1', only = ''] = process.argv.slice(2);
const key = (trace: string, goal: string, seed: number): string => `${trace} ${goal} ${seed}`;
const done = new Set(
  (existsSync(results) ? readFileSync(results, 'utf8') : '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ trace, goal, seed }) => key(trace, goal, seed)),
);
const files = readdirSync(folder).filter((name) => /\.jsonl(\.gz)?$/.test(name) && name.includes(only));

for (let seed = 1; seed <= Number(seeds); seed += 1) {
  for (const trace of files) {
    for (const goal of ['minimize_latency', 'maximize_throughput'] as const) {
      if (done.has(key(trace, goal, seed))) continue;
      const { skipped, ...report } = await replayTrace(readTrace(join(folder, trace)), {
        seed,
        goal,
        minimumThresholdMb: 0.001,
        stage: 'adaptive',
      });
      appendFileSync(results, `${JSON.stringify({ trace, goal, seed, ...report, skipped: skipped.length })}\n`);
    }
  }
}
