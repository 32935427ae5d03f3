/** Runs `pitwall bench`: a runtime in memory, a worker process, and either the report or the trace. */
import { writeFile } from 'node:fs/promises';
import type { BenchmarkJob } from '../facade/benchmark.ts';
import { benchmarkHtml } from '../facade/benchmark-page.ts';
import { benchmarkText } from '../metrics/analysis/benchmark/text.ts';
import type { BenchmarkReport, BenchmarkScenario, EndReason } from '../metrics/analysis/benchmark/types.ts';
import { startRuntime } from '../runtime.ts';
import { benchmarkWorkerScript } from '../transports/worker-file.ts';
import { startWorkerPool, type WorkerPool } from '../transports/worker-pool.ts';
import { recordTrace } from './bench-trace.ts';
import { EXIT } from './command.ts';
import { ProgressLine } from './progress-line.ts';

export interface BenchCall {
  readonly scenario: BenchmarkScenario;
  /** Default: pitwall's own. */
  readonly script: string | undefined;
  readonly command: string;
  readonly html: string | undefined;
  readonly json: boolean;
  readonly trace: string | undefined;
  readonly rows: number;
}

/** @returns the exit code */
export async function runBench(call: BenchCall): Promise<number> {
  const { scenario } = call;
  const interrupted = interruption();
  const runtime = await startRuntime({ dataDir: false, logger: false });
  try {
    const script = call.script ?? benchmarkWorkerScript();
    const workers = await startWorkerPool(runtime, { pool: POOL, script, arenaBytes: ARENA_BYTES });
    const lanes = workers.lanes(call.command);
    if (call.trace !== undefined) {
      await untilWarm(workers, interrupted);
      const { seed = 1, share = 1 } = scenario;
      return await recordTrace({ lanes, file: call.trace, rows: call.rows, seed, share, signal: interrupted });
    }
    const job = await runtime.analyzer.runBenchmark(scenario, lanes, { signal: interrupted });
    const seconds = (scenario.timeLimitMs ?? 0) / 1000;
    console.error(`measuring for at most ${seconds} s; an interrupt ends it with what there is`);
    const report = await watched(job);
    await show(report, call.json, call.html);
    return EXITS[report.ended.reason] ?? EXIT.ok;
  } finally {
    await runtime.shutdown();
  }
}

const POOL = 'bench';
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

async function show(report: BenchmarkReport, json: boolean, html: string | undefined): Promise<void> {
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
