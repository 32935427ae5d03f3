import { statfsSync } from 'node:fs';
import { NOTHING_KNOWN } from '../decision/resources.ts';
import type { ResourceSnapshot } from '../decision/types.ts';
import { CpuReader } from './resource-cpu.ts';
import { GcMonitor, type GcPause } from './resource-gc.ts';
import { LoopMonitor } from './resource-loop.ts';
import { MemoryReader } from './resource-memory.ts';

export interface ResourceSamplerOptions {
  /** File system whose free space bounds shared memory; undefined where it does not live in one (memfd). */
  readonly shmDir: string | undefined;
  /** Most shared memory that may be taken, bytes; undefined for no bound of ours. */
  readonly sharedMemoryLimit?: number | undefined;
  readonly clock: { now(): number };
  /** Where Linux tells of itself. Default `/proc`; elsewhere than on Linux, where there is none, `node:os` is asked. */
  readonly procDir?: string;
}

export interface ResourceSampler {
  /** The machine now. Synchronous, never throws: what could not be measured is undefined. */
  sample(): ResourceSnapshot;
  /** Collections that stopped the process since the last call. Never throws. */
  takePauses(): readonly GcPause[];
  /** Releases what is held: open files, the event-loop monitor. A sample after it knows nothing. Can be called twice. */
  stop(): void;
}

/**
 * Samples the machine: cpu (`/proc/stat`), memory (`/proc/meminfo` and the limits of control groups, v1 and v2), room for shared
 * memory (the least of statfs, available memory and configuration), event-loop delay. Nothing it holds keeps the process alive.
 */
export function createResourceSampler(options: ResourceSamplerOptions): ResourceSampler {
  const { shmDir, sharedMemoryLimit, clock, procDir = '/proc' } = options;
  const cpu = attempt(() => new CpuReader(procDir));
  const memory = new MemoryReader(procDir);
  const loop = new LoopMonitor();
  const collections = attempt(() => new GcMonitor(() => clock.now()));
  let stopped = false;

  return {
    sample() {
      const atMs = clock.now();
      if (stopped) return { ...NOTHING_KNOWN, atMs };
      const reading = attempt(() => memory.read(atMs));
      return {
        atMs,
        systemLoad: attempt(() => cpu?.read()),
        memoryLoad: reading?.load,
        availableMemory: reading?.available,
        sharedMemoryRoom: attempt(() => leastOf([freeSpace(shmDir), reading?.available, sharedMemoryLimit])),
        eventLoopDelayUs: loop.takeDelayUs(),
      };
    },
    takePauses: () => collections?.takePauses() ?? [],
    stop() {
      collections?.stop();
      cpu?.close();
      memory.close();
      loop.stop();
      stopped = true;
    },
  };
}

/** Bytes that an unprivileged process may still write there. */
function freeSpace(directory: string | undefined): number | undefined {
  if (directory === undefined) return undefined;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function leastOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function attempt<T>(measure: () => T): T | undefined {
  try {
    return measure();
  } catch {
    return undefined;
  }
}
