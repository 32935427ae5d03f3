/** Fresh pages for measurements of cold memory: never shared, never warm, given back. */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Allocator, type Slice } from '../../src/transports/memory/allocator.ts';
import { attachArena } from '../../src/transports/memory/attach-arena.ts';
import { openArena } from '../../src/transports/memory/open-arena.ts';
import type { Arena, MemoryLane } from '../../src/transports/memory/types.ts';

const START = 4096;
const BOUND = 8 * 2 ** 20;
const MIB = 2 ** 20;
const LANES: readonly MemoryLane[] = process.platform === 'linux' ? ['memfd', 'file', 'copy'] : [];

describe('fresh slices', () => {
  it('lie on pages that nobody else has, were not committed before, and are given up when they are back', () => {
    const size = fc.integer({ min: 1, max: MIB });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), size }),
      fc.record({ kind: fc.constant('fresh' as const), size }),
      fc.record({ kind: fc.constant('give' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('warm' as const), size }),
      fc.record({ kind: fc.constant('trim' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const pages = new Set<number>();
        const each = (from: number, to: number, visit: (page: number) => void): void => {
          for (let page = Math.floor(from / 4096); page * 4096 < to; page += 1) visit(page);
        };
        const allocator = new Allocator({
          start: START,
          bound: BOUND,
          commit: (from, to) => {
            each(from, to, (page) => pages.add(page));
            return true;
          },
        });
        const held: Slice[] = [];
        for (const each_ of steps) {
          if (each_.kind === 'take' || each_.kind === 'fresh') {
            const before = new Set(pages);
            const slice = each_.kind === 'take' ? allocator.take(each_.size) : allocator.takeFresh(each_.size);
            if (slice === undefined) continue;
            each(slice.from, slice.to, (page) => {
              // Every byte that is lent has its page; a fresh one has only just got it.
              expect(pages.has(page)).toBe(true);
              if (each_.kind === 'fresh') expect(before.has(page)).toBe(false);
            });
            for (const other of held) expect(slice.to <= other.from || slice.from >= other.to).toBe(true);
            if (each_.kind === 'fresh') expect(slice).toMatchObject({ warm: false, fresh: true });
            held.push(slice);
          } else if (each_.kind === 'give' && held.length > 0) {
            const [slice] = held.splice(each_.which % held.length, 1);
            if (slice) allocator.give(slice);
            if (slice && !slice.fresh) allocator.markWarm(slice);
          } else if (each_.kind === 'warm') {
            const cold = allocator.nextCold(each_.size);
            if (cold) allocator.markWarm(cold);
          } else if (each_.kind === 'trim') {
            const unused = allocator.trim();
            if (unused) each(unused.from, unused.to, (page) => pages.delete(page));
            for (const slice of held) each(slice.from, slice.to, (page) => expect(pages.has(page)).toBe(true));
          }
        }
        for (const slice of held) allocator.give(slice);
        allocator.trim();
        expect(allocator.used).toBe(0);
      }),
    );
  });
});

describe.each(LANES)('an arena, lane %s', (lane) => {
  async function arenaOf(): Promise<Arena> {
    const arena = await openArena({ bytes: 64 * MIB, lane, nowMs: () => Date.now() });
    onTestFinished(() => arena.close());
    return arena;
  }

  it('lends fresh pages that a worker reads, again and again at the same place, and takes them back', async () => {
    const arena = await arenaOf();
    arena.prefault(4 * MIB);
    const { committedBytes, warmTotalBytes } = arena.stats();
    const attached = await attachArena(arena.descriptor, () => Date.now());
    onTestFinished(() => attached.close());
    for (let round = 1; round <= 5; round += 1) {
      const lease = arena.allocateFresh(MIB);
      expect(lease?.warm).toBe(false);
      lease?.buffer.fill(round);
      lease?.commit();
      const reference = lease?.reference;
      if (reference === undefined) throw new Error('no lease');
      expect(reference.fresh).toBe(true);
      const seen = attached.view(JSON.parse(JSON.stringify(reference)));
      expect(seen.length).toBe(MIB);
      expect(seen.every((byte) => byte === round)).toBe(true);
      lease?.release();
      arena.trim();
      expect(arena.stats()).toMatchObject({ committedBytes, warmTotalBytes, leases: 0 });
    }
    // Whoever asks for memory in the usual way gets warm memory, as before.
    expect(arena.allocate(MIB)?.warm).toBe(true);
  });

  it('refuses where there is no room beyond what is warm', async () => {
    const arena = await arenaOf();
    arena.prefault(64 * MIB);
    expect(arena.allocateFresh(MIB)).toBeUndefined();
    expect(arena.stats().refused).toBe(1);
  });
});
