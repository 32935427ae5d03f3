/**
 * Replays every trace file of a folder through the whole runtime, as `pitwall replay` does, and writes a line of JSON per trace, goal and seed:
 * `node scripts/run-ts.js bench/learning/whole-bench.ts FOLDER RESULTS.jsonl [SEEDS] [quick]`. What RESULTS has already is not run again.
 * `whole-table.ts` makes tables of it. The clock is simulated: how busy the machine is changes no result, only the times.
 *
 * A fourth argument `quick` leaves the runtime away: `decide` around the cost model, without trees. Seconds instead of an hour, for comparing variants.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayTrace } from 'pitwall';
import { type ReplayProgress, type ReplayResult, replay } from '../../src/learning/replay.ts';
import type { TraceRow } from '../../src/learning/trace.ts';
import { DecideChooser } from './decide-chooser.ts';
import { readTrace } from './traces.ts';

const [folder = '.', results = 'results.jsonl', seeds = '1', mode = ''] = process.argv.slice(2);
/** At a time: a replay waits for its trainings and its store more than it works. */
const REPLAYS = 3;

interface Run {
  readonly trace: string;
  readonly goal: 'minimize_latency' | 'maximize_throughput';
  readonly seed: number;
}

const keyOf = ({ trace, goal, seed }: Run): string => `${trace} ${goal} ${seed}`;
const files = readdirSync(folder).filter((name) => /\.jsonl(\.gz)?$/.test(name));
const waiting = missing();

function missing(): Run[] {
  const lines = existsSync(results) ? readFileSync(results, 'utf8').split('\n') : [];
  const done = new Set(lines.filter((line) => line !== '').map((line) => keyOf(JSON.parse(line))));
  const all = Array.from({ length: Number(seeds) }, (_, index) =>
    files.flatMap((trace) =>
      (['minimize_latency', 'maximize_throughput'] as const).map((goal) => ({ trace, goal, seed: index + 1 })),
    ),
  );
  return all.flat().filter((run) => !done.has(keyOf(run)));
}

async function worker(): Promise<void> {
  for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
    const rows = readTrace(join(folder, run.trace));
    const choices = new Choices(rows);
    const report = await replayed(rows, run, ({ pitwall }) => choices.add(pitwall));
    appendFileSync(results, `${JSON.stringify({ ...run, ...report, choices: choices.text })}\n`);
  }
}

async function replayed(
  rows: readonly TraceRow[],
  { seed, goal }: Run,
  onRow: (progress: ReplayProgress) => void,
): Promise<ReplayResult> {
  if (mode === 'quick') return replay(rows, new DecideChooser(goal), { seed, onRow });
  return replayTrace(rows, { seed, goal, minimumThresholdMb: 0.001, stage: 'adaptive', onRow });
}

/** Which lane each row took, g or z, from the regret so far. */
class Choices {
  readonly #rows: readonly TraceRow[];
  #oracleUs = 0;
  #totalUs = 0;
  text = '';

  constructor(rows: readonly TraceRow[]) {
    this.#rows = rows;
  }

  add(regret: number): void {
    const row = this.#rows[this.text.length];
    if (row === undefined) return;
    this.#oracleUs += Math.min(row.grpcUs, row.zeroCopyUs);
    const tookUs = regret * this.#oracleUs - this.#totalUs;
    const grpc = Math.abs(tookUs - row.grpcUs) < Math.abs(tookUs - row.zeroCopyUs);
    this.#totalUs += grpc ? row.grpcUs : row.zeroCopyUs;
    this.text += grpc ? 'g' : 'z';
  }
}

await Promise.all(Array.from({ length: REPLAYS }, worker));
