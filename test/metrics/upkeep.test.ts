import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MetricsStore } from '../../src/metrics/store.ts';
import { record, START_US, traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open, directory } = stores();
const MINUTE_US = 60_000_000;
const HOUR_US = 3_600_000_000;
/** Start of an hour, Unix microseconds. */
const HOUR_START_US = Math.ceil(START_US / HOUR_US) * HOUR_US;

async function retainAll(store: MetricsStore): Promise<void> {
  for (let step = 0; step < 500; step += 1) if (!(await store.retain()).more) return;
  throw new Error('upkeep never ends');
}

describe('upkeep', () => {
  it('answers a week at one-hour granularity, and as a whole, from at most 200 aggregates', async () => {
    const { store } = await open({ dataDir: false, mapSizeLimit: 1e9, now: () => HOUR_START_US + 168 * HOUR_US });
    const records = traffic({ count: 1344, fromUs: HOUR_START_US, everyUs: 450 * 1_000_000 });
    for (let from = 0; from < records.length; from += 5000) await store.append(records.slice(from, from + 5000));
    const week = { pool: 'ml', fromUs: HOUR_START_US, toUs: HOUR_START_US + 168 * HOUR_US };
    const before = store.statistics(week);
    await retainAll(store);
    let read = store.status.aggregatesRead;
    const series = store.series({ ...week, granularityMs: 3_600_000 });
    expect(store.status.aggregatesRead - read).toBeLessThanOrEqual(200);
    expect(series).toHaveLength(168);
    expect(series.every((point) => point.count === 8)).toBe(true);
    read = store.status.aggregatesRead;
    const after = store.statistics(week);
    expect(store.status.aggregatesRead - read).toBeLessThanOrEqual(200);
    expect({ ...after, quantities: undefined }).toEqual({ ...before, quantities: undefined });
    expect(after.quantities.latencyUs?.p99).toBe(before.quantities.latencyUs?.p99);
    expect(after.quantities.latencyUs?.mean).toBeCloseTo(before.quantities.latencyUs?.mean ?? 0, 6);
    // By type the week is read from cells: of hours, of recent minutes, of records.
    for (const dataType of ['tensor', 'json']) {
      const odd = { ...week, fromUs: week.fromUs + 17.5 * MINUTE_US, toUs: week.toUs - 40.25 * MINUTE_US, dataType };
      const expected = records.filter(
        (r) => r.timestampUs >= odd.fromUs && r.timestampUs < odd.toUs && r.dataType === dataType,
      );
      expect(store.statistics(odd).count).toBe(expected.length);
    }
  });

  it('adds what comes late to minutes and hours that were closed already', async () => {
    const { store } = await open({ now: () => HOUR_START_US + 12 * HOUR_US });
    const half = traffic({ count: 2000, fromUs: HOUR_START_US, everyUs: 10 * 1_000_000 });
    const late = traffic({
      count: 2000,
      seed: 2,
      fromUs: HOUR_START_US + 5_000_000,
      everyUs: 10 * 1_000_000,
      firstSequence: 5000,
    });
    await store.append(half);
    await retainAll(store);
    await store.append(late);
    const records = [...half, ...late];
    for (const query of [{}, { method: 'grpc' as const }, { dataType: 'json' }, { groupBy: 'format' as const }]) {
      const range = { pool: 'ml', fromUs: HOUR_START_US, toUs: HOUR_START_US + 6 * HOUR_US, ...query };
      const expected = records.filter(
        (r) =>
          r.timestampUs < range.toUs &&
          (query.method === undefined || r.method === query.method) &&
          (query.dataType === undefined || r.dataType === query.dataType),
      );
      expect(store.statistics(range).count).toBe(expected.length);
      await retainAll(store);
      expect(store.statistics(range).count).toBe(expected.length);
    }
  });

  it('counts every record once, whoever stores what between its smallest steps', async () => {
    const dataDir = directory();
    const now = () => HOUR_START_US + 4 * HOUR_US;
    const { store } = await open({ dataDir, now });
    // A second writer of the directory: minutes of which neither saw all records are made from what is stored.
    const other = await open({ dataDir, now });
    const everything = traffic({ count: 6000, fromUs: HOUR_START_US, everyUs: 2_000_000 });
    const appended: typeof everything = [];
    const append = async (to: MetricsStore, count: number) => {
      const batch = Array.from({ length: count }, (_, index) => everything[((appended.length + index) * 7919) % 6000])
        .filter((one) => one !== undefined)
        .map((one, index) => ({ ...one, transferId: `mgk2x0aabcde-${(appended.length + index).toString(36)}` }));
      appended.push(...batch);
      await to.append(batch);
    };
    await append(store, 1500);
    await append(other.store, 1500);
    for (let step = 0; step < 60; step += 1) {
      await (step % 3 === 0 ? other.store : store).retain({ budgetMs: 1 });
      if (step % 2 === 0) await append(step % 4 === 0 ? store : other.store, 20);
    }
    await retainAll(store);
    await append(other.store, 300);
    for (const query of [{}, { method: 'grpc' as const }, { dataType: 'json' }, { groupBy: 'sizeBand' as const }]) {
      const range = { pool: 'ml', fromUs: HOUR_START_US, toUs: HOUR_START_US + 4 * HOUR_US, ...query };
      const expected = appended.filter(
        (one) =>
          (range.method === undefined || one.method === range.method) &&
          (range.dataType === undefined || one.dataType === range.dataType),
      );
      expect([query, store.statistics(range).count]).toEqual([query, expected.length]);
      const series = store.series({ ...range, granularityMs: 3_600_000 });
      expect(series.map(({ count }) => count)).toEqual(
        [0, 1, 2, 3].map(
          (hour) => expected.filter((one) => Math.floor((one.timestampUs - HOUR_START_US) / HOUR_US) === hour).length,
        ),
      );
      expect(await other.store.statisticsInSlices(range)).toEqual(other.store.statistics(range));
    }
  });

  it('removes what is older than the retention, records, ids and aggregates alike', async () => {
    let nowUs = HOUR_START_US;
    const { store } = await open({ retentionHours: 2, now: () => nowUs });
    const records = traffic({ count: 1440, fromUs: HOUR_START_US, everyUs: 10 * 1_000_000 });
    await store.append(records);
    nowUs = HOUR_START_US + 4 * HOUR_US;
    await retainAll(store);
    const kept = records.filter((r) => r.timestampUs >= HOUR_START_US + 2 * HOUR_US);
    expect([...store.records()].map((r) => r.transferId)).toEqual(kept.map((r) => r.transferId));
    expect(store.statistics({ pool: 'ml' }).count).toBe(kept.length);
    expect(store.find(records[0]?.transferId ?? '')).toBeUndefined();
    expect(store.find(kept[0]?.transferId ?? '')).toEqual(kept[0]);
    nowUs += 24 * HOUR_US;
    await retainAll(store);
    expect([store.count(), store.statistics({ pool: 'ml' }).count, store.pools()]).toEqual([0, 0, []]);
  });

  it('merges the small blocks of a quiet pool, and every record and id is still found', async () => {
    const { store } = await open({ now: () => HOUR_START_US + 3 * HOUR_US });
    const records = traffic({ count: 300, fromUs: HOUR_START_US, everyUs: 1_000_000 });
    for (const one of records) await store.append([one]);
    let merged = 0;
    for (let step = 0; step < 50; step += 1) merged += (await store.retain()).compactedBlocks;
    expect(merged).toBe(295);
    expect([...store.records()]).toEqual(records);
    expect(store.count()).toBe(300);
    for (const one of [records[0], records[150], records[299]]) expect(store.find(one?.transferId ?? '')).toEqual(one);
    expect(store.statistics({ pool: 'ml' }).count).toBe(300);
  });

  it('keeps 10 000 pools with hostile names apart', async () => {
    const { store } = await open({ now: () => HOUR_START_US + HOUR_US });
    const name = (index: number) =>
      ['__proto__', 'constructor', '\u0000', '#', 'x'.repeat(3000), '\ud83d'][index] ?? `pool ${index}`;
    const records = Array.from({ length: 10_000 }, (_, index) =>
      record({
        pool: name(index),
        transferId: `mgk2x0aabcde-${index.toString(36)}`,
        timestampUs: HOUR_START_US + index,
      }),
    );
    await store.append(records);
    expect(store.count()).toBe(10_000);
    expect(store.pools()).toHaveLength(10_000);
    for (let index = 0; index < 8; index += 1) {
      expect([index, store.statistics({ pool: name(index) }).count]).toEqual([index, 1]);
      expect(store.count({ pool: name(index) })).toBe(1);
    }
    await store.retain();
    expect(store.statistics({ pool: '__proto__', groupBy: 'method' }).groups?.get('grpc')?.count).toBe(1);
  }, 60_000);

  it('comes to every pool, however short its steps', async () => {
    const { store } = await open({ dataDir: false, now: () => HOUR_START_US + HOUR_US });
    const ofPool = (pool: number) =>
      record({ pool: `pool ${pool}`, transferId: `mgk2x0aabcde-${pool.toString(36)}`, timestampUs: HOUR_START_US });
    await store.append(Array.from({ length: 500 }, (_, pool) => ofPool(pool)));
    let sealed = 0;
    let steps = 0;
    for (let more = true; more; steps += 1) {
      const step = await store.retain({ budgetMs: 1 });
      sealed += step.sealedMinutes;
      more = step.more;
    }
    expect(sealed).toBe(500);
    expect(steps).toBeGreaterThan(3);
  });

  it('copies itself while it is written to', async () => {
    const dataDir = directory();
    const { store } = await open({ dataDir });
    await store.append(traffic({ count: 5000 }));
    const copyDir = directory();
    const copying = store.backup(`${copyDir}/lmdb`);
    await store.append(traffic({ count: 1000, seed: 2, firstSequence: 9000 }));
    await copying;
    const copy = await open({ dataDir: copyDir });
    expect(copy.store.status.kind).toBe('durable');
    expect([5000, 6000]).toContain(copy.store.count());
    expect(copy.store.statistics({ pool: 'ml' }).count).toBe(copy.store.count());
  });

  it('does not let a reader that is left open grow the file', async () => {
    const grown = async (withReader: boolean) => {
      const dataDir = directory();
      const { store } = await open({ dataDir, retentionHours: 1, now: () => HOUR_START_US + 3 * HOUR_US });
      await store.append(traffic({ count: 8000, fromUs: HOUR_START_US + 2.5 * HOUR_US, everyUs: 1000 }));
      const reading = store.records({ pool: 'ml' });
      for (let index = 0; withReader && index < 10; index += 1) reading.next();
      // Pages are given back under the reader's feet: it holds no transaction between two records.
      for (let round = 0; round < 20; round += 1) {
        await store.append(traffic({ count: 2000, seed: round, fromUs: HOUR_START_US, everyUs: 100, pool: 'old' }));
        while ((await store.retain()).more);
      }
      expect([...reading].length).toBe(withReader ? 7990 : 8000);
      expect(store.count({ pool: 'old' })).toBe(0);
      return statSync(join(dataDir, 'lmdb', 'data.mdb')).size;
    };
    const [alone, beside] = [await grown(false), await grown(true)];
    // 20 rounds that were pinned would be many times this.
    expect(beside).toBeLessThan(alone * 1.5);
  });
});
