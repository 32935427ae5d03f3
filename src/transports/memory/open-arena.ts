import { randomBytes } from 'node:crypto';
import { InvalidArgumentError, PitwallError } from '../../errors.ts';
import { RegionArena } from './arena.ts';
import { copyRegion } from './copy-region.ts';
import { fileRegion, memfdRegion } from './mapped-region.ts';
import { loadNative, MAX_MAPPED, PAGE } from './native.ts';
import { NativeProbe } from './probe.ts';
import type { Region } from './region.ts';
import { clearDeadRegions, regionPath } from './region-files.ts';
import type { Arena, MemoryLane, OpenArenaOptions } from './types.ts';

const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const SMALLEST = 64 * 1024;
const DEFAULT_TTL_MS = 600_000;
const DEFAULT_DIR = '/dev/shm';

/** One per process: whether native code works does not change. */
const nativeProbe = new NativeProbe();

/**
 * Opens shared memory for one pool: the first lane that works here, or the one that is asked for. `bytes` is a bound, rounded up to whole
 * pages, and down to what one buffer holds (4 GiB on Node 20).
 *
 * @throws PitwallError `PITWALL_SHM_UNAVAILABLE` with each lane's reason; InvalidArgumentError for bounds that make no sense
 */
export async function openArena(options: OpenArenaOptions): Promise<Arena> {
  const { bytes, lane = 'auto', shmDir = DEFAULT_DIR, nowMs, referenceTtlMs = DEFAULT_TTL_MS } = options;
  if (!Number.isSafeInteger(bytes) || bytes < SMALLEST)
    throw new InvalidArgumentError('bytes', bytes, `a whole number of bytes from ${SMALLEST} on`);
  if (!Number.isSafeInteger(referenceTtlMs) || referenceTtlMs < 1)
    throw new InvalidArgumentError('referenceTtlMs', referenceTtlMs, 'a whole number of milliseconds from 1 on');
  // Told in one line instead of what each lane fails with there.
  if (process.platform !== 'linux') {
    throw new PitwallError(
      'PITWALL_SHM_UNAVAILABLE',
      `shared memory is used on Linux; this is ${process.platform}, where gRPC carries everything`,
    );
  }
  const bound = Math.min(Math.ceil(bytes / PAGE) * PAGE, Math.floor(MAX_MAPPED / PAGE) * PAGE);
  const id = randomBytes(8).toString('hex');
  const problems: string[] = [];
  for (const candidate of lane === 'auto' ? LANES : [lane]) {
    try {
      const region = await openRegion(candidate, bound, shmDir, id);
      return arenaOver({ id, region, nowMs, referenceTtlMs });
    } catch (error) {
      problems.push(`${candidate}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new PitwallError('PITWALL_SHM_UNAVAILABLE', `no shared memory: ${problems.join('; ')}`);
}

/**
 * Starts finding out whether native code works, once per process; about 100 ms in a child process. A host that will open an arena later may
 * call it early, and wait for nothing then.
 */
export function probeNative(): void {
  void nativeProbe.problem();
}

async function openRegion(lane: MemoryLane, bytes: number, shmDir: string, id: string): Promise<Region> {
  if (lane === 'copy') return copyRegion(bytes, regionPath(shmDir, id), 'host');
  const problem = await nativeProbe.problem();
  if (problem !== undefined) throw new Error(problem);
  const native = await loadNative();
  if (lane === 'file') return fileRegion(native, bytes, regionPath(shmDir, id));
  clearDeadRegions(shmDir);
  return memfdRegion(native, bytes, `pitwall-${id}`);
}

function arenaOver(options: ConstructorParameters<typeof RegionArena>[0]): RegionArena {
  try {
    return new RegionArena(options);
  } catch (error) {
    options.region.close();
    throw error;
  }
}
