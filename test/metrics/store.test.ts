import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { record, START_US, traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open, directory } = stores();
const MINUTE_US = 60_000_000;

/** Both homes of the same store: what one does the other does. */
const HOMES = [
  { home: 'on LMDB', dataDir: (): string | false => directory() },
  { home: 'in memory', dataDir: (): string | false => false },
];

describe.each(HOMES)('a store $home', ({ dataDir }) => {
  it('says where it keeps its records', async () => {
    const { store, warnings } = await open({ dataDir: dataDir() });
    expect(store.status.kind).toMatch(/durable|memory/);
    expect(warnings).toEqual([]);
  });

  it('gives every record back as it was', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const odd = [
      record({
        transferId: 'odd 1',
        pool: '__proto__',
        dataType: 'constructor',
        format: 'ünï\u0000cødé',
        latencyUs: 0,
        throughputMBps: 0,
      }),
      record({
        transferId: 'odd 2',
        pool: 'p'.repeat(4000),
        dataSize: Number.MAX_SAFE_INTEGER,
        latencyUs: 1e-9,
        predictedLatencyUs: undefined,
        predictionError: undefined,
      }),
      record({
        transferId: '',
        pool: '',
        outcome: 'ignored',
        warm: false,
        memoryUsed: 0,
        timestampUs: 0,
        throughputMBps: 3,
      }),
    ];
    const records = [...traffic({ count: 5000 }), ...odd];
    await store.append(records);
    const key = (r: TransferRecord) => r.transferId;
    const sorted = (list: Iterable<TransferRecord>) => [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1));
    expect(sorted(store.records())).toEqual(sorted(records));
    expect(store.count()).toBe(records.length);
    expect(new Set(store.pools())).toEqual(new Set(['ml', '__proto__', 'p'.repeat(4000), '']));
  });

  it('reads a range in order of time, forwards and backwards, across batches that overlap', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const records = traffic({ count: 6000, everyUs: 30_000 });
    for (let part = 0; part < 7; part += 1) await store.append(records.filter((_, index) => index % 7 === part));
    const fromUs = START_US + 31 * 1_000_000;
    const toUs = START_US + 127 * 1_000_000;
    const expected = records.filter((r) => r.timestampUs >= fromUs && r.timestampUs < toUs).map((r) => r.transferId);
    expect([...store.records({ pool: 'ml', fromUs, toUs })].map((r) => r.transferId)).toEqual(expected);
    expect([...store.records({ pool: 'ml', fromUs, toUs, reverse: true })].map((r) => r.transferId)).toEqual(
      expected.reverse(),
    );
    expect([...store.records({ pool: 'ml', limit: 3, reverse: true })].map((r) => r.timestampUs)).toEqual(
      records
        .slice(-3)
        .map((r) => r.timestampUs)
        .reverse(),
    );
    expect(store.count({ pool: 'ml', fromUs, toUs })).toBe(expected.length);
  });

  it('finds a transfer by its id', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const records = traffic({ count: 9000, everyUs: 20_000 });
    await store.append(records);
    await store.append([record({ transferId: 'a host has ids of its own', latencyUs: 7 })]);
    for (const index of [0, 4095, 4096, 8999])
      expect(store.find(records[index]?.transferId ?? '')).toEqual(records[index]);
    expect(store.find('a host has ids of its own')?.latencyUs).toBe(7);
    expect(store.find('mgk2x0aabcde-zzzz')).toBeUndefined();
  });

  it('keeps named values, JSON and bytes, under any name', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const value = JSON.parse('{"__proto__": {"a": 1}, "list": [1, 2.5, null, "x"]}');
    await store.put('thresholds', '__proto__', value);
    await store.put('thresholds', 'ml/tensor', 7);
    await store.put('thresholds', `ml/${'long'.repeat(500)}`, 'long');
    await store.putBytes('models', 'ml', new Uint8Array([1, 2, 3]));
    expect(JSON.stringify(store.get('thresholds', '__proto__'))).toBe(JSON.stringify(value));
    expect([...store.entries('thresholds', 'ml/')].map(([key]) => key).sort()).toEqual(
      [`ml/${'long'.repeat(500)}`, 'ml/tensor'].sort(),
    );
    expect(store.getBytes('models', 'ml')).toEqual(new Uint8Array([1, 2, 3]));
    expect(store.get('models', 'ml')).toBeUndefined();
    await store.remove('thresholds', 'ml/tensor');
    expect(store.get('thresholds', 'ml/tensor')).toBeUndefined();
  });

  it('finds named values by any prefix', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const names = ['a', 'a~', 'ab', 'aé', 'b', '', ' a', '#', '#a', '$', '~', 'a\u007f', `a${'b'.repeat(200)}`];
    for (const name of names) await store.put('events', name, name);
    for (const prefix of ['', 'a', 'ab', 'aé', 'b', 'c', ' ', '#', '##', '$', '~', 'a\u007f', 'é', 'abb']) {
      const found = [...store.entries('events', prefix)].map(([key]) => key);
      expect([prefix, found.sort()]).toEqual([prefix, names.filter((name) => name.startsWith(prefix)).sort()]);
    }
  });

  it('leaves out what is no record, counts it, and says so once', async () => {
    const { store, warnings } = await open({ dataDir: dataDir() });
    const bad = [
      { latencyUs: Number.NaN },
      { timestampUs: 1.5 },
      { method: 'pigeon' },
      { outcome: 3 },
    ] as unknown as Partial<TransferRecord>[];
    await store.append([...bad.map((overrides) => record(overrides)), record()]);
    expect(store.count()).toBe(1);
    expect(store.status.rejectedRecords).toBe(4);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('latencyUs');
  });

  it('counts, sums and groups as the records say', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const records = traffic({ count: 8000, everyUs: 25_000 });
    for (let from = 0; from < records.length; from += 500) await store.append(records.slice(from, from + 500));
    const fromUs = START_US + 10_500_000;
    const toUs = START_US + 2.7 * MINUTE_US;
    const within = records.filter((r) => r.timestampUs >= fromUs && r.timestampUs < toUs);
    const all = store.statistics({ pool: 'ml', fromUs, toUs });
    expect(all.count).toBe(within.length);
    expect(all.failed).toBe(within.filter((r) => r.outcome === 'failed').length);
    expect(all.zeroCopy).toBe(within.filter((r) => r.method === 'zero_copy').length);
    const latencies = within.filter((r) => r.outcome === 'success').map((r) => r.latencyUs);
    expect(all.quantities.latencyUs?.mean).toBeCloseTo(latencies.reduce((a, b) => a + b, 0) / latencies.length, 6);
    expect(all.quantities.latencyUs?.max).toBe(Math.max(...latencies));
    expect(all.quantities.memoryUsed).toBeUndefined();
    const grpc = store.statistics({ pool: 'ml', fromUs, toUs, method: 'grpc', dataType: 'tensor' });
    expect(grpc.count).toBe(within.filter((r) => r.method === 'grpc' && r.dataType === 'tensor').length);
    const byType = store.statistics({ pool: 'ml', fromUs, toUs, groupBy: 'dataType' });
    expect(byType.count).toBe(within.length);
    expect(new Map([...(byType.groups ?? [])].map(([type, group]) => [type, group.count]))).toEqual(
      new Map(
        ['tensor', 'dataframe', 'json', 'binary'].map((type) => [
          type,
          within.filter((r) => r.dataType === type).length,
        ]),
      ),
    );
  });

  it('gives series of any granularity', async () => {
    const { store } = await open({ dataDir: dataDir() });
    const records = traffic({ count: 4000, everyUs: 100_000 });
    await store.append(records);
    for (const granularityMs of [1000, 7000, 30_000, 60_000, 90_000, 3_600_000]) {
      const fromUs = START_US + 3_000_000;
      const toUs = START_US + 333_000_000;
      const series = store.series({ pool: 'ml', fromUs, toUs, granularityMs });
      const counts = new Map(series.map((point) => [point.startUs, point.count]));
      expect(series.reduce((sum, point) => sum + point.count, 0)).toBeGreaterThanOrEqual(3300);
      expect(series[0]?.startUs).toBeLessThanOrEqual(fromUs);
      for (const [startUs, count] of counts) {
        const expected = records.filter(
          (r) => r.timestampUs >= startUs && r.timestampUs < startUs + granularityMs * 1000,
        );
        expect([granularityMs, startUs, count]).toEqual([granularityMs, startUs, expected.length]);
      }
    }
  });

  it('refuses queries that make no sense, naming the field', async () => {
    const { store } = await open({ dataDir: dataDir() });
    expect(() => store.series({ pool: 'ml', granularityMs: 10 })).toThrow(/granularityMs/);
    expect(() => store.series({ pool: 'ml', granularityMs: 1000, fromUs: 0, toUs: START_US })).toThrow(/20000 points/);
    expect(() => store.statistics({ pool: 'ml', fromUs: Number.NaN })).toThrow(/fromUs/);
  });

  it('answers nothing more once it is closed', async () => {
    const { store } = await open({ dataDir: dataDir() });
    await store.close();
    await store.close();
    expect(store.status.closed).toBe(true);
    expect(() => store.count()).toThrow(expect.objectContaining({ code: 'PITWALL_STORE_CLOSED' }));
    await expect(store.append([record()])).rejects.toMatchObject({ code: 'PITWALL_STORE_CLOSED' });
  });
});

describe('a store on LMDB', () => {
  it('finds everything again after a restart', async () => {
    const dataDir = directory();
    const records = traffic({ count: 3000 });
    const first = await open({ dataDir });
    await first.store.append(records);
    await first.store.put('policies', 'ml', { goal: 'balanced' });
    const before = first.store.statistics({ pool: 'ml' });
    await first.store.close();
    const { store, warnings } = await open({ dataDir });
    expect(store.status.kind).toBe('durable');
    expect(warnings).toEqual([]);
    expect([...store.records({ pool: 'ml' })]).toEqual(records);
    expect(store.statistics({ pool: 'ml' })).toEqual(before);
    expect(store.get('policies', 'ml')).toEqual({ goal: 'balanced' });
  });
});
