/** The built store (dist/metrics/store.js) among real processes and threads. */
import { describe, expect, it } from 'vitest';
import { openStore } from '../../dist/metrics/store.js';
import { children } from './support/children.ts';
import { traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { directory, adopt } = stores();
const child = children();

/** Rounds of the kill test: PITWALL_KILL_ROUNDS=50 for the long form. */
const KILL_ROUNDS = Number(process.env.PITWALL_KILL_ROUNDS ?? 3);

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

  it(`keeps every flushed record through kill -9, ${KILL_ROUNDS} times`, {
    timeout: 120_000 + KILL_ROUNDS * 20_000,
  }, async () => {
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

  it.each([0, 1])('ends when the process exits during a write, and nothing is damaged (try %i)', async () => {
    const dataDir = directory();
    const writer = child('exit_during_flush', dataDir);
    expect(await writer.ended).toEqual([7, null]);
    const { store, warnings } = await openBuilt(dataDir);
    expect(warnings).toEqual([]);
    // Batches are stored whole or not at all.
    expect(store.count() % 1000).toBe(10);
    expect(store.statistics({ pool: 'ml' }).count).toBe(store.count());
  });

  it('neither keeps a process alive nor hinders its exit', async () => {
    const dataDir = directory();
    expect(await child('leave_open', dataDir).ended).toEqual([0, null]);
    expect(await child('exit_idle', dataDir).ended).toEqual([7, null]);
    const { store, warnings } = await openBuilt(dataDir);
    expect(warnings).toEqual([]);
    expect(store.count()).toBe(20);
  });

  it('works beside 130 readers, and clears the slots of 20 that were killed when it is opened', async () => {
    const dataDir = directory();
    const { store } = await openBuilt(dataDir);
    const readers = [110, 5, 5, 5, 5].map((count) => child('hold_readers', dataDir, String(count)));
    const held = await Promise.all(readers.map((each) => each.until((event) => event.held !== undefined)));
    expect(held.map((event) => event.held)).toEqual([110, 5, 5, 5, 5]);
    await store.append(traffic({ count: 100 }));
    expect(store.count()).toBe(100);
    await Promise.all(readers.slice(1).map((each) => each.kill()));
    const event = await child('count_readers', dataDir).until(({ readers }) => readers !== undefined);
    expect(event.status).toMatchObject({ kind: 'durable' });
    // The 110, and a few of the stores' own: of this process, of its thread, of the one that counts.
    expect(event.readers).toBeGreaterThanOrEqual(110);
    expect(event.readers).toBeLessThan(120);
    expect(store.count()).toBe(100);
  });

  it('says so when every slot of a reader is taken, and works when some are free', async () => {
    const dataDir = directory();
    await (await openBuilt(dataDir)).store.close();
    const readers = child('hold_readers', dataDir, '1100');
    const { held = 0, refusal } = await readers.until((event) => event.held !== undefined);
    expect([held > 1000, refusal]).toEqual([true, expect.stringContaining('MDB_READERS_FULL')]);
    const late = await openBuilt(dataDir);
    expect(late.store.status).toMatchObject({
      kind: 'memory',
      reason: expect.stringContaining('PITWALL_STORE_READERS_FULL'),
    });
    await late.store.append(traffic({ count: 100, fromUs: Date.now() * 1000 }));
    await readers.kill();
    await late.store.retain();
    expect(late.store.status.kind).toBe('durable');
    expect(late.store.count()).toBe(100);
  });

  it.each(['exit', 'throw'])(
    'outlives a worker thread that held it and ended by %s in the middle of a write',
    async (how) => {
      const dataDir = directory();
      const process = child('thread_exits', dataDir, how);
      const event = await process.until(({ here }) => here !== undefined);
      expect(event).toMatchObject({ before: 0, after: 100, code: how === 'exit' ? 3 : 1, here: 10 });
      expect([100, 30_000]).toContain(event.total);
      expect(await process.ended).toEqual([0, null]);
      const { store, warnings } = await openBuilt(dataDir);
      expect(warnings).toEqual([]);
      expect(store.count({ pool: 'ml' })).toBe(event.total);
    },
  );
});
