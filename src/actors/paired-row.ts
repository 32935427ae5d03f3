/** Transfers by both lanes, measured in pairs: rows of a trace that can be replayed. */
import type { Method } from '../decision/types.ts';
import type { TraceMix, TracePayload, TraceRun } from '../metrics/analysis/benchmark/trace-mix.ts';
import { encodePayload } from '../transports/payload.ts';
import type { TransferCost } from '../transports/types.ts';
import { type BenchmarkLanes, type SentTransfer, sendOne } from './benchmark-burst.ts';
import { madeUpPayload } from './benchmark-payloads.ts';

/** As `docs/benchmarks.md` has it; `parseTrace` reads it. */
export interface PairedRow {
  readonly t: number;
  readonly pool: string;
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly compression: 'none' | 'gzip';
  readonly inFlight: number;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  readonly warmBytes: number;
  readonly grpc: PairedLane;
  readonly zeroCopy: PairedLane;
  readonly meta: { readonly first: Method; readonly runWidth: number };
}

export interface PairedLane {
  /** Median of the sends. */
  readonly latencyUs: number;
  readonly sendsUs: readonly number[];
  /** Of the host, in the median send; of a burst shared out by size. */
  readonly cpuUs: number;
  readonly serializeUs: number | undefined;
  readonly setupUs: number | undefined;
  readonly transportUs: number | undefined;
  readonly workerUs: number | undefined;
  readonly cleanupUs: number | undefined;
}

export interface PairingOptions {
  readonly lanes: BenchmarkLanes;
  readonly seed: number;
  /** Sends per lane. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Milliseconds since the trace began. */
  readonly atMs: () => number;
  readonly sample: () => { readonly systemLoad: number | undefined; readonly availableMemory: number | undefined };
}

export interface PairedRun {
  readonly rows: readonly PairedRow[];
  /** Transfers of which a lane failed: they have no row. */
  readonly failed: number;
  readonly busyMs: number;
}

/** Sends a run by both lanes, `rounds` times each, which lane goes first drawn anew. Rejects only with the signal's reason. */
export async function sendPaired(run: TraceRun, mix: TraceMix, options: PairingOptions): Promise<PairedRun> {
  const startedMs = options.atMs();
  const warmBytes = mix.warmBytes(startedMs);
  const machine = options.sample();
  const transfers = await Promise.all(run.transfers.map((payload) => prepared(payload, options.seed)));
  const inFlightBytes = transfers
    .map(({ dataSize }) => dataSize)
    .sort((a, b) => b - a)
    .slice(0, run.width);
  const warm = inFlightBytes.reduce((sum, bytes) => sum + bytes, 0) <= warmBytes;
  const sends: Record<Method, Pass[]> = { grpc: [], zero_copy: [] };
  const orders = mix.orders(options.rounds);
  for (const grpcFirst of orders) {
    for (const lane of grpcFirst ? (['grpc', 'zero_copy'] as const) : (['zero_copy', 'grpc'] as const)) {
      options.signal.throwIfAborted();
      sends[lane].push(await pass(transfers, lane, run.width, warm, options));
    }
  }
  const endedMs = options.atMs();
  const totalBytes = transfers.reduce((sum, { dataSize }) => sum + billedBytes(dataSize), 0);
  const rows = transfers.flatMap((transfer, index): PairedRow[] => {
    const share = billedBytes(transfer.dataSize) / totalBytes;
    const grpc = laneOf(sends.grpc, index, share);
    const zeroCopy = laneOf(sends.zero_copy, index, share);
    if (grpc === undefined || zeroCopy === undefined) return [];
    return [
      {
        t: rounded(startedMs + ((endedMs - startedMs) * index) / transfers.length),
        pool: transfer.pool,
        dataSize: transfer.dataSize,
        dataType: transfer.dataType,
        format: transfer.format,
        compression: transfer.compression ? 'gzip' : 'none',
        inFlight: Math.min(index + 1, run.width),
        systemLoad: machine.systemLoad,
        availableMemory: machine.availableMemory,
        warmBytes,
        grpc,
        zeroCopy,
        meta: { first: orders[0] ? 'grpc' : 'zero_copy', runWidth: run.width },
      },
    ];
  });
  return { rows, failed: transfers.length - rows.length, busyMs: endedMs - startedMs };
}

interface Prepared extends TracePayload {
  readonly payload: unknown;
}

/** The size as it is encoded, which is what travels. */
async function prepared(asked: TracePayload, seed: number): Promise<Prepared> {
  const payload = await madeUpPayload(asked, seed);
  const { content } = await encodePayload(payload);
  return { ...asked, payload, dataSize: content.byteLength };
}

/** All transfers of a run by one lane, once. */
interface Pass {
  readonly sent: readonly SentTransfer[];
  /** CPU time of the host's process, microseconds. */
  readonly cpuUs: number;
}

async function pass(
  transfers: readonly Prepared[],
  lane: Method,
  width: number,
  warm: boolean,
  { lanes, signal, atMs }: PairingOptions,
): Promise<Pass> {
  const sent: SentTransfer[] = [];
  const before = process.cpuUsage();
  let next = 0;
  // A window that slides: whoever is done takes the next.
  const sender = async (): Promise<void> => {
    for (let index = next++; index < transfers.length; index = next++) {
      const transfer = transfers[index];
      if (transfer === undefined) return;
      const { payload, dataType, format, dataSize, compression, pool } = transfer;
      const memory = warm ? 'warm' : 'cold';
      const cell = { dataType, format, dataSize, compression, concurrency: width, memory } as const;
      sent[index] = (await sendOne({ lanes, lane, cell, payload, pool, signal, elapsedMs: atMs })).transfer;
    }
  };
  await Promise.all(Array.from({ length: width }, sender));
  const { user, system } = process.cpuUsage(before);
  return { sent, cpuUs: user + system };
}

/** The CPU of a burst is shared out by size, plus what any transfer costs. */
function billedBytes(dataSize: number): number {
  return dataSize + 65_536;
}

/** One transfer's sends by one lane; undefined where one of them failed. */
function laneOf(passes: readonly Pass[], index: number, share: number): PairedLane | undefined {
  const sends = passes.flatMap(({ sent, cpuUs }) => {
    const transfer = sent[index];
    return transfer?.latencyUs === undefined ? [] : [{ latencyUs: transfer.latencyUs, cost: transfer.cost, cpuUs }];
  });
  if (sends.length < passes.length) return undefined;
  const middle = [...sends].sort((a, b) => a.latencyUs - b.latencyUs)[sends.length >> 1];
  if (middle === undefined) return undefined;
  return {
    latencyUs: rounded(middle.latencyUs),
    sendsUs: sends.map(({ latencyUs }) => rounded(latencyUs)),
    cpuUs: Math.round(middle.cpuUs * share),
    ...partsOf(middle.cost),
  };
}

function partsOf(cost: Partial<TransferCost>): Omit<PairedLane, 'latencyUs' | 'sendsUs' | 'cpuUs'> {
  const part = (us: number | undefined): number | undefined => (us === undefined ? undefined : rounded(us));
  return {
    serializeUs: part(cost.serializeUs),
    setupUs: part(cost.setupUs),
    transportUs: part(cost.transportUs),
    workerUs: part(cost.workerUs),
    cleanupUs: part(cost.cleanupUs),
  };
}

/** To a tenth of a microsecond or millisecond: less than that is not measured. */
function rounded(value: number): number {
  return Math.max(0.1, Math.round(value * 10) / 10);
}
