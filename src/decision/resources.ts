/** Step 5: the machine, as far as it is known. */
import type { PolicySnapshot, PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';

/** A sample that is older says nothing any more: load is taken as unknown, nothing is adjusted. */
const STALE_MS = 2_000;

/** The resources if the sample is fresh. */
export function knownResources(resources: ResourceSnapshot | undefined, nowMs: number): ResourceSnapshot | undefined {
  return resources !== undefined && nowMs - resources.atMs <= STALE_MS ? resources : undefined;
}

export type Pressure = 'none' | 'memory' | 'cpu';

/** Which resource is short, memory before cpu: running out of memory ends processes, running out of cpu delays them. */
export function pressureOf(resources: ResourceSnapshot | undefined, policy: PolicySnapshot): Pressure {
  if (resources === undefined) return 'none';
  const { memoryLoad, systemLoad } = resources;
  if (memoryLoad !== undefined && memoryLoad > policy.memoryPressureThreshold) return 'memory';
  return systemLoad !== undefined && systemLoad > policy.cpuPressureThreshold ? 'cpu' : 'none';
}

/** Whether the slice that a transfer would get is mapped and faulted in; undefined where the lane does not say. */
export function warmFor(pool: PoolSnapshot, dataSize: number): boolean | undefined {
  return pool.transport === undefined ? undefined : dataSize <= pool.transport.warmBytes;
}

/** Why zero-copy cannot serve this request at all; undefined where it can. */
export function zeroCopyObstacle(
  pool: PoolSnapshot,
  request: TransferRequest,
  resources: ResourceSnapshot | undefined,
): 'zero_copy_unavailable' | 'circuit_open' | 'shared_memory_exhausted' | undefined {
  if (pool.breaker === 'open') return 'circuit_open';
  const { transport } = pool;
  if (transport !== undefined) {
    if (!transport.zeroCopyReady) return 'zero_copy_unavailable';
    return request.dataSize > transport.roomBytes ? 'shared_memory_exhausted' : undefined;
  }
  // A host's own lane: all that is known is what the machine has left.
  const room = resources?.sharedMemoryRoom;
  return room !== undefined && request.dataSize > room ? 'shared_memory_exhausted' : undefined;
}
