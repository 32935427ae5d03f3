import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALIGNMENT, Allocator, type Slice } from '../../src/transports/memory/allocator.ts';
import { Intervals } from '../../src/transports/memory/intervals.ts';

const START = 4096;
const BOUND = 8 * 2 ** 20;
const MEBIBYTE = 2 ** 20;

function allocator(pages: { limit: number } = { limit: BOUND }): Allocator {
  return new Allocator({ start: START, bound: BOUND, commit: (_from, to) => to <= pages.limit });
}

function take(from: Allocator, bytes: number): Slice {
  const slice = from.take(bytes);
  if (slice === undefined) throw new Error(`no room for ${bytes}`);
  return slice;
}

describe('intervals', () => {
  it('are the set of numbers that were added and not removed', () => {
    const range = fc.tuple(fc.nat(64), fc.nat(64)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
    const step = fc.record({ add: fc.boolean(), range });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), range, (steps, asked) => {
        const intervals = new Intervals();
        const model = new Set<number>();
        for (const { add, range: each } of steps) {
          if (add) intervals.add(each.from, each.to);
          else intervals.remove(each.from, each.to);
          for (let i = each.from; i < each.to; i += 1) add ? model.add(i) : model.delete(i);
        }
        const members: number[] = [];
        for (let index = 0; index < intervals.size; index += 1) {
          // Sorted, merged, none empty.
          expect(intervals.from(index)).toBeLessThan(intervals.to(index));
          if (index > 0) expect(intervals.to(index - 1)).toBeLessThan(intervals.from(index));
          for (let i = intervals.from(index); i < intervals.to(index); i += 1) members.push(i);
        }
        expect(members).toEqual([...model].sort((a, b) => a - b));
        if (asked.from < asked.to) {
          const inside = Array.from({ length: asked.to - asked.from }, (_, i) => asked.from + i);
          expect(intervals.covers(asked.from, asked.to)).toBe(inside.every((i) => model.has(i)));
        }
      }),
    );
  });
});

