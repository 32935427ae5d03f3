import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open as openLmdb } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { MemoryKeyValue } from '../../src/metrics/memory-key-value.ts';
import { decodeNumber, encodeNumber } from '../../src/metrics/meta.ts';
import { MIGRATIONS, migrate } from '../../src/metrics/migrations.ts';
import { record, traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open, directory } = stores();

/** A store that schema version 1 wrote: 500 records of `traffic({ count: 500, everyUs: 500_000 })`, sealed; a threshold; a model. */
const VERSION_1_DATABASES = [
  'metrics',
  'aggregates',
  'models',
  'thresholds',
  'policies',
  'baselines',
  'experiments',
  'meta',
];
const VERSION_1 = fileURLToPath(new URL('./fixtures/store-v1/data.mdb', import.meta.url));

describe('a migration', () => {
  const env = () => new MemoryKeyValue(1e6);

  it('runs every step from the version found, once, in order', () => {
    const environment = env();
    const ran: number[] = [];
    const steps = [0, 1, 2].map((step) => () => void ran.push(step));
    expect(migrate(environment, steps.slice(0, 1))).toBe(0);
    expect(migrate(environment, steps)).toBe(1);
    expect(migrate(environment, steps)).toBe(3);
    expect(ran).toEqual([0, 1, 2]);
  });

  it('that fails changes nothing and can be tried again', () => {
    const environment = env();
    migrate(environment, [() => undefined]);
    const failing = [
      () => undefined,
      (transaction: Parameters<(typeof MIGRATIONS)[number]>[0]) => {
        transaction.put('thresholds', ['ml'], encodeNumber(1));
        throw new Error('half way');
      },
    ];
    expect(() => migrate(environment, failing)).toThrow('half way');
    expect(environment.get('thresholds', ['ml'])).toBeUndefined();
    expect(migrate(environment, [() => undefined, () => undefined])).toBe(1);
  });

  it('leaves a newer store alone', () => {
    const environment = env();
    migrate(environment, [...MIGRATIONS, () => undefined]);
    expect(() => migrate(environment)).toThrow(expect.objectContaining({ code: 'PITWALL_STORE_NEWER' }));
  });
});

describe('the store of schema version 1', () => {
  it('is read in full by this version', async () => {
    const dataDir = directory();
    mkdirSync(join(dataDir, 'lmdb'), { recursive: true });
    cpSync(VERSION_1, join(dataDir, 'lmdb', 'data.mdb'));
    const { store, warnings } = await open({ dataDir });
    expect(warnings).toEqual([]);
    expect(store.status.kind).toBe('durable');
    const records = traffic({ count: 500, everyUs: 500_000 });
    expect([...store.records({ pool: 'ml' })]).toEqual(records);
    expect(store.statistics({ pool: 'ml', groupBy: 'dataType' }).count).toBe(500);
    expect(store.find(records[250]?.transferId ?? '')).toEqual(records[250]);
    expect(store.get('thresholds', 'ml')).toEqual({ tensor: 1_048_576 });
    expect(store.getBytes('models', 'ml')).toEqual(new Uint8Array([1, 2, 3]));
    expect([...store.entries('events')]).toEqual([]);
    await store.put('events', 'later', 1);
    expect(store.get('events', 'later')).toBe(1);
  });

  it('is still read by a version that knows no events, after this one wrote some', async () => {
    const dataDir = directory();
    const { store } = await open({ dataDir });
    await store.put('events', 'later', 1);
    await store.append([record()]);
    await store.close();
    // As version 1 opened it: eight databases, room for twelve, and the same schema version.
    const older = openLmdb({ path: join(dataDir, 'lmdb'), noSubdir: false, encoding: 'binary', maxDbs: 12 });
    const entries = VERSION_1_DATABASES.map((name) => older.openDB(name, { encoding: 'binary' }).getCount());
    const schema = decodeNumber(older.openDB('meta', { encoding: 'binary' }).get(['schema']));
    await older.close();
    expect(entries[0]).toBe(1);
    expect(schema).toBe(1);
  });
});
