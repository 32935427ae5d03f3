/**
 * Shared memory by itself: what leases and references cost, and copying in and reading, warm and cold, beside memcpy in the same run.
 * `npm run bench -- memory`
 */
import { attachArena } from '../src/transports/memory/attach-arena.ts';
import { openArena } from '../src/transports/memory/open-arena.ts';
import type { Arena, AttachedArena, MemoryLane } from '../src/transports/memory/types.ts';
import { atMost, type BenchRow, medianMs, percentile } from './row.ts';

const MEBIBYTE = 2 ** 20;
const SIZES = [1, 10, 100];
const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const ROUNDS = 9;
/** Cold memory is cold once: a region of its own for each round. */
const COLD_ROUNDS = 3;

const nowMs = (): number => performance.timeOrigin + performance.now();

interface Pair {
  readonly arena: Arena;
  readonly attached: AttachedArena;
}

export async function run(): Promise<BenchRow[]> {
  if (process.platform !== 'linux') return [];
  const rows: BenchRow[] = [await opening()];
  for (const lane of LANES) rows.push(...(await leases(lane)));
  for (const mebibytes of SIZES) for (const lane of LANES) rows.push(...(await copying(lane, mebibytes)));
  return rows;
}

/** The first arena of a process waits for the trial of native code in a child. */
async function opening(): Promise<BenchRow> {
  const value = await medianMs(1, async () => (await openArena({ bytes: MEBIBYTE, nowMs })).close());
  return { name: 'memory: first arena of a process, with the native trial', value, unit: 'ms' };
}

async function leases(lane: MemoryLane): Promise<BenchRow[]> {
  return withPair(lane, 16 * MEBIBYTE, ({ arena, attached }) => {
    arena.prefault(8 * MEBIBYTE);
    const once = (): void => arena.allocate(1000)?.release();
    const held = arena.allocate(1000);
    if (held === undefined) return [];
    const sign = (): unknown => {
      const lease = arena.allocate(1000);
      const { reference } = lease ?? held;
      lease?.release();
      return reference;
    };
    const allocateUs = microseconds(once);
    const rows: BenchRow[] = [
      bounded(lane, `memory, ${lane}: allocate and release 1 kB, warm`, allocateUs, 1.5),
      bounded(lane, `memory, ${lane}: the same and sign its reference`, microseconds(sign), 10),
      bounded(
        lane,
        `memory, ${lane}: check a reference, view`,
        microseconds(() => attached.view(held.reference)),
        10,
      ),
    ];
    const many = Array.from({ length: 1000 }, (_, i) => arena.allocate(1000 + i));
    for (let i = 0; i < many.length; i += 2) {
      many[i]?.commit();
      many[i]?.release();
    }
    const crowdedUs = microseconds(() => {
      once();
      return arena.warmBytes + arena.roomBytes;
    });
    rows.push({
      name: `memory, ${lane}: allocate, release, warmBytes, roomBytes beside 500 holes`,
      value: crowdedUs,
      unit: 'us',
    });
    return rows;
  });
}

async function copying(lane: MemoryLane, mebibytes: number): Promise<BenchRow[]> {
  const bytes = mebibytes * MEBIBYTE;
  const source = new Uint8Array(bytes).fill(7);
  const target = new Uint8Array(bytes).fill(1);
  const copy = (): void => target.set(source);
  const into = ({ arena, attached }: Pair, timesMs?: { write: number[]; read: number[] }): void => {
    const startMs = performance.now();
    const lease = arena.allocate(bytes);
    if (lease === undefined) throw new Error(`no room for ${mebibytes} MiB`);
    lease.buffer.set(source);
    lease.commit();
    const writtenMs = performance.now();
    touch(attached.view(lease.reference));
    timesMs?.read.push(performance.now() - writtenMs);
    lease.release();
    timesMs?.write.push(writtenMs - startMs);
  };
  const cold = { write: [] as number[], read: [] as number[] };
  for (let i = 0; i < COLD_ROUNDS; i += 1) await withPair(lane, 2 * bytes, (pair) => into(pair, cold));
  const warm = { write: [] as number[], read: [] as number[] };
  const memcpy: number[] = [];
  await withPair(lane, 2 * bytes, async (pair) => {
    into(pair);
    into(pair);
    for (let i = 0; i < ROUNDS; i += 1) {
      // In turns: the machine's mood is the same for both.
      memcpy.push(await medianMs(1, copy));
      into(pair, warm);
    }
  });
  const peer = { name: 'memcpy', value: median(memcpy) };
  const row = (what: string, timesMs: number[]): BenchRow => ({
    name: `memory, ${lane}: ${what} ${mebibytes} MiB`,
    value: median(timesMs),
    unit: 'ms',
    peer,
  });
  const warmIn = row('copy in, warm,', warm.write);
  const bar = lane === 'copy' ? {} : { bar: '<= 1.5x memcpy', holds: warmIn.value <= 1.5 * peer.value };
  return [
    { ...warmIn, ...bar },
    row('copy in, cold,', cold.write),
    row('view and touch, warm,', warm.read),
    row('view and touch, cold,', cold.read),
  ];
}

async function withPair<T>(lane: MemoryLane, bytes: number, use: (pair: Pair) => T | Promise<T>): Promise<T> {
  const arena = await openArena({ bytes: bytes + MEBIBYTE, lane, nowMs });
  const attached = await attachArena(arena.descriptor, nowMs);
  try {
    return await use({ arena, attached });
  } finally {
    attached.close();
    arena.close();
    globalThis.gc?.();
  }
}

/** A handler that looks at its payload: one byte of each page. */
function touch(view: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < view.length; i += 4096) sum += view[i] ?? 0;
  return sum;
}

/** Best of rounds of a thousand, after the compiler had its time: whatever else runs can only add. */
function microseconds(work: () => unknown): number {
  for (let i = 0; i < 5000; i += 1) work();
  const times = Array.from({ length: 15 }, () => {
    const startMs = performance.now();
    for (let i = 0; i < 1000; i += 1) work();
    return performance.now() - startMs;
  });
  return Math.min(...times);
}

function median(values: number[]): number {
  return percentile(
    values.sort((a, b) => a - b),
    0.5,
  );
}

/** Without native code each lease costs system calls: told, not judged. */
function bounded(lane: MemoryLane, name: string, value: number, most: number): BenchRow {
  return lane === 'copy' ? { name, value, unit: 'us' } : atMost(name, value, 'us', most);
}
