/** The built store (dist/metrics/store.js) among real processes and threads. */
import { describe, expect, it } from 'vitest';
import { openStore } from '../../dist/metrics/store.js';
import { children } from './support/children.ts';
import { traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { directory, adopt } = stores();
const child = children();

/** Rounds of the kill test: PITWALL_KILL_ROUNDS=50 for the long form. */
const KILL_ROUNDS = Number(process.env.PITWALL_KILL_ROUNDS ?? 5);

async function openBuilt(dataDir: string) {
  const warnings: string[] = [];
  const store = adopt(
    await openStore({
      dataDir,
      now: () => Date.now() * 1000,
      retentionHours: 168,
      onWarning: (message) => warnings.push(message),
    }),
  );
  return { store, warnings };
}

describe('the built store', () => {
  it('writes in a thread of its own and sees what it wrote', async () => {
    const { store } = await openBuilt(directory());
    expect(store.status).toMatchObject({ kind: 'durable', writer: 'thread' });
    const records = traffic({ count: 5000, fromUs: Date.now() * 1000 - 3_600_000_000 });
    await store.append(records);
    expect([...store.records({ pool: 'ml' })]).toEqual(records);
    await store.put('thresholds', 'ml', { tensor: 1 });
    expect(store.get('thresholds', 'ml')).toEqual({ tensor: 1 });
    expect((await store.retain()).sealedMinutes).toBeGreaterThan(0);
    expect(store.statistics({ pool: 'ml', dataType: 'tensor' }).count).toBe(
      records.filter((r) => r.dataType === 'tensor').length,
    );
  });

  it('is shared by two processes that write and one that reads', async () => {
    const dataDir = directory();
    const { store, warnings } = await openBuilt(dataDir);
    const writers = [child('write', dataDir, 'ml', '60', '200'), child('write', dataDir, 'ml', '60', '200')];
    let seen = 0;
    const reading = setInterval(() => {
      const count = store.count({ pool: 'ml' });
      expect(count).toBeGreaterThanOrEqual(seen);
      seen = count;
    }, 5);
    expect(await Promise.all(writers.map((writer) => writer.ended))).toEqual([
      [0, null],
      [0, null],
    ]);
    clearInterval(reading);
    expect(seen).toBeGreaterThan(0);
    expect(store.count({ pool: 'ml' })).toBe(24_000);
    expect(store.statistics({ pool: 'ml' }).count).toBe(24_000);
    expect(store.statistics({ pool: 'ml', groupBy: 'method' }).groups?.get('grpc')?.count).toBe(12_000);
    expect(new Set([...store.records({ pool: 'ml' })].map((r) => r.transferId)).size).toBe(24_000);
    expect(store.status.corruptValues).toBe(0);
    expect(
      [...warnings, ...writers.flatMap((writer) => writer.events.map((event) => event.warning))].filter(Boolean),
    ).toEqual([]);
  });

  it(`keeps every flushed record through kill -9, ${KILL_ROUNDS} times`, async () => {
    const dataDir = directory();
    let durable = 0;
    for (let round = 0; round < KILL_ROUNDS; round += 1) {
      const writer = child('write_forever', dataDir, 'ml', '0', '700');
      await writer.until((event) => (event.durable ?? 0) >= 700 * (3 + (round % 7)));
      await writer.kill();
      durable += Math.max(...writer.events.map((event) => event.durable ?? 0));
      const { store, warnings } = await openBuilt(dataDir);
      expect(warnings).toEqual([]);
      const count = store.count();
      expect(count).toBeGreaterThanOrEqual(durable);
      expect([...store.records()]).toHaveLength(count);
      expect(store.statistics({ pool: 'ml' }).count).toBe(count);
      expect(store.status.corruptValues).toBe(0);
      await store.close();
      durable = count;
    }
  });

  it.each([0, 1, 2, 3])('ends when the process exits during a write, and nothing is damaged (try %i)', async () => {
    const dataDir = directory();
    const writer = child('exit_during_flush', dataDir);
    expect(await writer.ended).toEqual([7, null]);
    const { store, warnings } = await openBuilt(dataDir);
    expect(warnings).toEqual([]);
    expect([10, 60_010]).toContain(store.count());
  });

  it('neither keeps a process alive nor hinders its exit', async () => {
    const dataDir = directory();
    expect(await child('leave_open', dataDir).ended).toEqual([0, null]);
    expect(await child('exit_idle', dataDir).ended).toEqual([7, null]);
    const { store, warnings } = await openBuilt(dataDir);
    expect(warnings).toEqual([]);
    expect(store.count()).toBe(20);
  });

  it('works beside 130 readers, and clears the slots of those that were killed', async () => {
    const dataDir = directory();
    const { store } = await openBuilt(dataDir);
    const readers = child('hold_readers', dataDir, '130');
    expect((await readers.until((event) => event.held !== undefined)).held).toBe(130);
    await store.append(traffic({ count: 100 }));
    expect(store.count()).toBe(100);
    await readers.kill();
    await store.close();
    const again = await openBuilt(dataDir);
    expect(again.warnings).toEqual([]);
    expect(again.store.count()).toBe(100);
  });
});
