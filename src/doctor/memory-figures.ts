/** How fast this machine makes shared memory usable, and how fast it copies into what is warm. */
import type { MemoryFigures } from '../learning/machine-card.ts';
import { openArena } from '../transports/memory/open-arena.ts';
import type { Arena } from '../transports/memory/types.ts';
import { sampleInTurn, typical } from './sampling.ts';

const MEBIBYTE = 2 ** 20;
/** Far beyond the caches, and little beside any machine's memory. */
const SAMPLE_BYTES = 16 * MEBIBYTE;
const ARENA_BYTES = 64 * MEBIBYTE;

/** @throws PitwallError `PITWALL_SHM_UNAVAILABLE` where there is no shared memory, with each lane's reason */
export async function measureMemory(shmDir: string, budgetMs: number, deadlineMs: number): Promise<MemoryFigures> {
  const nowMs = (): number => performance.timeOrigin + performance.now();
  const arena = await openArena({ bytes: ARENA_BYTES, shmDir, nowMs });
  try {
    return await measureIn(arena, budgetMs, deadlineMs);
  } finally {
    arena.close();
  }
}

async function measureIn(arena: Arena, budgetMs: number, deadlineMs: number): Promise<MemoryFigures> {
  const source = new Uint8Array(SAMPLE_BYTES).fill(1);
  const copies: number[] = [];
  const fault = async (): Promise<number> => {
    const startedMs = performance.now();
    const lease = arena.allocateFresh(SAMPLE_BYTES);
    if (lease === undefined) throw new Error(`shared memory has no room for ${SAMPLE_BYTES} bytes`);
    try {
      lease.buffer.set(source);
      const writtenMs = performance.now();
      lease.buffer.set(source);
      const againMs = performance.now();
      copies.push((againMs - writtenMs) * 1000);
      return Math.max(1, (writtenMs - startedMs - (againMs - writtenMs)) * 1000);
    } finally {
      lease.release();
      arena.trim();
    }
  };
  const { us, failures } = await sampleInTurn([{ name: 'fault', run: fault }], budgetMs, deadlineMs);
  const faultUs = typical(us.get('fault'));
  const copyUs = typical(copies);
  if (faultUs === undefined || copyUs === undefined) throw new Error(failures.get('fault') ?? 'no time was left');
  return {
    faultUsPerMiB: faultUs / (SAMPLE_BYTES / MEBIBYTE),
    faultMBps: SAMPLE_BYTES / faultUs,
    copyMBps: SAMPLE_BYTES / Math.max(1, copyUs),
  };
}
