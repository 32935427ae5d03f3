/** A store that is only looked at, and a directory that cannot be written until later. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { record, traffic } from './support/records.ts';
import { smallDisk } from './support/small-disk.ts';
import { stores } from './support/stores.ts';

const { open, directory } = stores();
const disk = smallDisk(8);
const VERSION_1 = fileURLToPath(new URL('./fixtures/store-v1/data.mdb', import.meta.url));

/** A directory with a store of 500 records, written by schema version 1, that no process has opened since. */
function resting(dataDir = directory()): string {
  mkdirSync(join(dataDir, 'lmdb'), { recursive: true });
  cpSync(VERSION_1, join(dataDir, 'lmdb', 'data.mdb'));
  return dataDir;
}

describe('a store opened to be read only', () => {
  it('answers every question and leaves the directory as it is', async () => {
    const dataDir = resting();
    const file = join(dataDir, 'lmdb', 'data.mdb');
    const before = [readFileSync(file), statSync(file).mtimeMs];
    const { store, warnings } = await open({ dataDir, readOnly: true });
    expect(store.status).toMatchObject({ kind: 'durable', writer: 'none' });
    expect(store.pools()).toEqual(['ml']);
    expect(store.count()).toBe(500);
    expect(store.statistics({ pool: 'ml', groupBy: 'dataType' }).count).toBe(500);
    expect([...store.records()]).toHaveLength(500);
    expect(store.get('thresholds', 'ml')).toEqual({ tensor: 1_048_576 });
    expect(store.getBytes('models', 'ml')).toEqual(new Uint8Array([1, 2, 3]));
    // Version 1 had no database of events.
    expect([...store.entries('events')]).toEqual([]);
    expect(store.get('events', 'x')).toBeUndefined();
    await store.close();
    expect(warnings).toEqual([]);
    expect([readFileSync(file), statSync(file).mtimeMs]).toEqual(before);
    expect(readdirSync(join(dataDir, 'lmdb')).filter((name) => name !== 'lock.mdb')).toEqual(['data.mdb']);
    expect(readdirSync(dataDir)).toEqual(['lmdb']);
  });

  it('refuses to write, and to clean up', async () => {
    const { store } = await open({ dataDir: resting(), readOnly: true });
    const refused = expect.objectContaining({ code: 'PITWALL_STORE_READ_ONLY' });
    await expect(store.append([record()])).rejects.toEqual(refused);
    await expect(store.put('thresholds', 'ml', 1)).rejects.toEqual(refused);
    await expect(store.remove('thresholds', 'ml')).rejects.toEqual(refused);
    await expect(store.retain()).rejects.toEqual(refused);
    expect(store.count()).toBe(500);
  });

  it('sees what a host writes beside it, from the next question on', async () => {
    const dataDir = directory();
    const host = await open({ dataDir });
    await host.store.append(traffic({ count: 100 }));
    const { store } = await open({ dataDir, readOnly: true });
    expect(store.count()).toBe(100);
    await host.store.append(traffic({ count: 50, firstSequence: 500 }));
    expect(store.count()).toBe(150);
    await store.close();
    await host.store.append(traffic({ count: 50, firstSequence: 900 }));
    expect(host.store.count()).toBe(200);
  });

  it('is refused where no store is, and where it is damaged: which stays where it is', async () => {
    const empty = directory();
    await expect(open({ dataDir: empty, readOnly: true })).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
    await expect(open({ dataDir: false, readOnly: true })).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
    expect(readdirSync(empty)).toEqual([]);
    const dataDir = resting();
    truncateSync(join(dataDir, 'lmdb', 'data.mdb'), 6000);
    await expect(open({ dataDir, readOnly: true })).rejects.toMatchObject({ code: 'PITWALL_STORE_CORRUPT' });
    expect(readdirSync(dataDir)).toEqual(['lmdb']);
  });
});

describe.runIf(disk !== undefined)('a disk that is read-only', () => {
  it('shows what is stored on it', async () => {
    const dataDir = resting(join(disk?.path ?? '', 'shown'));
    disk?.readOnly(true);
    try {
      const { store } = await open({ dataDir, readOnly: true });
      expect(store.count()).toBe(500);
      await store.close();
    } finally {
      disk?.readOnly(false);
    }
  });

  it('is written to when it can be: what memory kept moves over, nothing restarts', async () => {
    const dataDir = join(disk?.path ?? '', 'later');
    const first = await open({ dataDir });
    await first.store.append(traffic({ count: 100 }));
    await first.store.put('thresholds', 'ml', 'old');
    await first.store.close();
    disk?.readOnly(true);
    const { store, warnings } = await open({ dataDir });
    try {
      expect(store.status).toMatchObject({
        kind: 'memory',
        reason: expect.stringContaining('PITWALL_STORE_READ_ONLY'),
      });
      await store.append(traffic({ count: 9000, firstSequence: 1000 }));
      await store.put('thresholds', 'ml', 'new');
      await store.retain();
      expect(store.status.kind).toBe('memory');
    } finally {
      disk?.readOnly(false);
    }
    const meanwhile = store.retain();
    await store.append(traffic({ count: 10, firstSequence: 50_000 }));
    await meanwhile;
    expect(store.status).toMatchObject({ kind: 'durable', reason: undefined });
    expect(store.count()).toBe(9110);
    expect(warnings).toEqual([expect.stringContaining('nothing will survive'), expect.stringContaining('durable')]);
    await store.close();
    const again = await open({ dataDir });
    expect(again.store.count()).toBe(9110);
    expect(again.store.get('thresholds', 'ml')).toBe('new');
  });

  it('moves each record once, however often it fills up on the way', async () => {
    const dataDir = join(disk?.path ?? '', 'full');
    disk?.readOnly(true);
    const { store } = await open({ dataDir });
    try {
      for (let batch = 0; batch < 10; batch += 1) {
        await store.append(traffic({ count: 4096, seed: batch, firstSequence: batch * 4096 + 1 }));
      }
    } finally {
      disk?.readOnly(false);
    }
    disk?.fill(1_200_000);
    await store.retain();
    expect(store.status.kind).toBe('memory');
    expect(store.count()).toBe(40_960);
    disk?.makeRoom();
    await store.retain();
    expect(store.status.kind).toBe('durable');
    expect(store.count()).toBe(40_960);
  });
});
