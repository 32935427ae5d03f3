/**
 * What the machine card is worth: the first 50 decisions of fresh pools, with the card, with the constants, and by the 10 MB threshold, as total time
 * over that of each transfer's faster lane. A draw measures the machine, then sends payloads by both lanes, then replays them.
 * `npm run bench -- doctor`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBench } from '../src/cli/bench-run.ts';
import { measureMachine } from '../src/doctor/measure.ts';
import type { MachineCard } from '../src/learning/machine-card.ts';
import type { TraceRow } from '../src/learning/trace.ts';
import { readTraceFile } from '../src/metrics/exchange/trace-file.ts';
import { type ReplayTraceOptions, replayTrace } from '../src/replay-trace.ts';
import type { BenchRow } from './row.ts';

const FIRST = 50;
const DRAWS = 5;
/** Several replays of a draw: exploration is drawn too. */
const SEEDS = [1, 2, 3];
const BAR = 1.15;
const GOALS = ['maximize_throughput', 'balanced', 'minimize_latency'] as const;

interface Scores {
  readonly card: number;
  readonly constants: number;
  readonly default10Mb: number;
  readonly bestStatic: number;
}

export async function run(draws = DRAWS): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pitwall-doctor-bench-'));
  const scores: Scores[][] = GOALS.map(() => []);
  try {
    for (let draw = 1; draw <= draws; draw += 1) {
      const { card } = await measureMachine();
      if (card === undefined) throw new Error('the machine could not be measured');
      const rows = await firstRows(join(folder, `${draw}.jsonl`), draw);
      for (const [index, goal] of GOALS.entries()) {
        const score = await scoreOf(rows, card, { goal });
        scores[index]?.push(score);
        console.error(`draw ${draw}, load ${loadavg()[0]?.toFixed(1)}, ${goal}: ${JSON.stringify(score)}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return GOALS.flatMap((goal, index) => rowsOf(goal, scores[index] ?? []));
}

async function firstRows(trace: string, seed: number): Promise<readonly TraceRow[]> {
  const scenario = { seed, sizes: [1024] };
  const report = { html: undefined, json: false, script: undefined, command: 'read' };
  await runBench({ ...report, scenario, trace, rows: FIRST });
  return (await readTraceFile(trace)).rows;
}

async function scoreOf(rows: readonly TraceRow[], card: MachineCard, options: ReplayTraceOptions): Promise<Scores> {
  // The goal about each transfer is scored as such.
  const score = options.goal === 'minimize_latency' ? 'slowdown' : 'regret';
  const replays = async (more: ReplayTraceOptions): Promise<readonly [own: number, tenMb: number, best: number]> => {
    const own: number[] = [];
    let last: Awaited<ReturnType<typeof replayTrace>> | undefined;
    for (const seed of SEEDS) {
      last = await replayTrace(rows, { ...options, ...more, seed });
      own.push(last[score].pitwall);
    }
    return [middle(own), last?.[score].default10Mb ?? Number.NaN, last?.[score].bestStatic ?? Number.NaN];
  };
  const [withCard, default10Mb, bestStatic] = await replays({ card });
  const [constants] = await replays({});
  return { card: withCard, constants, default10Mb, bestStatic };
}

function rowsOf(goal: string, scores: readonly Scores[]): BenchRow[] {
  const of = (name: keyof Scores): number => middle(scores.map((score) => score[name]));
  const what = goal === 'minimize_latency' ? 'slowdown' : 'total time / oracle';
  const value = of('card');
  return [
    {
      name: `first ${FIRST}, ${goal}: ${what}, card`,
      value,
      unit: 'x',
      peer: { name: '10 MB threshold', value: of('default10Mb') },
      bar: `<= ${BAR}`,
      holds: value <= BAR,
    },
    { name: `first ${FIRST}, ${goal}: ${what}, constants`, value: of('constants'), unit: 'x' },
    { name: `first ${FIRST}, ${goal}: ${what}, best threshold in hindsight`, value: of('bestStatic'), unit: 'x' },
  ];
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
