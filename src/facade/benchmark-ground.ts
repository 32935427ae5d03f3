/** Where a benchmark measures: lanes of the host's, or a worker of its own. */
import type { BenchmarkLanes } from '../actors/benchmark-burst.ts';
import type { BenchmarkPlan } from '../metrics/analysis/benchmark/types.ts';
import type { RuntimePort } from '../transports/runtime-port.ts';

/** Lanes to measure, and how to leave them. */
export interface Ground {
  readonly lanes: BenchmarkLanes;
  readonly leave: () => Promise<void>;
}

const MIB = 2 ** 20;
const LEAST_ARENA = 256 * MIB;
const MOST_ARENA = 4096 * MIB;

/** A worker process of the benchmark's own, of which decisions hear nothing. */
export async function ownGround(
  port: RuntimePort,
  id: string,
  plan: BenchmarkPlan,
  command: 'read' | 'hash' | 'echo',
): Promise<Ground> {
  const { startWorkerPool } = await import('../transports/worker-pool.ts');
  const { benchmarkWorkerScript } = await import('../transports/worker-file.ts');
  // Warm slices and cold ones beside them, of as many payloads as are in flight.
  const wanted = 3 * Math.max(...plan.sizes) * Math.max(...plan.concurrency) + 64 * MIB;
  const workers = await startWorkerPool(
    { port: { ...port, publishTransport: () => undefined } },
    {
      pool: id,
      script: benchmarkWorkerScript(),
      arenaBytes: Math.min(MOST_ARENA, Math.max(LEAST_ARENA, wanted)),
    },
  );
  return { lanes: workers.lanes(command), leave: () => workers.close({ drainMs: 0 }) };
}
