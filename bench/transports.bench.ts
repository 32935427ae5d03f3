/**
 * Both lanes by size, warm and cold, against gRPC as it comes (one message, default windows) and the machine's memcpy. Each figure is the median
 * of interleaved transfers of one run.
 */
import { type Runtime, startRuntime } from 'pitwall';
import { startWorkerPool, tensor, type WorkerPool } from 'pitwall/transports';
import { type BenchRow, medianMs, percentile } from './row.ts';
import { PlainGrpc } from './transports-grpc.ts';

const KIB = 1024;
const MIB = 2 ** 20;
const SIZES = [4 * KIB, 64 * KIB, MIB, 10 * MIB, 100 * MIB];
const SCRIPT = new URL('../examples/main-job/worker.js', import.meta.url);

export async function run(): Promise<BenchRow[]> {
  const runtime = await startRuntime({ dataDir: false, logger: false, pools: ['grpc', 'warm', 'cold'].map(fixedPool) });
  const plain = await PlainGrpc.start();
  try {
    const rows: BenchRow[] = [];
    for (const size of SIZES) rows.push(...(await lanesAt(runtime, plain, size)));
    return rows;
  } finally {
    plain.close();
    await runtime.shutdown();
  }
}

/** A pool whose lane is fixed, so that the lane is measured and not the choice. */
function fixedPool(name: string) {
  const lane = name === 'grpc' ? ('grpc' as const) : ('zero_copy' as const);
  return { name, explorationRate: 0, customRules: [{ name: 'fixed', decide: () => lane }] };
}

async function lanesAt(runtime: Runtime, plain: PlainGrpc, size: number): Promise<BenchRow[]> {
  const payload = tensor(new Float32Array(size / 4).fill(1.5));
  const rounds = size >= 100 * MIB ? 7 : 41;
  const pools = {
    grpc: await startWorkerPool(runtime, { pool: 'grpc', script: SCRIPT, arenaBytes: 0 }),
    warm: await startWorkerPool(runtime, { pool: 'warm', script: SCRIPT }),
  };
  const times: Record<'plain' | 'grpc' | 'warm' | 'cold', number[]> = { plain: [], grpc: [], warm: [], cold: [] };
  const bytes = new Uint8Array(payload.data.buffer);
  const send = async (workers: WorkerPool, into: number[]): Promise<void> => {
    const startMs = performance.now();
    // An unknown command: the payload travels and is unpacked, no handler's work is in the figure.
    await workers.execute('digestNothing', payload).catch(() => undefined);
    into.push(performance.now() - startMs);
  };
  for (const workers of Object.values(pools)) for (let i = 0; i < 3; i += 1) await send(workers, []);
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    await plain.send(bytes);
    times.plain.push(performance.now() - startMs);
    await send(pools.grpc, times.grpc);
    await send(pools.warm, times.warm);
  }
  for (let round = 0; round < 3; round += 1) {
    const cold = await startWorkerPool(runtime, { pool: 'cold', script: SCRIPT });
    await send(cold, times.cold);
    await cold.close();
  }
  for (const workers of Object.values(pools)) await workers.close();
  const source = new Uint8Array(size).fill(1);
  const target = new Uint8Array(size).fill(2);
  const memcpy = await medianMs(rounds, () => target.set(source));
  const label = size >= MIB ? `${size / MIB} MiB` : `${size / KIB} KiB`;
  const medianOf = (lane: keyof typeof times): number =>
    percentile(
      times[lane].sort((a, b) => a - b),
      0.5,
    );
  const row = (lane: keyof typeof times, name: string, peer: BenchRow['peer']): BenchRow => ({
    name: `${label} by ${name}`,
    value: medianOf(lane),
    unit: 'ms',
    peer,
  });
  const plainPeer = { name: 'gRPC as it comes', value: medianOf('plain') };
  return [
    row('grpc', 'gRPC', plainPeer),
    row('warm', 'zero-copy, warm', plainPeer),
    row('warm', 'zero-copy, warm', { name: 'memcpy', value: memcpy }),
    row('cold', 'zero-copy, first use', plainPeer),
  ];
}
