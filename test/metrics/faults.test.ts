import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { record, START_US, traffic } from './support/records.ts';
import { smallDisk } from './support/small-disk.ts';
import { stores } from './support/stores.ts';

const { open, directory } = stores();

/** A directory with a store of 20 000 records in it, closed. */
async function filled(): Promise<string> {
  const dataDir = directory();
  const { store } = await open({ dataDir });
  const records = traffic({ count: 20_000 });
  for (let from = 0; from < records.length; from += 2000) await store.append(records.slice(from, from + 2000));
  await store.put('thresholds', 'ml', 5);
  await store.close();
  return dataDir;
}

const DAMAGES: readonly { readonly damage: string; readonly inflict: (file: string) => void }[] = [
  { damage: 'cut in half', inflict: (file) => truncateSync(file, Math.floor(statSync(file).size / 2)) },
  { damage: 'cut to less than its header', inflict: (file) => truncateSync(file, 5000) },
  { damage: 'overwritten from the start', inflict: (file) => overwrite(file, 0, statSync(file).size, 0x5a) },
  { damage: 'without one of its header pages', inflict: (file) => overwrite(file, 4096, 4096, 0) },
  {
    damage: 'overwritten but for its header',
    inflict: (file) => overwrite(file, 8192, statSync(file).size - 8192, 0xa5),
  },
  { damage: 'zeroed but for its header', inflict: (file) => overwrite(file, 8192, statSync(file).size - 8192, 0) },
  { damage: 'of another program', inflict: (file) => writeFileSync(file, 'SQLite format 3\0'.repeat(4000)) },
];

function overwrite(file: string, from: number, length: number, byte: number): void {
  const bytes = readFileSync(file);
  bytes.fill(byte, from, from + length);
  writeFileSync(file, bytes);
}

describe('a data file', () => {
  it.each(DAMAGES)('$damage is moved aside and reported, and the store starts afresh', async ({ inflict }) => {
    const dataDir = await filled();
    inflict(join(dataDir, 'lmdb', 'data.mdb'));
    const { store, warnings } = await open({ dataDir });
    expect(store.status.kind).toBe('durable');
    expect(store.count()).toBe(0);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('damaged');
    const aside = readdirSync(dataDir).filter((name) => name.startsWith('damaged-'));
    expect(aside).toHaveLength(1);
    expect(readdirSync(join(dataDir, aside[0] ?? ''))).toContain('data.mdb');
    await store.append([record()]);
    await store.close();
    const again = await open({ dataDir });
    expect(again.warnings).toEqual([]);
    expect(again.store.count()).toBe(1);
  });

  it('sound, left behind without a seal by a crash, is kept', async () => {
    const dataDir = await filled();
    rmSync(join(dataDir, 'lmdb', 'seal.json'));
    const { store, warnings } = await open({ dataDir });
    expect(warnings).toEqual([]);
    expect(store.count()).toBe(20_000);
  });

  it('sound, with a lock file of rubbish, is kept', async () => {
    const dataDir = await filled();
    writeFileSync(join(dataDir, 'lmdb', 'lock.mdb'), Buffer.alloc(8192, 0x77));
    const { store } = await open({ dataDir });
    expect(store.status.kind).toBe('durable');
    expect(store.count()).toBe(20_000);
  });

  it('with one damaged block answers the rest and says so once', async () => {
    const dataDir = directory();
    const first = await open({ dataDir });
    await first.store.append(traffic({ count: 4096, everyUs: 10 }));
    await first.store.append(traffic({ count: 4096, everyUs: 10, pool: 'other' }));
    await first.store.close();
    const file = join(dataDir, 'lmdb', 'data.mdb');
    const bytes = readFileSync(file);
    // In the middle of the first block's ids, which is in no page of the tree itself.
    const at = bytes.indexOf('mgk2x0aabcde-1') + 30;
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
    const { store, warnings } = await open({ dataDir });
    expect([...store.records()]).toHaveLength(4096);
    expect(store.statistics({ pool: 'ml' }).count + store.statistics({ pool: 'other' }).count).toBe(8192);
    expect(store.status.corruptValues).toBeGreaterThan(0);
    expect(warnings).toHaveLength(1);
  });
});

