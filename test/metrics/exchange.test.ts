import { describe, expect, it } from 'vitest';
import { type ExchangeFormat, exportStore, importStore } from '../../src/metrics/exchange/exchange.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import type { MetricsStore } from '../../src/metrics/store.ts';
import { record, START_US, traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open } = stores();

const ODD = [
  record({ transferId: 'a "quoted", id\r\nover lines', pool: '__proto__', errorCode: '', timestampUs: START_US + 1 }),
  record({ transferId: 'ünïcødé 🦄', pool: ',', errorCode: undefined, warm: false, timestampUs: START_US + 2 }),
];

async function bytesOf(store: MetricsStore, format: ExchangeFormat): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of exportStore(store, { format })) parts.push(part);
  return Buffer.concat(parts);
}

/** The same bytes in pieces that cut lines and characters anywhere. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.slice(from, from + size);
}

const byId = (records: Iterable<TransferRecord>) => [...records].sort((a, b) => (a.transferId < b.transferId ? -1 : 1));

describe.each(['jsonl', 'csv', 'arrow'] as const)('an export as %s', (format) => {
  it('comes back as it was, however it is cut', async () => {
    const { store } = await open({ dataDir: false });
    const records = [...traffic({ count: 6000 }), ...ODD];
    await store.append(records);
    const bytes = await bytesOf(store, format);
    const copy = (await open({ dataDir: false })).store;
    const seen: number[] = [];
    const result = await importStore(copy, pieces(bytes, 7777), {
      format,
      onProgress: (progress) => seen.push(progress.records),
    });
    expect(result).toMatchObject({ records: 6002, bytes: bytes.length });
    expect(seen.at(-1)).toBe(6002);
    expect(byId(copy.records())).toEqual(byId(records));
    expect(copy.statistics({ pool: 'ml' }).count).toBe(6000);
  });

  it('of an empty store is an empty import', async () => {
    const { store } = await open({ dataDir: false });
    const bytes = await bytesOf(store, format);
    expect(await importStore(store, pieces(bytes, 100), { format })).toMatchObject({ records: 0, entries: 0 });
  });

  it('can be aborted, and rubbish is refused', async () => {
    const { store } = await open({ dataDir: false });
    await store.append(traffic({ count: 9000 }));
    const aborted = AbortSignal.abort(new Error('enough'));
    const reading = exportStore(store, { format, signal: aborted });
    await expect(
      (async () => {
        for await (const _ of reading);
      })(),
    ).rejects.toThrow('enough');
    const rubbish = new TextEncoder().encode('this is, no export\n'.repeat(100));
    const taken = importStore(store, pieces(rubbish, 64), { format }).then(
      (result) => result.records,
      (error) => error.code,
    );
    expect([0, 'PITWALL_IMPORT_INVALID']).toContain(await taken);
  });
});

describe('an export as jsonl', () => {
  it('takes thresholds, policies and models along, and skips what is there already when asked to', async () => {
    const { store } = await open({ dataDir: false });
    await store.append(traffic({ count: 100 }));
    await store.put('thresholds', 'ml', { tensor: 5, list: [1, null, 'x'] });
    await store.putBytes('models', 'ml/1', new Uint8Array([0, 255, 7]));
    await store.put('events', '0001', { type: 'deploy' });
    const bytes = await bytesOf(store, 'jsonl');
    const copy = (await open({ dataDir: false })).store;
    for (let time = 0; time < 2; time += 1)
      await importStore(copy, pieces(bytes, 999), { format: 'jsonl', skipExisting: true });
    expect(copy.count()).toBe(100);
    expect(copy.get('thresholds', 'ml')).toEqual({ tensor: 5, list: [1, null, 'x'] });
    expect(copy.getBytes('models', 'ml/1')).toEqual(new Uint8Array([0, 255, 7]));
    expect(copy.get('events', '0001')).toEqual({ type: 'deploy' });
    // Older readers refuse an entry of a kind they do not know, and pass over a type of line they do not know.
    expect(bytes.toString('utf8')).toContain('{"type":"event","key":"0001"');
  });
});
