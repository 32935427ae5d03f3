/**
 * What production notices of a benchmark beside it: the same worker, a client, and a benchmark at 5 % of one core on and off by turns whose order
 * changes (on, off, off, on), so that what drifts meanwhile meets both alike. One client sends every 5 milliseconds, as services do that have room;
 * one without a pause, which takes what the benchmark leaves. While nothing else runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Runtime, startRuntime } from 'pitwall';
import { startWorkerPool, type WorkerPool } from 'pitwall/transports';
import { atMost, type BenchRow, percentile } from './row.ts';

const KIB = 1024;
const SCRIPT = new URL('../examples/main-job/worker.js', import.meta.url);
const COMMAND = 'normalize';
const PAYLOAD = new Float32Array((64 * KIB) / 4).fill(1);
const SIZES = [4 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB];
const ORDER = [true, false, false, true, false, true, true, false];
const TURN_MS = 3_000;
const WARM_UP_MS = 5_000;

/** Milliseconds between two transfers, by client. */
const CLIENTS = { 'every 5 ms': 5, 'without a pause': 0 } as const;

export async function run(): Promise<BenchRow[]> {
  const runtime = await startRuntime({ dataDir: false, logger: false });
  try {
    const workers = await startWorkerPool(runtime, { pool: 'ml', script: SCRIPT });
    const rows: BenchRow[] = [];
    for (const [client, pauseMs] of Object.entries(CLIENTS))
      rows.push(...(await beside(runtime, workers, client, pauseMs)));
    return rows;
  } finally {
    await runtime.shutdown();
  }
}

async function beside(runtime: Runtime, workers: WorkerPool, client: string, pauseMs: number): Promise<BenchRow[]> {
  const during: number[] = [];
  const alone: number[] = [];
  await produce(workers, WARM_UP_MS, pauseMs);
  let busyMs = 0;
  let elapsedMs = 0;
  for (const withBenchmark of ORDER) {
    if (!withBenchmark) {
      alone.push(...(await produce(workers, TURN_MS, pauseMs)));
      continue;
    }
    const scenario = { pool: 'ml', sizes: SIZES, repetitions: 10_000, impactTolerance: false as const };
    const job = await runtime.analyzer.runBenchmark(scenario, workers.lanes(COMMAND));
    during.push(...(await produce(workers, TURN_MS, pauseMs)));
    job.cancel();
    const report = await job.result;
    busyMs += report.busyMs;
    elapsedMs += report.elapsedMs;
  }
  return [
    atMost(`${client}: share of one core that the benchmark took`, busyMs / elapsedMs, '', 0.055),
    atMost(`${client}: time of a transfer, to without`, mean(during) / mean(alone), '', 1.05),
    ...[0.5, 0.9, 0.99].map((share) => compared(`${client}: p${share * 100} of a transfer`, during, alone, share)),
  ];
}

/** Latencies of transfers one after the other, milliseconds. */
async function produce(workers: WorkerPool, forMs: number, pauseMs: number): Promise<number[]> {
  const latencies: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const startedMs = performance.now();
    await workers.execute(COMMAND, PAYLOAD);
    latencies.push(performance.now() - startedMs);
    if (pauseMs > 0) await sleep(pauseMs);
  }
  return latencies;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function compared(name: string, during: readonly number[], alone: readonly number[], share: number): BenchRow {
  const at = (values: readonly number[]): number => percentile(Float64Array.from(values).sort(), share);
  return { name, value: at(during), unit: 'ms', peer: { name: 'alone', value: at(alone) } };
}
