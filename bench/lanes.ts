/**
 * Times of both lanes by size, beside gRPC as it comes, the machine's memcpy, and a message without a payload. Each kind of transfer takes its turn in
 * each round, a few transfers at a time, in an order that moves on; a figure is the median of all of a kind.
 */
import { type Runtime, startRuntime } from 'pitwall';
import { startWorkerPool, type WorkerPool } from 'pitwall/transports';
import { percentile } from './row.ts';
import { SocketEcho } from './socket-echo.ts';
import { PlainGrpc } from './transports-grpc.ts';

const KIB = 1024;
const MIB = 2 ** 20;
const SIZES: readonly number[] = [
  KIB,
  4 * KIB,
  16 * KIB,
  64 * KIB,
  256 * KIB,
  MIB,
  4 * MIB,
  10 * MIB,
  32 * MIB,
  100 * MIB,
];
const POOL = 'lanes';
const COMMAND = 'nothing';
const SCRIPT = new URL('lanes-worker.js', import.meta.url);
/** What stands for no payload: it lies in shared memory already, and has no size to speak of. */
const EMPTY = 64;

export type Kind = 'echo' | 'empty' | 'inPlace' | 'zeroCopy' | 'grpc' | 'plain' | 'memcpy';

export interface LanesAt {
  readonly size: number;
  /** Medians, milliseconds. */
  readonly ms: Readonly<Record<Kind, number>>;
  /** What pitwall chooses, having learned from its own traffic of all sizes, and what that lane takes beside the faster one. */
  readonly chosen: 'grpc' | 'zero_copy';
  readonly chosenOverBetter: number;
}

export async function measureLanes(sizes = SIZES): Promise<LanesAt[]> {
  const pool = { name: POOL, goal: 'minimize_latency' as const, minimumThresholdMb: 0.001 };
  const runtime = await startRuntime({ dataDir: false, logger: false, pools: [pool] });
  const [plain, echo] = await Promise.all([PlainGrpc.start(), SocketEcho.start()]);
  try {
    const workers = await startWorkerPool(runtime, { pool: POOL, script: SCRIPT, arenaBytes: 512 * MIB });
    await learn(workers, sizes);
    const measured: LanesAt[] = [];
    for (const size of sizes) measured.push(await lanesAt({ runtime, workers, plain, echo }, size));
    return measured;
  } finally {
    plain.close();
    echo.close();
    await runtime.shutdown();
  }
}

/** What a service would send meanwhile: many small ones, some large. */
async function learn(workers: WorkerPool, sizes: readonly number[]): Promise<void> {
  const payloads = sizes.map((size) => Buffer.alloc(size, 1));
  for (let round = 0; round < 60; round += 1) {
    for (const payload of payloads) {
      if (payload.byteLength > 4 * MIB && round % 6 !== 0) continue;
      await workers.execute(COMMAND, payload);
    }
  }
}

interface Ground {
  readonly runtime: Runtime;
  readonly workers: WorkerPool;
  readonly plain: PlainGrpc;
  readonly echo: SocketEcho;
}

async function lanesAt({ runtime, workers, plain, echo }: Ground, size: number): Promise<LanesAt> {
  const payload = Buffer.alloc(size, 1);
  const target = Buffer.alloc(size, 2);
  using empty = runtime.allocate(POOL, EMPTY);
  using built = runtime.allocate(POOL, size);
  built.bytes.set(payload);
  const lanes = workers.lanes(COMMAND);
  const context = { signal: undefined, report: () => undefined, ignore: () => undefined };
  const kinds: Record<Kind, () => unknown> = {
    echo: () => echo.roundTrip(),
    empty: () => lanes.zeroCopy(empty.bytes, context),
    inPlace: () => lanes.zeroCopy(built.bytes, context),
    zeroCopy: () => lanes.zeroCopy(payload, context),
    grpc: () => lanes.grpc(payload, context),
    plain: () => plain.send(payload),
    memcpy: () => target.set(payload),
  };
  const times = await inTurns(kinds, size >= 32 * MIB ? 7 : 40, size > MIB ? 1 : 8);
  const chosen = choiceOf(runtime, payload);
  const ms = medians(times);
  return {
    size,
    ms,
    chosen,
    chosenOverBetter: (chosen === 'grpc' ? ms.grpc : ms.zeroCopy) / Math.min(ms.grpc, ms.zeroCopy),
  };
}

/** The first of each turn does not count: what ran before it has had the caches. */
async function inTurns(
  kinds: Readonly<Record<Kind, () => unknown>>,
  rounds: number,
  batch: number,
): Promise<Readonly<Record<Kind, number[]>>> {
  const times: Record<Kind, number[]> = {
    echo: [],
    empty: [],
    inPlace: [],
    zeroCopy: [],
    grpc: [],
    plain: [],
    memcpy: [],
  };
  const order = keysOf(kinds);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of order) {
      for (let sent = 0; sent <= batch; sent += 1) {
        const startMs = performance.now();
        await kinds[kind]();
        if (sent > 0) times[kind].push(performance.now() - startMs);
      }
    }
    order.push(...order.splice(0, 1));
  }
  return times;
}

/** The lane of most decisions: some are explorations. */
function choiceOf(runtime: Runtime, data: Uint8Array): 'grpc' | 'zero_copy' {
  let zeroCopy = 0;
  const decisions = 51;
  for (let asked = 0; asked < decisions; asked += 1) {
    if (runtime.decideTransferMethod({ pool: POOL, data }).method === 'zero_copy') zeroCopy += 1;
  }
  return zeroCopy * 2 > decisions ? 'zero_copy' : 'grpc';
}

function medians(times: Readonly<Record<Kind, number[]>>): Record<Kind, number> {
  const median = (kind: Kind): number => percentile(Float64Array.from(times[kind]).sort(), 0.5);
  return {
    echo: median('echo'),
    empty: median('empty'),
    inPlace: median('inPlace'),
    zeroCopy: median('zeroCopy'),
    grpc: median('grpc'),
    plain: median('plain'),
    memcpy: median('memcpy'),
  };
}

function keysOf(kinds: Readonly<Record<Kind, unknown>>): Kind[] {
  return Object.keys(kinds) as Kind[]; // the keys of a record are its keys
}
