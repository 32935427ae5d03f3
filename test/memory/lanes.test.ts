/** What every lane must do, host and worker side in one process. */
import { constants } from 'node:buffer';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attachArena } from '../../src/transports/memory/attach-arena.ts';
import { openArena } from '../../src/transports/memory/open-arena.ts';
import type { Arena, AttachedArena, Lease, MemoryLane } from '../../src/transports/memory/types.ts';

const LANES: readonly MemoryLane[] = platform() === 'linux' ? ['memfd', 'file', 'copy'] : [];
const MEBIBYTE = 2 ** 20;
const BOUND = 16 * MEBIBYTE;

describe.each(LANES)('lane %s', (lane) => {
  let folder: string;
  let arena: Arena;
  let attached: AttachedArena;
  let clockMs = 1_000_000;

  beforeEach(async () => {
    folder = mkdtempSync('/dev/shm/pitwall-test-');
    arena = await openArena({ bytes: BOUND, lane, shmDir: folder, nowMs: () => clockMs, referenceTtlMs: 1000 });
    attached = await attachArena(arena.descriptor, () => clockMs);
  });

  afterEach(() => {
    attached.close();
    arena.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function lease(bytes: number): Lease {
    const got = arena.allocate(bytes);
    if (got === undefined) throw new Error(`no room for ${bytes}`);
    return got;
  }

  /** One transfer, as the pool does it. */
  function send(bytes: number, fill: number): Lease {
    const sent = lease(bytes);
    sent.buffer.fill(fill);
    sent.commit();
    return sent;
  }

  it('carries bytes there and back', () => {
    const there = send(100_000, 7);
    const seen = attached.view(there.reference);
    expect(seen.length).toBe(100_000);
    expect(seen.every((byte) => byte === 7)).toBe(true);

    const back = lease(5000);
    const result = attached.view(back.reference);
    result.fill(9);
    attached.commit(back.reference, result);
    back.refresh();
    expect(back.buffer.every((byte) => byte === 9)).toBe(true);
    // Nothing was written beside it.
    there.refresh();
    expect(there.buffer.every((byte) => byte === 7)).toBe(true);
  });

  it('takes a result from other memory than the view, but no longer one', () => {
    const back = lease(10);
    attached.commit(back.reference, new Uint8Array([1, 2, 3]));
    back.refresh();
    expect([...back.buffer.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(() => attached.commit(back.reference, new Uint8Array(11))).toThrow(/range/);
  });

  it('aligns payloads to 64 bytes, as typed arrays of any kind need it', () => {
    for (const bytes of [1, 63, 65, 1000]) {
      const { buffer, reference } = send(bytes, 1);
      expect(buffer.byteOffset % 64).toBe(0);
      expect(attached.view(reference).byteOffset % 64).toBe(0);
    }
  });

  it('has a warm slice for whatever is not larger than warmBytes', () => {
    expect(arena.warmBytes).toBe(0);
    const first = send(MEBIBYTE, 1);
    expect(first.warm).toBe(false);
    first.release();
    expect(arena.warmBytes).toBeGreaterThanOrEqual(MEBIBYTE);
    expect(lease(arena.warmBytes).warm).toBe(true);
    expect(arena.warmBytes).toBe(0);
  });

  it('does not call warm what nobody wrote', () => {
    lease(MEBIBYTE).release();
    expect(arena.warmBytes).toBe(0);
  });

  it('warms up ahead of use', () => {
    expect(arena.prefault(3 * MEBIBYTE)).toBe(3 * MEBIBYTE);
    expect(arena.prefault(MEBIBYTE)).toBe(MEBIBYTE);
    expect(arena.warmBytes).toBeGreaterThanOrEqual(4 * MEBIBYTE - 64);
    expect(lease(4 * MEBIBYTE - 64).warm).toBe(true);
    for (let i = 0; arena.prefault(MEBIBYTE) > 0; i += 1) expect(i).toBeLessThan(20);
    expect(arena.prefault(0)).toBe(0);
    expect(arena.prefault(Number.NaN)).toBe(0);
  });

  it('refuses what there is no room for, at once, and counts it', () => {
    const { roomBytes } = arena;
    expect(arena.allocate(roomBytes + 1)).toBeUndefined();
    expect(arena.stats().refused).toBe(1);
    const all = lease(roomBytes);
    expect(arena.roomBytes).toBe(0);
    expect(arena.allocate(1)).toBeUndefined();
    all.release();
    expect(arena.roomBytes).toBe(roomBytes);
    for (const nonsense of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])
      expect(arena.allocate(nonsense)).toBeUndefined();
  });

  it('says what it holds', () => {
    const a = send(1000, 1);
    const b = send(2000, 1);
    expect(arena.stats()).toMatchObject({ lane, boundBytes: BOUND, leases: 2, refused: 0 });
    const { leasedBytes } = arena.stats();
    a.release();
    a.release();
    b.release();
    expect(arena.stats()).toMatchObject({ leases: 0, leasedBytes: 0, highWaterBytes: leasedBytes });
  });

  it('tells its listeners', () => {
    let told = 0;
    arena.onChange(() => {
      told += 1;
    });
    const sent = send(1000, 1);
    const before = told;
    sent.release();
    expect(before).toBeGreaterThan(0);
    expect(told).toBeGreaterThan(before);
  });

  it('overwrites what is released with zero', () => {
    const sent = send(1000, 7);
    sent.release({ zero: true });
    const again = lease(1000);
    expect(attached.view(again.reference).every((byte) => byte === 0)).toBe(true);
  });

  it('refuses a reference to a slice that is over, and to one that serves another', () => {
    const first = send(1000, 1);
    const { reference } = first;
    first.release();
    expect(() => attached.view(reference)).toThrow(expect.objectContaining({ code: 'PITWALL_SHM_REFERENCE' }));
    const second = send(1000, 2);
    expect(second.reference.offset).toBe(reference.offset);
    expect(() => attached.view(reference)).toThrow(/generation/);
    expect(() => attached.commit(reference, new Uint8Array(1))).toThrow(/generation/);
  });

  it('refuses an expired reference', () => {
    const { reference } = send(1000, 1);
    clockMs += 1000;
    expect(attached.view(reference).length).toBe(1000);
    clockMs += 1;
    expect(() => attached.view(reference)).toThrow(/expiry/);
  });

  it('can be used from several workers', async () => {
    const other = await attachArena(arena.descriptor, () => clockMs);
    const sent = send(1000, 3);
    expect(other.view(sent.reference)[999]).toBe(3);
    expect(attached.view(sent.reference)[999]).toBe(3);
    other.close();
    expect(() => other.view(sent.reference)).toThrow(/closed/);
    expect(attached.view(sent.reference)[999]).toBe(3);
  });

  it('stays harmless after close, on both sides: views can be read and written, nothing is left', () => {
    const sent = send(MEBIBYTE, 7);
    const seen = attached.view(sent.reference);
    arena.close();
    arena.close();
    attached.close();
    attached.close();
    sent.buffer.fill(1);
    seen.fill(2);
    expect(() => sent.release({ zero: true })).not.toThrow();
    expect(arena.allocate(1)).toBeUndefined();
    expect(arena).toMatchObject({ warmBytes: 0, roomBytes: 0 });
    expect(arena.prefault(MEBIBYTE)).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps to its bound, rounded to pages, and to what a buffer can hold', async () => {
    await expect(openArena({ bytes: 1000, lane, nowMs: () => 0 })).rejects.toMatchObject({ field: 'bytes' });
    await expect(openArena({ bytes: Number.NaN, lane, nowMs: () => 0 })).rejects.toMatchObject({ field: 'bytes' });
    const odd = await openArena({ bytes: 100_001, lane, shmDir: folder, nowMs: () => 0 });
    expect(odd.descriptor.bytes).toBe(102_400);
    odd.close();
  });

  it.runIf(lane !== 'memfd')('lies in a folder of this user alone', () => {
    const { path: file } = arena.descriptor;
    expect(existsSync(file)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  });

  it.runIf(lane !== 'memfd')('never goes to a disk', async () => {
    await expect(openArena({ bytes: BOUND, lane, shmDir: process.cwd(), nowMs: () => 0 })).rejects.toMatchObject({
      code: 'PITWALL_SHM_UNAVAILABLE',
      message: expect.stringContaining('not a tmpfs'),
    });
  });

  it.runIf(lane !== 'copy')('is one buffer, which cannot be moved away', () => {
    const sent = send(1000, 7);
    const { buffer } = sent.buffer;
    if (!(buffer instanceof ArrayBuffer)) throw new Error('no ArrayBuffer');
    expect(lease(1000).buffer.buffer).toBe(buffer);
    try {
      structuredClone(buffer, { transfer: [buffer] });
    } catch {
      // Node from 21 on throws, 20 copies.
    }
    const transfer: unknown = Reflect.get(buffer, 'transfer');
    if (typeof transfer === 'function') expect(() => transfer.call(buffer)).toThrow(/cannot be transferred/);
    expect(sent.buffer[999]).toBe(7);
  });
});

describe.runIf(platform() === 'linux')('a bound larger than a buffer', () => {
  it('is cut to what a buffer holds: mapping it whole would end the process', async () => {
    const arena = await openArena({ bytes: 2 ** 40, lane: 'memfd', nowMs: () => 0 });
    expect(arena.descriptor.bytes).toBe(Math.min(2 ** 40, constants.MAX_LENGTH - (constants.MAX_LENGTH % 4096)));
    expect(arena.allocate(1000)?.buffer.length).toBe(1000);
    arena.close();
  });
});

describe('lane auto', () => {
  it('says why, for each lane, where there is none', async () => {
    const problem = openArena({ bytes: BOUND, lane: 'copy', shmDir: '/nowhere', nowMs: () => 0 });
    await expect(problem).rejects.toMatchObject({ code: 'PITWALL_SHM_UNAVAILABLE', message: /copy: / });
  });
});
