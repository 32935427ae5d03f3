/** What the caller of a decision waits for: the design's figures for what exists. */
import { type Runtime, startRuntime } from 'pitwall';
import { startWorkerPool, tensor } from 'pitwall/transports';
import { atLeast, atMost, type BenchRow, medianMs, percentile } from './row.ts';

const CALLS = 200_000;
const QUICK = { pool: 'ml', dataSize: 500, dataType: 'tensor', format: 'numpy' } as const;
const DETAILED = { pool: 'ml', dataSize: 5_000_000, dataType: 'tensor', format: 'numpy' } as const;

export async function run(): Promise<BenchRow[]> {
  const runtime = await startRuntime({
    dataDir: false,
    logger: false,
    pools: [{ name: 'ml', minimumThresholdMb: 0.001 }],
  });
  try {
    await learn(runtime);
    const quick = await percentiles(() => runtime.decideTransferMethod(QUICK));
    const detailed = await percentiles(() => runtime.decideTransferMethod(DETAILED));
    return [
      atMost('quick path, p50', quick.p50, 'us', 1),
      { name: 'quick path, p99', value: quick.p99, unit: 'us' },
      atMost('decision by the cost model, p50', detailed.p50, 'us', 5),
      atMost('decision by the cost model, p99', detailed.p99, 'us', 20),
      atLeast(
        'decisions a second, one core',
        perSecond(() => runtime.decideTransferMethod(DETAILED)),
        '1/s',
        300_000,
      ),
      atMost('recording, seen by the caller, p50', await recording(runtime), 'us', 3),
      await transferOverhead(runtime),
    ];
  } finally {
    await runtime.shutdown();
  }
}

/** A model that knows both lanes: every decision below is a detailed one. */
async function learn(runtime: Runtime): Promise<void> {
  for (let i = 0; i < 2_000; i += 1) {
    const dataSize = 2 ** (12 + (i % 14));
    const { transferId, method } = runtime.decideTransferMethod({ ...DETAILED, dataSize });
    runtime.recordTransferMetrics(transferId, {
      latencyUs: method === 'grpc' ? 500 + dataSize / 300 : 700 + dataSize / 3_000,
    });
    if (i % 100 === 99) await runtime.flush();
  }
}

async function percentiles(call: () => unknown): Promise<{ p50: number; p99: number }> {
  for (let i = 0; i < CALLS; i += 1) call();
  await turn();
  const timesUs = new Float64Array(CALLS);
  for (let i = 0; i < CALLS; i += 1) {
    const startMs = performance.now();
    call();
    timesUs[i] = (performance.now() - startMs) * 1000;
    // Garbage is collected as in a host, but not by one endless turn of the event loop.
    if (i % 10_000 === 0) await turn();
  }
  timesUs.sort();
  return { p50: percentile(timesUs, 0.5), p99: percentile(timesUs, 0.99) };
}

function perSecond(call: () => unknown): number {
  const startMs = performance.now();
  for (let i = 0; i < CALLS; i += 1) call();
  return (CALLS / (performance.now() - startMs)) * 1000;
}

/** In rounds that the recorder can follow: what the caller waits for, not what happens when the queue is full. */
async function recording(runtime: Runtime): Promise<number> {
  const timesUs: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const ids = Array.from({ length: 1_000 }, () => runtime.decideTransferMethod(DETAILED).transferId);
    for (const id of ids) {
      const startMs = performance.now();
      runtime.recordTransferMetrics(id, { latencyUs: 1_000 });
      timesUs.push((performance.now() - startMs) * 1000);
    }
    await runtime.flush();
  }
  return percentile(
    timesUs.sort((a, b) => a - b),
    0.5,
  );
}

/**
 * What `transfer()` adds to moving 64 KB by gRPC: its time with lanes that resolve at once, over the median of a real transfer of the same run.
 */
async function transferOverhead(runtime: Runtime): Promise<BenchRow> {
  const lane = async (): Promise<number> => 1;
  const lanes = { zeroCopy: lane, grpc: lane };
  const request = { ...QUICK, dataSize: 64_000, data: undefined };
  const rounds = 200;
  const perRound = 50;
  const loopUs = await medianMs(rounds, async () => {
    for (let i = 0; i < perRound; i += 1) await runtime.transfer(request, lanes);
  });
  const bareUs = await medianMs(rounds, async () => {
    for (let i = 0; i < perRound; i += 1) await lane();
  });
  const addedUs = ((loopUs - bareUs) / perRound) * 1000;
  const workers = await startWorkerPool(runtime, {
    pool: 'overhead',
    script: new URL('../examples/main-job/worker.js', import.meta.url),
    arenaBytes: 0,
  });
  const payload = tensor(new Float32Array(16_000));
  for (let i = 0; i < 200; i += 1) await workers.execute('normalize', payload);
  const realUs = (await medianMs(500, () => workers.execute('normalize', payload))) * 1000;
  await workers.close();
  return {
    ...atMost('overhead of transfer() on 64 KB by gRPC', (100 * addedUs) / realUs, '%', 2),
    peer: { name: `${addedUs.toFixed(1)} us of`, value: realUs },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
