/**
 * What production notices of a benchmark beside it: the same worker, a benchmark at 5 % of one core on and off by turns.
 * `npm run build && node scripts/run-ts.js bench/impact.bench.ts`, about a minute; while nothing else runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startRuntime } from 'pitwall';
import { startWorkerPool, type WorkerPool } from 'pitwall/transports';
import { atMost, type BenchRow, percentile } from './row.ts';

const KIB = 1024;
const SCRIPT = new URL('../examples/main-job/worker.js', import.meta.url);
const COMMAND = 'normalize';
const PAYLOAD = new Float32Array((64 * KIB) / 4).fill(1);
const SIZES = [4 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB];
const TURNS = 6;
const TURN_MS = 4_500;
const BETWEEN_MS = 8;

export async function run(): Promise<BenchRow[]> {
  const runtime = await startRuntime({ dataDir: false, logger: false });
  try {
    const workers = await startWorkerPool(runtime, { pool: 'ml', script: SCRIPT });
    const beside: number[] = [];
    const alone: number[] = [];
    await produce(workers, 2_000);
    let busyMs = 0;
    let elapsedMs = 0;
    for (let turn = 0; turn < TURNS; turn += 1) {
      const scenario = { pool: 'ml', sizes: SIZES, repetitions: 10_000, impactTolerance: false as const };
      const job = await runtime.analyzer.runBenchmark(scenario, workers.lanes(COMMAND));
      beside.push(...(await produce(workers, TURN_MS)));
      job.cancel();
      const report = await job.result;
      busyMs += report.busyMs;
      elapsedMs += report.elapsedMs;
      alone.push(...(await produce(workers, TURN_MS)));
    }
    return [
      atMost('impact: share of one core that the benchmark took', busyMs / elapsedMs, '', 0.055),
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
  for (const endMs = performance.now() + forMs; performance.now() < endMs; await sleep(BETWEEN_MS)) {
    const startedMs = performance.now();
    await workers.execute(COMMAND, PAYLOAD);
    latencies.push(performance.now() - startedMs);
  }
  return latencies;
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

if (process.argv[1]?.endsWith('impact.bench.mjs')) {
  for (const { name, value, unit, peer, bar, holds } of await run()) {
    const ratio =
      peer === undefined ? '' : `  ${peer.name} ${peer.value.toFixed(3)}, ratio ${(value / peer.value).toFixed(3)}`;
    console.log(`${name.padEnd(56)} ${value.toFixed(3).padStart(8)} ${unit}${ratio}${bar ? `  ${bar}: ${holds}` : ''}`);
  }
}
