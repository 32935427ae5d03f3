/** `measureMachine`: what transfers cost on this machine, and what is missing on it. */
import { machineFingerprint } from '../actors/machine-fingerprint.ts';
import { CpuReader } from '../actors/resource-cpu.ts';
import { InvalidArgumentError } from '../errors.ts';
import { CARD_VERSION, type MachineCard, type MemoryFigures, type WindowFigures } from '../learning/machine-card.ts';
import { startRuntime } from '../runtime.ts';
import { benchmarkWorkerScript } from '../transports/worker-file.ts';
import { startWorkerPool } from '../transports/worker-pool.ts';
import { type LaneFigures, measureLanes, POOL } from './lane-figures.ts';
import { measureMemory } from './memory-figures.ts';
import type { MachineReport } from './report.ts';
import { storeCard } from './store-card.ts';
import { adviceOn, lookAround } from './surroundings.ts';
import { measureWindows } from './window-figures.ts';

export interface MeasureOptions {
  /** Of measuring; starting processes comes on top. 0.5..60, default 2. */
  readonly seconds?: number | undefined;
  /** Where a host keeps its data: the card is stored there, and found by `startRuntime`. Default: it is not stored. */
  readonly dataDir?: string | undefined;
  /** Directory on tmpfs for shared memory that needs a name. Default `/dev/shm`. */
  readonly sharedMemoryDir?: string | undefined;
}

/**
 * Measures this machine with the transports that payloads travel by: a worker process, both lanes, five sizes, warm and cold memory. For a host that
 * wants good decisions from the first transfer on: once at deployment, as `pitwall doctor` does. Leaves no process and no memory
 * behind; ends within two minutes more than `seconds`, whatever hangs.
 *
 * @throws InvalidArgumentError naming the option; PitwallError of the store where the card cannot be stored. What the machine lacks is no
 *   error: it is in the report.
 * @example
 * const { card, advice } = await measureMachine({ dataDir: './pitwall-data' });
 */
export async function measureMachine(options: MeasureOptions = {}): Promise<MachineReport> {
  const { seconds = 2, dataDir, sharedMemoryDir = '/dev/shm' } = options ?? {};
  if (typeof seconds !== 'number' || !(seconds >= 0.5 && seconds <= 60)) {
    throw new InvalidArgumentError('seconds', seconds, 'a number in 0.5..60');
  }
  const report = await measure(seconds * 1000, sharedMemoryDir);
  if (dataDir !== undefined && report.card !== undefined) await storeCard(dataDir, report.card);
  return report;
}

/** Shares of the time: lanes are what decisions rest on. */
const SHARE = { memory: 0.1, windows: 0.15, lanes: 0.75 } as const;
/** What a part may take beyond its time, on a machine that is busy with something else. */
const PATIENCE_MS = 12_000;
const START_TIMEOUT_MS = 15_000;
const SHUTDOWN_MS = 5_000;
/** Room for the largest payloads, warm ones and cold ones beside them: a bound, not a reservation. */
const ARENA_BYTES = 128 * 2 ** 20;

async function measure(budgetMs: number, shmDir: string): Promise<MachineReport> {
  const startedMs = performance.now();
  const measuredAtMs = Date.now();
  const problems: string[] = [];
  const part = (share: number): readonly [budgetMs: number, deadlineMs: number] => {
    const partMs = share * budgetMs;
    return [partMs, performance.now() + partMs + PATIENCE_MS];
  };
  const cpu = new CpuReader('/proc');
  try {
    const surroundings = await lookAround(shmDir);
    const windows = await attempt(problems, () => measureWindows(() => part(SHARE.windows)));
    const memory = surroundings.sharedMemory.some((lane) => lane.works)
      ? await attempt(problems, () => measureMemory(shmDir, ...part(SHARE.memory)))
      : undefined;
    cpu.read();
    const lanes = await attempt(problems, () => throughWorker(shmDir, memory?.copyMBps, () => part(SHARE.lanes)));
    problems.push(...(lanes?.problems ?? []));
    const timing = { measuredAtMs, tookMs: performance.now() - startedMs, systemLoad: cpu.read() ?? null };
    const card = cardOf(lanes, memory, windows ?? [], timing);
    return {
      machine: machineFingerprint(),
      card,
      surroundings,
      bothLanesWork: lanes?.grpc !== undefined && lanes.zeroCopy !== undefined,
      problems: [...new Set(problems)],
      advice: adviceOn(surroundings),
    };
  } finally {
    cpu.close();
  }
}

/** When a part may begin to measure, and when it must have ended: asked for when its processes have started. */
type Part = () => readonly [budgetMs: number, deadlineMs: number];

async function throughWorker(shmDir: string, copyMBps: number | undefined, part: Part): Promise<LaneFigures> {
  const runtime = await startRuntime({ dataDir: false, logger: false, sharedMemoryDir: shmDir });
  try {
    const script = benchmarkWorkerScript();
    const limits = { startTimeoutMs: START_TIMEOUT_MS, maxRestarts: 1 };
    const workers = await startWorkerPool(runtime, { pool: POOL, script, arenaBytes: ARENA_BYTES, ...limits });
    return await measureLanes(workers, copyMBps, ...part());
  } finally {
    await runtime.shutdown({ timeoutMs: SHUTDOWN_MS });
  }
}

/** Undefined without gRPC: nothing can be decided where nothing can be sent. */
function cardOf(
  lanes: LaneFigures | undefined,
  memory: MemoryFigures | undefined,
  windows: readonly WindowFigures[],
  timing: Pick<MachineCard, 'measuredAtMs' | 'tookMs' | 'systemLoad'>,
): MachineCard | undefined {
  if (lanes?.grpc === undefined) return undefined;
  return {
    version: CARD_VERSION,
    machine: machineFingerprint(),
    ...timing,
    memory: memory ?? null,
    windows,
    grpc: lanes.grpc,
    zeroCopy: lanes.zeroCopy ?? null,
    jsonUsPerByte: lanes.jsonUsPerByte ?? null,
  };
}

/** What one part cannot measure, the others still can. */
async function attempt<T>(problems: string[], run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