describe('a directory that cannot be used', () => {
  it.each([
    ['a file in its place', (path: string) => writeFileSync(path, 'not a directory')],
    [
      'a file in the place of the store',
      (path: string) => {
        mkdirSync(path);
        writeFileSync(join(path, 'lmdb'), '');
      },
    ],
  ])('(%s) makes the store one in memory, said once', async (_what, prepare) => {
    const path = join(directory(), 'data');
    prepare(path);
    const { store, warnings } = await open({ dataDir: path });
    expect(store.status.kind).toBe('memory');
    expect(store.status.reason).toBeTruthy();
    expect(warnings).toHaveLength(1);
    await store.append([record()]);
    expect(store.count()).toBe(1);
  });
});

describe('the size limit', () => {
  it('refuses records with a stable code, keeps the rest, and gives up the oldest hours when asked to', async () => {
    const { store } = await open({ mapSizeLimit: 3_000_000, now: () => START_US + 17 * 3_600_000_000 });
    let refused: unknown;
    let appended = 0;
    for (let hour = 0; hour < 100 && refused === undefined; hour += 1) {
      try {
        await store.append(traffic({ count: 3000, seed: hour, fromUs: START_US + hour * 1_200_000_000 }));
        appended += 3000;
      } catch (error) {
        refused = error;
      }
    }
    expect(refused).toMatchObject({ code: 'PITWALL_STORE_FULL' });
    expect(store.count()).toBe(appended);
    for (let step = 0; step < 20 && (await store.retain()).more; step += 1);
    const left = store.count();
    expect(left).toBeLessThan(appended);
    expect(left).toBeGreaterThan(0);
    await store.append(traffic({ count: 3000, seed: 99, fromUs: START_US + 16 * 3_600_000_000 }));
    expect(store.count()).toBe(left + 3000);
  });

  it('holds in memory, too', async () => {
    const { store } = await open({ dataDir: false, mapSizeLimit: 1_048_576 });
    const fill = async () => {
      for (let batch = 0; batch < 100; batch += 1) await store.append(traffic({ count: 4000, seed: batch }));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'PITWALL_STORE_FULL' });
    expect(store.count() % 4000).toBe(0);
  });
});

const small = smallDisk(4);

describe.runIf(small !== undefined)('a full disk', () => {
  it('refuses batches whole, damages nothing, and takes records again when space returns', async () => {
    const dataDir = join(small?.path ?? '', 'data');
    const { store, warnings } = await open({ dataDir });
    expect(store.status.kind).toBe('durable');
    await store.append(traffic({ count: 2000 }));
    small?.fill(1_300_000);
    let stored = 2000;
    let refused: unknown;
    for (let batch = 1; batch < 60 && refused === undefined; batch += 1) {
      try {
        await store.append(traffic({ count: 2000, seed: batch }));
        stored += 2000;
      } catch (error) {
        refused = error;
      }
    }
    expect(refused).toMatchObject({ code: 'PITWALL_STORE_FULL' });
    await expect(store.append(traffic({ count: 2000, seed: 70 }))).rejects.toMatchObject({
      code: 'PITWALL_STORE_FULL',
    });
    expect(store.count()).toBe(stored);
    expect(store.statistics({ pool: 'ml' }).count).toBe(stored);
    small?.makeRoom();
    await store.append(traffic({ count: 2000, seed: 71 }));
    expect(store.count()).toBe(stored + 2000);
    expect(store.statistics({ pool: 'ml' }).count).toBe(stored + 2000);
    await store.close();
    const again = await open({ dataDir });
    expect(again.store.count()).toBe(stored + 2000);
    expect([...warnings, ...again.warnings]).toEqual([]);
  });
});