describe('the allocator', () => {
  it('never gives the same bytes twice, aligns, and has one room again when all is given back', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 4097, max: 2 * MEBIBYTE }));
    const step = fc.oneof(
      fc.record({ kind: fc.constant('take' as const), size }),
      fc.record({ kind: fc.constant('give' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('warm' as const), size }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const tested = allocator();
        const held: Slice[] = [];
        for (const each of steps) {
          if (each.kind === 'take') {
            const { roomBytes, warmBytes } = tested;
            const slice = tested.take(each.size);
            const rounded = Math.ceil(each.size / ALIGNMENT) * ALIGNMENT;
            expect(slice !== undefined).toBe(rounded <= roomBytes);
            if (rounded <= warmBytes) expect(slice?.warm).toBe(true);
            if (slice === undefined) continue;
            expect(slice.from % ALIGNMENT).toBe(0);
            expect(slice.to - slice.from).toBe(rounded);
            expect(slice.from).toBeGreaterThanOrEqual(START);
            expect(slice.to).toBeLessThanOrEqual(Math.min(BOUND, tested.committed));
            for (const other of held) expect(slice.to <= other.from || other.to <= slice.from).toBe(true);
            held.push(slice);
          } else if (each.kind === 'give' && held.length > 0) {
            const [slice] = held.splice(each.which % held.length, 1);
            if (slice === undefined) continue;
            tested.give(slice);
            tested.markWarm(slice);
          } else if (each.kind === 'warm') {
            const cold = tested.nextCold(each.size);
            if (cold === undefined) continue;
            expect(cold.to - cold.from).toBeLessThanOrEqual(each.size);
            for (const other of held) expect(cold.to <= other.from || other.to <= cold.from).toBe(true);
            tested.markWarm(cold);
          }
          expect(tested.used).toBe(held.reduce((sum, { from, to }) => sum + to - from, 0));
        }
        for (const slice of held) tested.give(slice);
        expect(tested.used).toBe(0);
        expect(tested.roomBytes).toBe(BOUND - START);
      }),
    );
  });

  it('knows its largest slices, warm and in all, whatever was asked for in between', () => {
    const CELL = 64;
    const PAGE = 4096;
    const bound = START + 128 * 1024;
    const step = fc.record({
      kind: fc.constantFrom('take', 'take', 'give', 'give', 'prefault', 'growth'),
      bytes: fc.integer({ min: 1, max: 24 * 1024 }),
      ask: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const tested = new Allocator({ start: START, bound, commit: () => true });
        const held: Slice[] = [];
        const lent = new Uint8Array(bound / CELL);
        const warm = new Uint8Array(bound / CELL);
        const mark = (slice: { from: number; to: number }): void => {
          tested.markWarm(slice);
          warm.fill(1, Math.floor(slice.from / PAGE) * (PAGE / CELL), Math.ceil(slice.to / PAGE) * (PAGE / CELL));
        };
        const longest = (end: number, has: (cell: number) => boolean): number => {
          let best = 0;
          let run = 0;
          for (let cell = START / CELL; cell < end / CELL; cell += 1) {
            run = has(cell) ? run + CELL : 0;
            best = Math.max(best, run);
          }
          return best;
        };
        let limit = bound;
        for (const { kind, bytes, ask } of steps) {
          if (kind === 'take') {
            const slice = tested.take(bytes);
            if (slice === undefined) continue;
            held.push(slice);
            lent.fill(1, slice.from / CELL, slice.to / CELL);
          } else if (kind === 'give') {
            const [slice] = held.splice(bytes % Math.max(1, held.length), 1);
            if (slice === undefined) continue;
            lent.fill(0, slice.from / CELL, slice.to / CELL);
            tested.give(slice);
            if (bytes % 3 > 0) mark(slice);
          } else if (kind === 'prefault') {
            const cold = tested.nextCold(bytes);
            if (cold) mark(cold);
          } else {
            const more = bytes - (bytes % CELL);
            tested.setGrowth(more);
            limit = Math.min(bound, tested.committed + more);
          }
          if (!ask) continue;
          const end = Math.max(limit, tested.committed);
          expect(tested.warmBytes).toBe(longest(bound, (cell) => warm[cell] === 1 && lent[cell] === 0));
          expect(tested.roomBytes).toBe(longest(end, (cell) => lent[cell] === 0));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('uses again what was used last', () => {
    const tested = allocator();
    const [a, b] = [take(tested, 100_000), take(tested, 100_000)];
    take(tested, 64);
    for (const slice of [b, a]) {
      tested.give(slice);
      tested.markWarm(slice);
    }
    expect(take(tested, 100_000).from).toBe(a.from);
    expect(take(tested, 100_000).from).toBe(b.from);
  });

  it('puts small payloads into small holes, so that large ones still find theirs', () => {
    const tested = allocator();
    const large = take(tested, 4 * MEBIBYTE);
    take(tested, 64);
    const small = take(tested, 64 * 1024);
    take(tested, 64);
    for (const slice of [small, large]) {
      tested.give(slice);
      tested.markWarm(slice);
    }
    expect(take(tested, 60 * 1024).from).toBe(small.from);
    expect(take(tested, 4 * MEBIBYTE)).toMatchObject({ from: large.from, warm: true });
  });

  it('does not spread over the region under mixed sizes: what it ever touched stays near the most that was in use', () => {
    const random = fc.sample(fc.record({ size: fc.integer({ min: 1, max: 256 * 1024 }), which: fc.nat() }), {
      numRuns: 20_000,
      seed: 7,
    });
    const tested = allocator();
    const held: Slice[] = [];
    let most = 0;
    for (const { size, which } of random) {
      while (held.length >= 16) {
        const [slice] = held.splice(which % held.length, 1);
        if (slice === undefined) break;
        tested.give(slice);
        tested.markWarm(slice);
      }
      held.push(take(tested, size));
      most = Math.max(most, tested.used);
    }
    expect(tested.committed).toBeLessThan(2 * most);
  });

  it('grows in steps, takes just what it needs near the end, and tells when there is no more', () => {
    const pages = { limit: 3 * MEBIBYTE };
    const tested = allocator(pages);
    const first = take(tested, 1000);
    expect(tested.committed).toBe(2 * MEBIBYTE);
    const second = take(tested, 2.5 * MEBIBYTE);
    expect(tested.committed).toBeLessThanOrEqual(3 * MEBIBYTE);
    expect(tested.take(4 * MEBIBYTE)).toBeUndefined();
    expect(tested.roomBytes).toBeLessThan(MEBIBYTE);
    // What exists is used nevertheless.
    tested.give(second);
    expect(take(tested, 2.5 * MEBIBYTE).from).toBe(second.from);
    tested.give(second);
    tested.give(first);
    pages.limit = BOUND;
    tested.setGrowth(BOUND);
    expect(take(tested, 6 * MEBIBYTE).from).toBe(START);
  });

  it('promises no more room than the machine was measured to have', () => {
    const tested = allocator();
    tested.setGrowth(MEBIBYTE);
    expect(tested.roomBytes).toBe(MEBIBYTE);
    expect(tested.take(MEBIBYTE + 64)).toBeUndefined();
    expect(take(tested, MEBIBYTE).to).toBe(START + MEBIBYTE);
    tested.setGrowth(0);
    expect(tested.roomBytes).toBe(0);
  });
});
