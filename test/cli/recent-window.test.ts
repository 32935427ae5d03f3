/** The window of `pitwall top`: read in pieces, it holds what reading it whole would give. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newestRecordUs } from '../../src/cli/newest-record.ts';
import { type RecentSummary, RecentWindow } from '../../src/cli/recent-window.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import type { MetricsStore } from '../../src/metrics/store-types.ts';
import { record, seeded, traffic } from '../metrics/support/records.ts';
import { stores } from '../metrics/support/stores.ts';

const { open } = stores();
const SECOND = 1_000_000;
const NOW = 1_760_000_000 * SECOND;

/** A store that counts the records which were read from it. */
function counted(store: MetricsStore): { store: MetricsStore; read: () => number } {
  let read = 0;
  const counting = Object.create(store, {
    records: {
      *value(...args: Parameters<MetricsStore['records']>) {
        for (const each of store.records(...args)) {
          read += 1;
          yield each;
        }
      },
    },
    count: { value: (...args: Parameters<MetricsStore['count']>) => store.count(...args) },
  });
  return { store: counting, read: () => read };
}

function summary(records: readonly TransferRecord[], nowUs: number, windowS: number) {
  const from = (Math.floor(nowUs / SECOND) - windowS + 1) * SECOND;
  const within = records.filter(({ timestampUs }) => timestampUs >= from && timestampUs < from + windowS * SECOND);
  const successful = within.filter(({ outcome }) => outcome === 'success');
  return {
    count: within.length,
    zeroCopy: within.filter(({ method }) => method === 'zero_copy').length,
    failed: within.filter(({ outcome }) => outcome === 'failed').length,
    bytes: successful.reduce((sum, { dataSize }) => sum + dataSize, 0),
    measured: successful.length,
    greatest: Math.max(0, ...successful.map(({ latencyUs }) => latencyUs)),
  };
}

function held({ all, lanes }: RecentSummary) {
  return {
    count: all.count,
    zeroCopy: lanes.zero_copy.count,
    failed: all.failed,
    bytes: all.bytes,
    measured: all.latencyUs.count,
    greatest: all.latencyUs.count === 0 ? 0 : all.latencyUs.max,
  };
}

describe('a recent window', () => {
  it('holds the same after many refreshes as the records say, late ones and pauses among them', async () => {
    const step = fc.record({
      // Milliseconds until the next refresh, and how late the records of the meantime are written.
      pauseMs: fc.constantFrom(100, 900, 1000, 1700, 5000, 70_000),
      count: fc.integer({ min: 0, max: 30 }),
      lateMs: fc.constantFrom(0, 0, 80, 3000, 20_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(), async (steps, seed) => {
        const { store } = await open({ dataDir: false });
        const window = new RecentWindow(store, 'ml', 30_000);
        const random = seeded(seed);
        const written: TransferRecord[] = [];
        let nowUs = NOW;
        for (const { pauseMs, count, lateMs } of steps) {
          const spanUs = pauseMs * 1000;
          const batch = traffic({
            count,
            seed: Math.floor(random() * 1e9),
            fromUs: nowUs - lateMs * 1000,
            everyUs: spanUs / Math.max(1, count),
          });
          nowUs += spanUs;
          await store.append(batch);
          written.push(...batch);
          expect(held(window.refresh(nowUs))).toEqual(summary(written, nowUs, 30));
        }
        await store.close();
      }),
      { numRuns: 25 },
    );
  });

  it('reads only what may have changed', async () => {
    const { store } = await open({ dataDir: false });
    await store.append(traffic({ count: 6000, fromUs: NOW - 60 * SECOND, everyUs: 10_000 }));
    const { store: counting, read } = counted(store);
    const window = new RecentWindow(counting, 'ml', 60_000);
    expect(window.refresh(NOW).all.count).toBe(5900);
    const first = read();
    for (let second = 1; second <= 5; second += 1) {
      await store.append(traffic({ count: 100, fromUs: NOW + (second - 1) * SECOND, everyUs: 10_000 }));
      window.refresh(NOW + second * SECOND);
    }
    expect(first).toBeGreaterThan(5000);
    // Two seconds of 100 records each time, and a third where they begin.
    expect(read() - first).toBeLessThanOrEqual(5 * 300);
  });

  it('is shorter where there are more records than a refresh may read, and says so', async () => {
    const { store } = await open({ dataDir: false });
    await store.append(traffic({ count: 6000, fromUs: NOW - 60 * SECOND, everyUs: 10_000 }));
    const { store: counting, read } = counted(store);
    const window = new RecentWindow(counting, 'ml', 60_000, 1000);
    const short = window.refresh(NOW);
    expect(short).toMatchObject({ shortened: true });
    expect(short.all.count).toBeLessThanOrEqual(1000);
    expect(short.all.count).toBeGreaterThan(300);
    const before = read();
    expect(window.refresh(NOW + SECOND).all.count).toBe(short.all.count);
    expect(read() - before).toBeLessThanOrEqual(300);
    expect(window.refresh(NOW + 120 * SECOND)).toMatchObject({ shortened: false, all: { count: 0 } });
  });

  it('says how long it has been quiet', async () => {
    const { store } = await open({ dataDir: false });
    const lastUs = NOW - 3 * 86_400 * SECOND - 123_457;
    await store.append([record({ timestampUs: lastUs }), record({ timestampUs: lastUs - 5 * SECOND })]);
    expect(new RecentWindow(store, 'ml', 60_000).refresh(NOW)).toMatchObject({ newestUs: lastUs, all: { count: 0 } });
    expect(new RecentWindow(store, 'other', 60_000).refresh(NOW).newestUs).toBeUndefined();
  });
});

it('the newest record is found wherever it lies', async () => {
  const { store } = await open({ dataDir: false });
  expect(newestRecordUs(store, 'ml', NOW)).toBeUndefined();
  const ages = [1_700_000_000 * SECOND, 40 * 86_400 * SECOND, 3600 * SECOND + 7, 2 * SECOND, 1, -5 * SECOND];
  for (const age of ages) {
    await store.append([record({ timestampUs: NOW - age })]);
    expect(newestRecordUs(store, 'ml', NOW)).toBe(NOW - age);
  }
});
