import { randomBytes } from 'node:crypto';
import { InvalidArgumentError, PitwallError } from '../../errors.ts';
import { RegionArena } from './arena.ts';
import { copyRegion } from './copy-region.ts';
import { fileRegion, memfdRegion } from './mapped-region.ts';
import { loadNative } from './native.ts';
import { NativeProbe } from './probe.ts';
import type { Region } from './region.ts';
import { regionPath } from './region-files.ts';
import type { Arena, MemoryLane, OpenArenaOptions } from './types.ts';

const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const SMALLEST = 64 * 1024;
const DEFAULT_TTL_MS = 600_000;
const PAGE = 4096;

/** One per process: whether native code works does not change. */
const nativeProbe = new NativeProbe();

/**
 * Opens shared memory for one pool: the first lane that works here, or the one that is asked for.
 *
 * @throws PitwallError `PITWALL_SHM_UNAVAILABLE` with each lane's reason; InvalidArgumentError for bounds that make no sense
 */
export async function openArena(options: OpenArenaOptions): Promise<Arena> {
  const { bytes, lane = 'auto', nowMs, referenceTtlMs = DEFAULT_TTL_MS } = options;
  if (!Number.isSafeInteger(bytes) || bytes < SMALLEST) {
    throw new InvalidArgumentError('bytes', bytes, `a whole number of bytes from ${SMALLEST} on`);
  }
  const id = randomBytes(8).toString('hex');
  const problems: string[] = [];
  for (const candidate of lane === 'auto' ? LANES : [lane]) {
    try {
      const region = await openRegion(candidate, { ...options, bytes: Math.ceil(bytes / PAGE) * PAGE }, id);
      return new RegionArena({ id, region, nowMs, referenceTtlMs });
    } catch (error) {
      problems.push(`${candidate}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new PitwallError('PITWALL_SHM_UNAVAILABLE', `no shared memory: ${problems.join('; ')}`);
}

async function openRegion(
  lane: MemoryLane,
  { bytes, shmDir = '/dev/shm' }: OpenArenaOptions,
  id: string,
): Promise<Region> {
  if (lane === 'copy') return copyRegion(bytes, regionPath(shmDir, id), 'host');
  const problem = await nativeProbe.problem();
  if (problem !== undefined) throw new Error(problem);
  const native = await loadNative();
  return lane === 'memfd'
    ? memfdRegion(native, bytes, `pitwall-${id}`)
    : fileRegion(native, bytes, regionPath(shmDir, id));
}
