import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordQueue } from '../../src/metrics/record-queue.ts';
import { record } from './support/records.ts';

const numbered = (id: number) => record({ transferId: String(id) });
const ids = (records: readonly { readonly transferId: string }[]) => records.map((r) => Number(r.transferId));

describe('the record queue', () => {
  it('gives each cursor every record once, in order, whatever the other does', () => {
    const queue = new RecordQueue(8);
    for (let id = 0; id < 6; id += 1) queue.push(numbered(id));
    expect(ids(queue.peek('taught', 10))).toEqual([0, 1, 2, 3, 4, 5]);
    queue.advance('taught', 6);
    expect(queue.peek('taught', 10)).toEqual([]);
    expect(ids(queue.peek('stored', 2))).toEqual([0, 1]);
    queue.advance('stored', 2);
    expect(ids(queue.peek('stored', 10))).toEqual([2, 3, 4, 5]);
    expect([queue.length, queue.pendingStore, queue.pendingTeach]).toEqual([4, 4, 0]);
  });

  it('drops what does not fit, counts it, and takes records again when both cursors have passed some', () => {
    const queue = new RecordQueue(4);
    expect([0, 1, 2, 3, 4, 5].map((id) => queue.push(numbered(id)))).toEqual([true, true, true, true, false, false]);
    expect(queue.dropped).toBe(2);
    queue.advance('taught', 4);
    expect(queue.push(numbered(6))).toBe(false);
    queue.advance('stored', 1);
    expect(queue.push(numbered(7))).toBe(true);
    expect(ids(queue.peek('stored', 9))).toEqual([1, 2, 3, 7]);
    expect(queue.dropped).toBe(3);
  });

  it('wakes its listener once when it goes from idle to non-empty, and survives one that throws', () => {
    const queue = new RecordQueue(8);
    let woken = 0;
    queue.onWake = () => {
      woken += 1;
      throw new Error('broken listener');
    };
    queue.push(numbered(0));
    queue.push(numbered(1));
    expect(woken).toBe(1);
    queue.advance('taught', 2);
    queue.push(numbered(2));
    expect(woken).toBe(1);
    queue.advance('taught', 1);
    queue.advance('stored', 3);
    queue.push(numbered(3));
    expect(woken).toBe(2);
  });

  it('never loses, repeats or reorders a record it took (property)', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('push' as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({
        type: fc.constantFrom('taught' as const, 'stored' as const),
        count: fc.integer({ min: 0, max: 12 }),
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const queue = new RecordQueue(capacity);
        const accepted: number[] = [];
        const seen = { taught: [] as number[], stored: [] as number[] };
        let next = 0;
        for (const { type, count } of steps) {
          if (type === 'push') {
            for (let index = 0; index < count; index += 1) if (queue.push(numbered(next++))) accepted.push(next - 1);
          } else {
            const taken = queue.peek(type, count);
            seen[type].push(...ids(taken));
            queue.advance(type, taken.length);
          }
          expect(queue.length).toBeLessThanOrEqual(queue.capacity);
        }
        for (const cursor of ['taught', 'stored'] as const) {
          expect([...seen[cursor], ...ids(queue.peek(cursor, 1000))]).toEqual(accepted);
        }
        expect(queue.dropped + queue.accepted).toBe(next);
      }),
    );
  });

  it('refuses a capacity that is none', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 30])
      expect(() => new RecordQueue(capacity)).toThrow(/capacity/);
  });
});
