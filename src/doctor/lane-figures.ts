/** What transfers cost by both lanes: real payloads through a real pool to a real worker process, each lane forced in turn. */
import { type BenchmarkLanes, sendOne } from '../actors/benchmark-burst.ts';
import { madeUpPayload } from '../actors/benchmark-payloads.ts';
import type { Method } from '../decision/types.ts';
import { fitLine, type MeasuredSize } from '../learning/line-fit.ts';
import type { GrpcFigures, LaneLine, ZeroCopyFigures } from '../learning/machine-card.ts';
import { encodePayload } from '../transports/payload.ts';
import type { WorkerPool } from '../transports/worker-pool.ts';
import { type Probe, type Samples, sampleInTurn, typical } from './sampling.ts';

export interface LaneFigures {
  /** Undefined where the lane carried nothing. */
  readonly grpc: GrpcFigures | undefined;
  readonly zeroCopy: ZeroCopyFigures | undefined;
  readonly jsonUsPerByte: number | undefined;
  /** What kept a lane from working, each once. */
  readonly problems: readonly string[];
}

interface Cell {
  readonly lane: Method;
  readonly dataType: 'tensor' | 'json';
  readonly format: string;
  readonly dataSize: number;
  readonly compression: boolean;
  readonly memory: 'warm' | 'cold';
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const SIZES = [KIB, 64 * KIB, MIB, 4 * MIB];
/** Each with a warm size to compare with. */
const COLD_SIZES = [64 * KIB, MIB, 4 * MIB];
const GZIP_SIZES = [KIB, 256 * KIB];
const JSON_SIZE = 256 * KIB;
const TRANSFER_TIMEOUT_MS = 10_000;
/** Small transfers before the first that counts: until then it is the compiler that is measured. */
const WARM_UP_TRANSFERS = 60;
/** A microsecond, and 50 GB/s: faster is no measurement. */
const LEAST = { fixedUs: 1, usPerByte: 2e-5 } as const;
const SEED = 1;

/**
 * Never rejects: what did not work is in `problems`.
 * @param copyMBps of this machine's memory: no lane that copies is faster, whatever few samples of a busy machine say
 */
export async function measureLanes(
  workers: WorkerPool,
  copyMBps: number | undefined,
  budgetMs: number,
  deadlineMs: number,
): Promise<LaneFigures> {
  const lanes = workers.lanes('read', { timeoutMs: TRANSFER_TIMEOUT_MS });
  const arena = workers.status().arena;
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadlineMs - performance.now())));
  const measured = cells().filter(({ lane }) => lane === 'grpc' || arena !== undefined);
  const probes = await Promise.all(measured.map((cell) => probeOf(cell, lanes, signal)));
  await warmUp(probes, deadlineMs);
  const samples = await sampleInTurn(probes, budgetMs, deadlineMs);
  const grpc = grpcFigures(samples);
  const zeroCopy = arena === undefined ? undefined : zeroCopyFigures(samples, arena.lane, copyMBps);
  return {
    grpc,
    zeroCopy,
    jsonUsPerByte: jsonPerByte(samples, zeroCopy === undefined ? 'grpc' : 'zero_copy', zeroCopy ?? grpc),
    problems: [...new Set(samples.failures.values())],
  };
}

function cells(): Cell[] {
  const tensor = { dataType: 'tensor', format: 'numpy', compression: false, memory: 'warm' } as const;
  const json = { dataType: 'json', format: 'json', compression: false, memory: 'warm', dataSize: JSON_SIZE } as const;
  return [
    ...SIZES.flatMap((dataSize): Cell[] => [
      { ...tensor, lane: 'grpc', dataSize },
      { ...tensor, lane: 'zero_copy', dataSize },
    ]),
    ...COLD_SIZES.map((dataSize): Cell => ({ ...tensor, lane: 'zero_copy', dataSize, memory: 'cold' })),
    ...GZIP_SIZES.map((dataSize): Cell => ({ ...tensor, lane: 'grpc', dataSize, compression: true })),
    { ...json, lane: 'grpc' },
    { ...json, lane: 'zero_copy' },
  ];
}

function nameOf({ lane, dataType, dataSize, compression, memory }: Omit<Cell, 'format'>): string {
  return `${lane} ${dataType} ${dataSize} ${compression ? 'gzip' : 'plain'} ${memory}`;
}

