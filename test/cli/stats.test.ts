/** The tables and series of `pitwall stats`, over a real store in memory. */
import { describe, expect, it } from 'vitest';
import { readGranularity, seriesJson, seriesOfPool, seriesText } from '../../src/cli/stats-series.ts';
import { poolStatistics, statisticsJson, statisticsText } from '../../src/cli/stats-tables.ts';
import { QUANTITIES } from '../../src/metrics/summary.ts';
import { record, traffic } from '../metrics/support/records.ts';
import { stores } from '../metrics/support/stores.ts';

const { open } = stores();
const MINUTE = 60_000_000;
/** A whole hour. */
const AT = 1_760_000_400_000_000;

async function filled() {
  const { store } = await open({ dataDir: false });
  const records = traffic({ count: 3000, fromUs: AT, everyUs: 100_000 });
  await store.append(records);
  return { store, records };
}

describe('statistics', () => {
  it.each(['method', 'dataType', 'format', 'sizeBand'] as const)('by %s add up to all', async (by) => {
    const { store, records } = await filled();
    const found = statisticsJson(poolStatistics(store, { pool: 'ml' }, by), []);
    expect(found).toMatchObject({ pool: 'ml', count: 3000, by, from: null, to: null });
    expect(found.groups.reduce((sum, { count }) => sum + count, 0)).toBe(3000);
    if (by !== 'sizeBand') {
      for (const { value, count } of found.groups) {
        expect(count).toBe(records.filter((each) => each[by] === value).length);
      }
    }
  });

  it('in tables name every quantity with its unit, and only what was measured', async () => {
    const { store } = await filled();
    const text = statisticsText(poolStatistics(store, { pool: 'ml' }, undefined), QUANTITIES);
    for (const quantity of QUANTITIES) expect(text).toContain(`  ${quantity} by lane`);
    const [header, titles, zeroCopy, grpc, all] = text.split('\n');
    expect(header).toMatch(/^ml: 3000 transfers, \d+(\.\d+)? GB, \d+ failed, 0 fallbacks$/);
    expect(titles).toMatch(/latencyUs by lane +transfers +failed +measured +mean +p50 +p95 +p99 +p99\.9 +min +max/);
    for (const row of [zeroCopy, grpc, all]) expect(row).toMatch(/( [\d.]+ (µs|ms|s)){1}/);
    // Zero-copy serializes nothing, and nobody measured how long it cleaned up.
    expect(text).toMatch(/serializeUs by lane .*\n +zero-copy +\d+ +\d+ +0 +–/);
    expect(text).toMatch(/cleanupUs by lane .*\n.*\n.*\n +all +3000 +\d+ +0 +–/);
  });

  it('hold the time that was asked for', async () => {
    const { store, records } = await filled();
    const query = { pool: 'ml', fromUs: AT + MINUTE, toUs: AT + 2 * MINUTE };
    const found = poolStatistics(store, query, undefined);
    const within = records.filter(({ timestampUs }) => timestampUs >= query.fromUs && timestampUs < query.toUs);
    expect(found.all.count).toBe(within.length);
    expect(statisticsText(found, [])).toMatch(/, from 2025-10-09T\d\d:01:00Z to 2025-10-09T\d\d:02:00Z$/);
  });

  it('send no control character of a name to the terminal', async () => {
    const { store } = await open({ dataDir: false });
    const pool = 'ml\u001b[2J\u0007';
    await store.append([record({ pool, dataType: 'x\u001b]0;owned\u0007' })]);
    for (const by of [undefined, 'dataType'] as const) {
      const text = statisticsText(poolStatistics(store, { pool }, by), ['latencyUs']);
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
    const series = seriesText(seriesOfPool(store, { pool }, 60_000, AT), ['latencyUs']);
    expect(series.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('a series', () => {
  it('without a range ends with the last record and begins with the first, at most 60 steps', async () => {
    const { store } = await filled();
    const week = AT + 7 * 24 * 60 * MINUTE;
    const minutes = seriesOfPool(store, { pool: 'ml' }, 60_000, week);
    expect(minutes.points.map(({ count }) => count)).toEqual([600, 600, 600, 600, 600]);
    const seconds = seriesOfPool(store, { pool: 'ml' }, 1000, week);
    expect(seconds.points).toHaveLength(60);
    expect(seconds.points.at(-1)?.startUs).toBe(AT + 299_000_000);
    const { points } = seriesJson(minutes, ['latencyUs']);
    expect(points[0]).toMatchObject({
      startUs: AT,
      start: expect.stringMatching(/^2025-10-09T\d\d:00:00Z$/),
      count: 600,
    });
    expect(Object.keys(points[0]?.quantities ?? {})).toEqual(['latencyUs']);
  });

  it('shows the rate of the step under way by the part that is over', async () => {
    const { store } = await open({ dataDir: false });
    await store.append(traffic({ count: 1500, fromUs: AT, everyUs: 100_000 }));
    const halfway = seriesOfPool(store, { pool: 'ml', fromUs: AT }, 60_000, AT + 2.5 * MINUTE);
    expect(seriesText(halfway, ['latencyUs']).split('\n').at(-1)).toMatch(/:02:00Z +300 +10\.0 /);
    const later = seriesOfPool(store, { pool: 'ml', fromUs: AT }, 60_000, AT + 3 * MINUTE);
    expect(seriesText(later, ['latencyUs']).split('\n').at(-1)).toMatch(/:02:00Z +300 +5\.00 /);
    const hour = seriesOfPool(store, { pool: 'ml', fromUs: AT + MINUTE }, 3_600_000, AT + 3 * MINUTE);
    expect(seriesText(hour, [])).toContain('ml: 1 steps of 1h');
  });

  it('that is too long is refused, and one of an idle pool is empty', async () => {
    const { store } = await filled();
    const long = { pool: 'ml', fromUs: 0 };
    expect(() => seriesOfPool(store, long, 1000, AT)).toThrow(
      /--series: that range holds \d+ points, and at most 20000/,
    );
    expect(seriesOfPool(store, { pool: 'idle' }, 1000, AT).points).toEqual([]);
    expect(readGranularity('--series', '15m')).toBe(900_000);
  });
});
