/** Who holds a slice: one lease, several that share it, or nobody who could still release it. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachArena } from '../../src/transports/memory/attach-arena.ts';
import { openArena } from '../../src/transports/memory/open-arena.ts';
import type { Arena, Lease } from '../../src/transports/memory/types.ts';

const MEBIBYTE = 2 ** 20;
const TTL_MS = 1000;
const linux = process.platform === 'linux';

describe.runIf(linux)('leases', () => {
  let arena: Arena;
  let clockMs = 0;

  beforeEach(async () => {
    clockMs = 1_000_000;
    arena = await openArena({ bytes: 4 * MEBIBYTE, nowMs: () => clockMs, referenceTtlMs: TTL_MS });
  });

  afterEach(() => arena.close());

  function lease(bytes: number): Lease {
    const got = arena.allocate(bytes);
    if (got === undefined) throw new Error(`no room for ${bytes}`);
    return got;
  }

  it('that share a slice give it back when each has released, however often one does', () => {
    const first = lease(1000);
    const second = first.share();
    const third = second.share();
    expect(second).toMatchObject({ buffer: first.buffer, reference: first.reference, warm: first.warm });
    expect(arena.stats().leases).toBe(1);
    first.release();
    first.release();
    first.release();
    second.release({ zero: true });
    expect(arena.stats()).toMatchObject({ leases: 1 });
    third.buffer.fill(7);
    expect(() => first.share()).toThrow(expect.objectContaining({ code: 'PITWALL_SHM_RELEASED' }));
    third.release();
    expect(arena.stats()).toMatchObject({ leases: 0, leasedBytes: 0 });
    // One of them wanted zeros: whoever comes next finds them.
    expect(lease(1000).buffer.every((byte) => byte === 0)).toBe(true);
  });

  it('keep a shared reference good until the last has released', async () => {
    const attached = await attachArena(arena.descriptor, () => clockMs);
    const first = lease(1000);
    const second = first.share();
    first.release();
    expect(attached.view(second.reference).length).toBe(1000);
    const { reference } = second;
    second.release();
    expect(() => attached.view(reference)).toThrow(/generation/);
    attached.close();
  });

  it('say how much of what could be had is lent', () => {
    expect(arena.stats().pressure).toBe(0);
    const half = lease(2 * MEBIBYTE);
    expect(arena.stats().pressure).toBeCloseTo(0.5, 1);
    const rest = lease(arena.roomBytes);
    expect(arena.stats().pressure).toBeCloseTo(1, 3);
    half.release();
    rest.release();
    expect(arena.stats().pressure).toBe(0);
  });

  it('count all warm bytes, lent or free', () => {
    arena.prefault(MEBIBYTE);
    expect(arena.stats().warmTotalBytes).toBe(MEBIBYTE);
    lease(MEBIBYTE / 2);
    expect(arena.stats().warmTotalBytes).toBe(MEBIBYTE);
    expect(arena.stats().warmBytes).toBeLessThan(MEBIBYTE);
  });

  async function collect(): Promise<void> {
    for (let i = 0; i < 3; i += 1) {
      await turn();
      globalThis.gc?.();
    }
  }

  /** Looks for lost leases at most every two seconds. */
  function later(ms: number): void {
    clockMs += ms;
    void arena.roomBytes;
  }

  it('that are lost come back, once no worker could begin to read them', async () => {
    const { roomBytes } = arena;
    const signed = lease(MEBIBYTE).reference;
    expect(signed.length).toBe(MEBIBYTE);
    await collect();
    later(3000);
    expect(arena.stats()).toMatchObject({ lost: 1, leases: 1 });
    expect(arena.roomBytes).toBeLessThan(roomBytes);
    later(3000);
    expect(arena.stats()).toMatchObject({ lost: 1, leases: 0, leasedBytes: 0, roomBytes });
  });

  it('that are lost are found when there is no room, too', async () => {
    void lease(arena.roomBytes).reference;
    await collect();
    later(3000);
    clockMs += 3000;
    expect(lease(3 * MEBIBYTE).buffer.length).toBe(3 * MEBIBYTE);
  });

  it('are so many at most, however small, and no more', async () => {
    const large = await openArena({ bytes: 16 * MEBIBYTE, nowMs: () => clockMs });
    const held = Array.from({ length: 65_536 }, () => large.allocate(1));
    expect(held.includes(undefined)).toBe(false);
    expect(large.allocate(1)).toBeUndefined();
    held.pop()?.release();
    expect(large.allocate(1)).toBeDefined();
    expect(large.stats()).toMatchObject({ leases: 65_536, refused: 1 });
    large.close();
  });

  it('are not lost while their bytes are in use', async () => {
    const { buffer } = lease(1000);
    const held = lease(1000);
    await collect();
    later(3000);
    later(3000);
    expect(arena.stats()).toMatchObject({ lost: 0, leases: 2 });
    buffer.fill(1);
    held.release();
  });
});