async function probeOf(cell: Cell, lanes: BenchmarkLanes, signal: AbortSignal): Promise<Probe> {
  const payload = madeUpPayload(cell, SEED);
  // As it is encoded, which is what travels.
  const dataSize = (await encodePayload(payload)).content.byteLength;
  const sent = { ...cell, dataSize, concurrency: 1 };
  const elapsedMs = (): number => performance.now();
  return {
    name: nameOf(cell),
    async run() {
      const { transfer } = await sendOne({
        lanes,
        lane: cell.lane,
        cell: sent,
        payload,
        pool: POOL,
        signal,
        elapsedMs,
      });
      if (transfer.latencyUs !== undefined) return transfer.latencyUs;
      throw new Error(`${LANE_NAMES[cell.lane]}, ${cell.dataSize} bytes: ${transfer.errorCode ?? 'no answer'}`);
    },
  };
}

export const POOL = 'doctor';
const LANE_NAMES: Readonly<Record<Method, string>> = { grpc: 'gRPC', zero_copy: 'zero-copy' };

async function warmUp(probes: readonly Probe[], deadlineMs: number): Promise<void> {
  const smallest = probes.filter(({ name }) => name.includes(` ${KIB} `));
  for (let count = 0; count < WARM_UP_TRANSFERS && performance.now() < deadlineMs; count += 1) {
    for (const { run } of smallest) {
      try {
        await run();
      } catch {
        // The measuring will say so.
        return;
      }
    }
  }
}

type Asked = Partial<Pick<Cell, 'memory' | 'compression'>>;

function pointsOf(samples: Samples, lane: Method, sizes: readonly number[], asked: Asked = {}): MeasuredSize[] {
  return sizes.flatMap((bytes) => {
    const { memory = 'warm', compression = false } = asked;
    const values = samples.us.get(nameOf({ lane, dataType: 'tensor', dataSize: bytes, memory, compression }));
    const us = typical(values);
    return us === undefined ? [] : [{ bytes, us, transfers: values?.length ?? 0 }];
  });
}

function grpcFigures(samples: Samples): GrpcFigures | undefined {
  const points = pointsOf(samples, 'grpc', SIZES);
  const line = fitLine(points, LEAST);
  if (line === undefined) return undefined;
  const gzip = plausible(fitLine(pointsOf(samples, 'grpc', GZIP_SIZES, { compression: true }), LEAST));
  return { ...line, roundTripUs: smallest(points, line), gzip };
}

function zeroCopyFigures(
  samples: Samples,
  memoryLane: ZeroCopyFigures['memoryLane'],
  copyMBps = Number.POSITIVE_INFINITY,
): ZeroCopyFigures | undefined {
  const points = pointsOf(samples, 'zero_copy', SIZES);
  const line = fitLine(points, { ...LEAST, usPerByte: Math.max(LEAST.usPerByte, 1 / copyMBps) });
  if (line === undefined) return undefined;
  return { ...line, memoryLane, roundTripUs: smallest(points, line), cold: coldExtra(samples, points) };
}

/** What cold memory adds, size by size. */
function coldExtra(samples: Samples, warm: readonly MeasuredSize[]): LaneLine | null {
  const extra = pointsOf(samples, 'zero_copy', COLD_SIZES, { memory: 'cold' }).map((cold) => ({
    ...cold,
    us: cold.us - (warm.find(({ bytes }) => bytes === cold.bytes)?.us ?? Number.POSITIVE_INFINITY),
  }));
  const positive = extra.filter(({ us }) => us > 0);
  return plausible(fitLine(positive, LEAST));
}

/** A line that does not rise with size was not measured, on a machine that did something else meanwhile. */
function plausible(line: LaneLine | undefined): LaneLine | null {
  return line === undefined || line.usPerByte <= LEAST.usPerByte ? null : line;
}

function smallest(points: readonly MeasuredSize[], line: LaneLine): number {
  return points.find(({ bytes }) => bytes === KIB)?.us ?? line.fixedUs;
}

function jsonPerByte(samples: Samples, lane: Method, line: LaneLine | undefined): number | undefined {
  const kind = { dataType: 'json', dataSize: JSON_SIZE, compression: false, memory: 'warm' } as const;
  const us = typical(samples.us.get(nameOf({ ...kind, lane })));
  if (us === undefined || line === undefined) return undefined;
  return Math.max(LEAST.usPerByte, (us - line.fixedUs) / JSON_SIZE);
}
