/**
 * What production notices of a benchmark beside it: the same worker, a client that sends without a pause, and a benchmark at 5 % of one core on and
 * off by turns whose order changes (on, off, off, on), so that what drifts meanwhile meets both alike. While nothing else runs.
 */
import { startRuntime } from 'pitwall';
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

export async function run(): Promise<BenchRow[]> {
  const runtime = await startRuntime({ dataDir: false, logger: false });
  try {
    const workers = await startWorkerPool(runtime, { pool: 'ml', script: SCRIPT });
    const beside: number[] = [];
    const alone: number[] = [];
    await produce(workers, WARM_UP_MS);
    let busyMs = 0;
    let elapsedMs = 0;
    for (const withBenchmark of ORDER) {
      if (!withBenchmark) {
        alone.push(...(await produce(workers, TURN_MS)));
        continue;
      }
      const scenario = { pool: 'ml', sizes: SIZES, repetitions: 10_000, impactTolerance: false as const };
      const job = await runtime.analyzer.runBenchmark(scenario, workers.lanes(COMMAND));
      beside.push(...(await produce(workers, TURN_MS)));
      job.cancel();
      const report = await job.result;
      busyMs += report.busyMs;
      elapsedMs += report.elapsedMs;
    }
    return [
      atMost('impact: share of one core that the benchmark took', busyMs / elapsedMs, '', 0.055),
      atMost('impact: time that production takes, to without', mean(beside) / mean(alone), '', 1.05),
      compared('p50', beside, alone, 0.5),
      compared('p90', beside, alone, 0.9),
      compared('p99', beside, alone, 0.99),
    ];
  } finally {
    await runtime.shutdown();
  }
}

/** Latencies of transfers one after the other, milliseconds. */
async function produce(workers: WorkerPool, forMs: number): Promise<number[]> {
  const latencies: number[] = [];
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const startedMs = performance.now();
    await workers.execute(COMMAND, PAYLOAD);
    latencies.push(performance.now() - startedMs);
  }
  return latencies;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function compared(name: string, beside: readonly number[], alone: readonly number[], share: number): BenchRow {
  const at = (values: readonly number[]): number => percentile(Float64Array.from(values).sort(), share);
  return {
    name: `impact: production's ${name} beside it`,
    value: at(beside),
    unit: 'ms',
    peer: { name: 'alone', value: at(alone) },
  };
}
