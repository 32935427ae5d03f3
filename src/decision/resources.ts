/** Step 5: the machine, as far as it is known. */
import type { PolicySnapshot, PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';

/** A sample that is older says nothing any more: load is taken as unknown, nothing is adjusted. */
export const STALE_MS = 2_000;

/** A machine of which nothing could be measured. */
export const NOTHING_KNOWN: Readonly<Omit<ResourceSnapshot, 'atMs'>> = Object.freeze({
  systemLoad: undefined,
  memoryLoad: undefined,
  availableMemory: undefined,
  sharedMemoryRoom: undefined,
  eventLoopDelayUs: undefined,
});

/** The resources if the sample is fresh. */
export function knownResources(resources: ResourceSnapshot | undefined, nowMs: number): ResourceSnapshot | undefined {
  return resources !== undefined && nowMs - resources.atMs <= STALE_MS ? resources : undefined;
}

/** Whether the slice that a transfer would get is mapped and faulted in; undefined where the lane does not say. */
export function warmFor(pool: PoolSnapshot, dataSize: number): boolean | undefined {
  return pool.transport === undefined ? undefined : dataSize <= pool.transport.warmBytes;
}

/** Why zero-copy cannot serve this request at all; undefined where it can. A half-open circuit lets it through: that is its probe. */
export function zeroCopyObstacle(
  pool: PoolSnapshot,
  request: TransferRequest,
  resources: ResourceSnapshot | undefined,
): 'zero_copy_unavailable' | 'circuit_open' | 'shared_memory_exhausted' | undefined {
  if (pool.breaker === 'open') return 'circuit_open';
  const { transport } = pool;
  if (transport !== undefined) {
    if (!transport.zeroCopyReady) return 'zero_copy_unavailable';
    return request.inPlace !== true && request.dataSize > transport.roomBytes ? 'shared_memory_exhausted' : undefined;
  }
  // A host's own lane: all that is known is what the machine has left.
  const room = resources?.sharedMemoryRoom;
  return room !== undefined && request.dataSize > room ? 'shared_memory_exhausted' : undefined;
}

type Pressure = 'none' | 'memory' | 'cpu';

/** What zero-copy may be slower by when memory is short, as a share. */
const MEMORY_PATIENCE = 0.25;

/**
 * Why zero-copy is taken although it is not clearly the better lane: it holds a third of the memory, and spares both sides the copies and frames
 * of gRPC. Memory is worth more patience (a quarter of the cost) than cpu (the margin): running out of it ends processes.
 *
 * @param advantage of zero-copy under the pool's goal, as a share
 */
export function relief(
  advantage: number,
  resources: ResourceSnapshot | undefined,
  policy: PolicySnapshot,
): 'memory_pressure' | 'cpu_pressure' | undefined {
  const pressure = pressureOf(resources, policy);
  if (pressure === 'none') return undefined;
  if (pressure === 'memory') return advantage > -MEMORY_PATIENCE ? 'memory_pressure' : undefined;
  return advantage > -policy.marginalBenefit ? 'cpu_pressure' : undefined;
}

/** Which resource is short, memory before cpu: running out of memory ends processes, running out of cpu delays them. */
function pressureOf(resources: ResourceSnapshot | undefined, policy: PolicySnapshot): Pressure {
  if (resources === undefined) return 'none';
  const { memoryLoad, systemLoad } = resources;
  if (memoryLoad !== undefined && memoryLoad > policy.memoryPressureThreshold) return 'memory';
  return systemLoad !== undefined && systemLoad > policy.cpuPressureThreshold ? 'cpu' : 'none';
}
