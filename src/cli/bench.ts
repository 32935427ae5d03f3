/** `pitwall bench`: both lanes measured against each other on this machine, with a worker of its own; or a paired trace to replay. */
import { writeFile } from 'node:fs/promises';
import type { BenchmarkJob } from '../facade/benchmark.ts';
import { benchmarkHtml } from '../facade/benchmark-page.ts';
import { benchmarkText } from '../metrics/analysis/benchmark/text.ts';
import type { BenchmarkReport, EndReason } from '../metrics/analysis/benchmark/types.ts';
import { startRuntime } from '../runtime.ts';
import { benchmarkWorkerScript } from '../transports/worker-file.ts';
import { startWorkerPool, type WorkerPool } from '../transports/worker-pool.ts';
import { readScenario, SCENARIO_OPTIONS } from './bench-scenario.ts';
import { recordTrace } from './bench-trace.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { ProgressLine } from './progress-line.ts';
import { readNumber } from './read-option.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    ...SCENARIO_OPTIONS,
    script: { type: 'string', value: 'FILE', meaning: "a worker script of your own; default one of pitwall's" },
    command: {
      type: 'string',
      value: 'NAME',
      default: 'read',
      meaning: "the command that is sent; pitwall's script has read, hash and echo",
    },
    html: { type: 'string', value: 'FILE', meaning: 'writes the report as a page with charts, which needs no network' },
    json: { type: 'boolean', default: false, meaning: 'one JSON object in place of the tables' },
    trace: {
      type: 'string',
      value: 'FILE',
      meaning: 'in place of a report: transfers by both lanes, for pitwall replay',
    },
    rows: { type: 'string', value: 'N', meaning: 'transfers of a trace; default 2000' },
  },
  notes: [
    'Starts a runtime in memory and one worker process, measures every configuration by both lanes in an order drawn anew each round, and',
    'ends after --seconds, or with an interrupt: what was measured until then is reported.',
    '',
    'A trace (JSON lines, compressed where FILE ends in .gz) holds a mixture of sizes, types, compression, bursts, warm and cold memory;',
    'each payload goes through both lanes three times. Options of the scenario other than --seed and --share do not apply to it.',
    '',
    'Exit codes: 0; 1 where every transfer failed; 2 for a wrong call.',
  ],
  examples: [
    ['pitwall bench', 'tensors of six sizes into warm and cold memory, twenty seconds'],
    ['pitwall bench --types tensor,json --sizes 16KiB,256KiB,4MiB --concurrency 1,4 --html report.html', 'with charts'],
    ['pitwall bench --share 0.05 --seconds 300', 'beside services that must not notice'],
    ['pitwall bench --trace machine.jsonl.gz --rows 4000', 'then: pitwall replay machine.jsonl.gz'],
  ],
  async run(values) {
    if (values.rows !== undefined && values.trace === undefined) throw new UsageError('--rows: goes with --trace');
    if (values.trace !== undefined && (values.html !== undefined || values.json)) {
      throw new UsageError('--trace: writes no report, so that --html and --json do not go with it');
    }
    const scenario = readScenario(values);
    const rows = Math.round(readNumber('--rows', values.rows, 1) ?? DEFAULT_ROWS);
    const interrupted = interruption();
    const runtime = await startRuntime({ dataDir: false, logger: false });
    try {
      const workers = await startWorkerPool(runtime, {
        pool: POOL,
        script: values.script ?? benchmarkWorkerScript(),
        arenaBytes: ARENA_BYTES,
      });
      const lanes = workers.lanes(values.command);
      const { trace: file } = values;
      if (file !== undefined) {
        await untilWarm(workers, interrupted);
        const { seed, share } = scenario;
        return await recordTrace({ lanes, file, rows, seed: seed ?? 1, share: share ?? 1, signal: interrupted });
      }
      const job = await runtime.analyzer.runBenchmark(scenario, lanes, { signal: interrupted });
      const report = await watched(job);
      await show(report, values.json, values.html);
      return EXITS[report.ended.reason] ?? EXIT.ok;
    } finally {
      await runtime.shutdown();
    }
  },
});

const POOL = 'bench';
const DEFAULT_ROWS = 2_000;
/** Room for the largest payloads, warm ones and cold ones beside them: a bound, not a reservation. */
const ARENA_BYTES = 1024 * 2 ** 20;
const EXITS: Readonly<Partial<Record<EndReason, number>>> = { failing: EXIT.no };

/** The first interrupt ends the measuring; the second, as always, the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(new Error(name)));
  return controller.signal;
}

async function watched(job: BenchmarkJob): Promise<BenchmarkReport> {
  const line = new ProgressLine(process.stderr);
  let transfers = 0;
  for await (const progress of job) {
    transfers = progress.transfers;
    line.show({ done: progress.done, total: 1, unit: 'transfers', count: transfers });
  }
  line.end(`${transfers} transfers`);
  return job.result;
}

async function show(report: BenchmarkReport, json: boolean | undefined, html: string | undefined): Promise<void> {
  if (json) console.log(JSON.stringify(report));
  else process.stdout.write(benchmarkText(report));
  if (html === undefined) return;
  await writeFile(html, await benchmarkHtml(report));
  console.error(`charts: ${html}`);
}

/** What a pool warms up in idle time; a trace that says `warm` before would not be true. */
const WARM_BYTES = 64 * 2 ** 20;
const WARM_WITHIN_MS = 10_000;

async function untilWarm(workers: WorkerPool, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + WARM_WITHIN_MS;
  const warm = (): boolean => {
    const { arena } = workers.status();
    return arena === undefined || arena.warmTotalBytes >= WARM_BYTES;
  };
  while (!warm() && performance.now() < endMs && !signal.aborted) await new Promise((done) => setTimeout(done, 20));
  // The worker follows a while behind its host: a MiB every 10 ms.
  if (!signal.aborted) await new Promise((done) => setTimeout(done, FOLLOW_MS));
}

const FOLLOW_MS = 800;
