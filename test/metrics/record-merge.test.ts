/** Records in order of time, whatever blocks they lie in, and whatever happens to the blocks meanwhile. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { START_US, traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open } = stores();
const HOUR_US = 3_600_000_000;
const HOUR_START_US = Math.ceil(START_US / HOUR_US) * HOUR_US;
const ids = (records: Iterable<TransferRecord>) => [...records].map(({ transferId }) => transferId);

describe('records', () => {
  it('come in order of time, and backwards in exactly the other order, from batches of any overlap (property)', async () => {
    const input = fc.record({
      // Few different times: many ties, within a block and between blocks.
      batches: fc.array(fc.array(fc.integer({ min: 0, max: 130 }), { minLength: 1, maxLength: 12 }), {
        minLength: 1,
        maxLength: 8,
      }),
      from: fc.integer({ min: 0, max: 130 }),
      length: fc.integer({ min: 0, max: 130 }),
      limit: fc.integer({ min: 0, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ batches, from, length, limit }) => {
        const { store } = await open({ dataDir: false });
        let sequence = 1;
        const all: TransferRecord[] = [];
        for (const seconds of batches) {
          const records = traffic({ count: seconds.length, firstSequence: sequence }).map((record, index) => ({
            ...record,
            timestampUs: START_US + (seconds[index] ?? 0) * 1_000_000,
          }));
          sequence += seconds.length;
          all.push(...records);
          await store.append(records);
        }
        const range = { pool: 'ml', fromUs: START_US + from * 1e6, toUs: START_US + (from + length) * 1e6 };
        const found = [...store.records(range)];
        const within = all.filter(({ timestampUs }) => timestampUs >= range.fromUs && timestampUs < range.toUs);
        expect(found.map(({ timestampUs }) => timestampUs)).toEqual(
          within.map(({ timestampUs }) => timestampUs).sort((a, b) => a - b),
        );
        expect(ids(found).sort()).toEqual(ids(within).sort());
        const backwards = ids(store.records({ ...range, reverse: true }));
        expect(backwards).toEqual(ids(found).reverse());
        expect(ids(store.records({ ...range, limit }))).toEqual(ids(found).slice(0, limit));
        expect(ids(store.records({ ...range, limit, reverse: true }))).toEqual(backwards.slice(0, limit));
      }),
      { numRuns: 60 },
    );
  });

  it.each([false, true])(
    'are each given once while their blocks are merged under the reader (reverse: %s)',
    async (reverse) => {
      const { store } = await open({ dataDir: false, now: () => HOUR_START_US + HOUR_US });
      // Two writers of small batches whose times interleave and coincide.
      const records = traffic({ count: 2400, fromUs: HOUR_START_US, everyUs: 50_000 }).map((record) => ({
        ...record,
        timestampUs: Math.floor(record.timestampUs / 400_000) * 400_000,
      }));
      for (let from = 0; from < records.length; from += 40) {
        await store.append(records.slice(from, from + 40).filter((_, index) => index % 2 === 0));
        await store.append(records.slice(from, from + 40).filter((_, index) => index % 2 === 1));
      }
      const before = ids(store.records({ pool: 'ml', reverse }));
      const reading = store.records({ pool: 'ml', reverse });
      const read: string[] = [];
      for (let index = 0; index < 701; index += 1) read.push(reading.next().value?.transferId ?? '');
      let merged = 0;
      for (let more = true; more; ) {
        const step = await store.retain();
        merged += step.compactedBlocks;
        more = step.more;
      }
      expect(merged).toBeGreaterThan(100);
      read.push(...ids(reading));
      expect(read).toHaveLength(2400);
      expect([...read].sort()).toEqual([...before].sort());
      expect(ids(store.records({ pool: 'ml', reverse }))).toEqual(before);
    },
  );

  it('removed under the reader are passed over', async () => {
    let nowUs = HOUR_START_US;
    const { store } = await open({ dataDir: false, retentionHours: 1, now: () => nowUs });
    await store.append(traffic({ count: 1000, fromUs: HOUR_START_US, everyUs: 1_000_000 }));
    await store.append(traffic({ count: 10, fromUs: HOUR_START_US + 3 * HOUR_US, firstSequence: 5000 }));
    const reading = store.records();
    for (let index = 0; index < 5; index += 1) reading.next();
    nowUs += 3 * HOUR_US;
    while ((await store.retain()).more);
    // The block that is open, and what was kept.
    expect([...reading].length).toBe(55 + 10);
  });

  it('of the busiest minute are found at its end without reading it whole', async () => {
    const { store } = await open({ dataDir: false, mapSizeLimit: 1e9 });
    for (let batch = 0; batch < 8; batch += 1) {
      await store.append(
        traffic({ count: 4096, fromUs: START_US + batch * 4_000_000, everyUs: 900, firstSequence: batch * 4096 + 1 }),
      );
    }
    const newest = [...store.records({ pool: 'ml', reverse: true, limit: 3 })];
    expect(newest.map(({ timestampUs }) => timestampUs)).toEqual(
      [4095, 4094, 4093].map((index) => START_US + 28_000_000 + index * 900),
    );
  });
});
