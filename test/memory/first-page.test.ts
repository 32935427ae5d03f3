/** Whose memory it is, and how far the host has come: what a worker believes of the page that anybody in the pool can write into. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attachArena } from '../../src/transports/memory/attach-arena.ts';
import { FirstPage, hasStamp, readMark } from '../../src/transports/memory/first-page.ts';
import { openArena } from '../../src/transports/memory/open-arena.ts';
import type { Region } from '../../src/transports/memory/region.ts';
import type { MemoryLane } from '../../src/transports/memory/types.ts';

const BYTES = 2 ** 20;
const owner = { arena: 'a', key: Buffer.alloc(32, 1) };

function page(): Region {
  const memory = new Uint8Array(BYTES);
  const words = new DataView(memory.buffer);
  return {
    lane: 'copy',
    path: '',
    bytes: BYTES,
    memory,
    memoryPerByte: 1,
    open: true,
    commit: () => true,
    discard: () => undefined,
    free: () => undefined,
    populate: () => undefined,
    warm: () => undefined,
    push: () => undefined,
    pull: () => undefined,
    readNumber: (offset) => Number(words.getBigUint64(offset, true)),
    writeNumber: (offset, value) => words.setBigUint64(offset, BigInt(value), true),
    close: () => undefined,
  };
}

describe('the first page', () => {
  it('tells its owner from any other', () => {
    const region = page();
    new FirstPage(region, owner);
    expect(hasStamp(region, owner)).toBe(true);
    expect(hasStamp(region, { ...owner, arena: 'b' })).toBe(false);
    expect(hasStamp(region, { ...owner, key: Buffer.alloc(32, 2) })).toBe(false);
    expect(hasStamp(page(), owner)).toBe(false);
  });

  it('passes the host on, and nothing that anybody else wrote over it', () => {
    const region = page();
    const host = new FirstPage(region, owner);
    host.advance(8192);
    expect(readMark(region, owner, 4096)).toBe(8192);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 16 }), fc.nat(15), (bytes, at) => {
        host.write();
        const before = region.memory.slice(0, 16);
        const scribble = bytes.subarray(0, 16 - at);
        region.memory.set(scribble, at);
        const unchanged = region.memory.slice(0, 16).every((byte, i) => byte === before[i]);
        expect(readMark(region, owner, 4096)).toBe(unchanged ? 8192 : 4096);
      }),
    );
  });

  it('is not believed beyond the region, nor half written', () => {
    const region = page();
    const host = new FirstPage(region, owner);
    host.advance(BYTES + 4096);
    expect(readMark(region, owner, 4096)).toBe(4096);
    host.advance(8192);
    region.writeNumber(0, 12_288);
    expect(readMark(region, owner, 8192)).toBe(8192);
  });
});

describe.runIf(process.platform === 'linux').each<MemoryLane>(['memfd', 'file', 'copy'])('lane %s', (lane) => {
  const nowMs = () => performance.timeOrigin + performance.now();

  it('attaches to no other memory than its own, though it be as good', async () => {
    const [mine, other] = await Promise.all([
      openArena({ bytes: BYTES, lane, nowMs }),
      openArena({ bytes: BYTES, lane, nowMs }),
    ]);
    // As when a descriptor's number has passed to another arena.
    const swapped = attachArena({ ...mine.descriptor, path: other.descriptor.path }, nowMs);
    await expect(swapped).rejects.toMatchObject({
      code: 'PITWALL_SHM_ATTACH',
      message: expect.stringContaining('not the memory'),
    });
    mine.close();
    other.close();
  });

  it('can be attached to again after somebody wrote over the first page', async () => {
    let clockMs = 0;
    const arena = await openArena({ bytes: BYTES, lane, nowMs: () => clockMs });
    const attached = await attachArena(arena.descriptor, () => clockMs);
    const lease = arena.allocate(1000);
    if (lease === undefined) throw new Error('no room');
    new Uint8Array(attached.view(lease.reference).buffer, 0, 64).fill(0xff);
    clockMs += 1000;
    expect(arena.roomBytes).toBeGreaterThan(0);
    const again = await attachArena(arena.descriptor, () => clockMs);
    expect(again.view(lease.reference).length).toBe(1000);
    for (const each of [again, attached, arena]) each.close();
  });

  it.runIf(lane !== 'copy')('follows no wild mark into pages that nobody allocated', async () => {
    const arena = await openArena({ bytes: 64 * BYTES, lane, nowMs });
    const attached = await attachArena(arena.descriptor, nowMs);
    const lease = arena.allocate(1000);
    if (lease === undefined) throw new Error('no room');
    const before = process.memoryUsage.rss();
    // A handler that forgot the offset of its payload.
    new Float64Array(attached.view(lease.reference).buffer, 0, 2).fill(3.5);
    await sleep(400);
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * BYTES);
    attached.close();
    arena.close();
  });
});
