/** The actor that owns the store, in a system of its own, over a real store. */
import { afterEach, describe, expect, it } from 'vitest';
import { type MetricsStoreArgs, metricsStore } from '../../src/actors/metrics-store.ts';
import { MAX_READS, MAX_RECORDS_PER_CALL, MAX_WAITING_READS } from '../../src/actors/store-reads.ts';
import type { RetainOptions, RetainResult } from '../../src/metrics/store.ts';
import {
  type Clock,
  call,
  cast,
  createTestClock,
  type System,
  started,
  startGenServer,
  startSystem,
  stopSystem,
} from '../../src/otp/index.ts';
import { START_US, traffic } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open } = stores();
const systems: System[] = [];
afterEach(async () => {
  for (const system of systems.splice(0)) await stopSystem(system);
});

async function startStore(overrides: Partial<MetricsStoreArgs> = {}, clock?: Clock) {
  const { store } = await open({ dataDir: false });
  const system = startSystem(clock === undefined ? {} : { clock });
  systems.push(system);
  const args: MetricsStoreArgs = { open: async () => store, onWriteFailed: () => undefined, ...overrides };
  const actor = started(await startGenServer(system, metricsStore, args));
  return { store, actor };
}

describe('the metrics_store', () => {
  it('answers records of a range, at most as many as it says, and refuses a limit beyond', async () => {
    const { store, actor } = await startStore();
    const records = traffic({ count: MAX_RECORDS_PER_CALL + 1000 });
    await store.append(records);
    const all = await call(actor, { type: 'records', query: { pool: 'ml' } });
    expect(all).toEqual({ type: 'ok', value: records.slice(0, MAX_RECORDS_PER_CALL) });
    const newest = await call(actor, { type: 'records', query: { pool: 'ml', reverse: true, limit: 2 } });
    expect(newest).toEqual({ type: 'ok', value: records.slice(-2).reverse() });
    for (const limit of [MAX_RECORDS_PER_CALL + 1, -1, 1.5, Number.NaN]) {
      const refused = await call(actor, { type: 'records', query: { limit } });
      expect(refused).toMatchObject({ type: 'failed', error: { code: 'PITWALL_INVALID_ARGUMENT' } });
    }
  });

  it('goes on while it reads: a write is stored, a question is answered, before a long read is done', async () => {
    const { store, actor } = await startStore();
    await store.append(traffic({ count: 20_000 }));
    const order: string[] = [];
    const reading = call(actor, { type: 'records', query: {} }).then(() => order.push('records'));
    const [late] = traffic({ count: 1, pool: 'late' });
    const writing = call(actor, { type: 'append', records: late === undefined ? [] : [late] }).then(() =>
      order.push('append'),
    );
    const counting = call(actor, { type: 'count', query: { pool: 'late' } }).then((count) =>
      order.push(`${JSON.stringify(count)}`),
    );
    await Promise.all([reading, writing, counting]);
    expect(order).toEqual(['append', '{"type":"ok","value":1}', 'records']);
  });

  it('lets reads wait up to a bound, refuses those beyond, and takes them again afterwards', async () => {
    const { store, actor } = await startStore();
    await store.append(traffic({ count: 100 }));
    const most = MAX_READS + MAX_WAITING_READS;
    const query = { limit: 1 };
    const outcomes = await Promise.all(
      Array.from({ length: most + 5 }, () => call(actor, { type: 'records', query }, { timeoutMs: 60_000 })),
    );
    // Those that are done make room while the mailbox is still read.
    expect(outcomes.filter(({ type }) => type === 'ok').length).toBeGreaterThanOrEqual(most);
    const failed = outcomes.filter(({ type }) => type === 'failed');
    for (const outcome of failed) expect(outcome).toMatchObject({ error: { code: 'PITWALL_STORE_BUSY' } });
    expect(await call(actor, { type: 'records', query })).toMatchObject({ type: 'ok' });
  });

  it('answers statistics and series of any query as the store does', async () => {
    const { store, actor } = await startStore();
    await store.append(traffic({ count: 400, everyUs: 60_000_000 }));
    const range = { pool: 'ml', fromUs: START_US, toUs: START_US + 400 * 60_000_000 };
    for (const more of [{}, { method: 'grpc' as const }, { dataType: 'json' }, { groupBy: 'sizeBand' as const }]) {
      const statistics = await call(actor, { type: 'statistics', query: { ...range, ...more } });
      expect(statistics).toEqual({ type: 'ok', value: store.statistics({ ...range, ...more }) });
      const query = { ...range, ...more, granularityMs: 3_600_000 };
      expect(await call(actor, { type: 'series', query })).toEqual({ type: 'ok', value: store.series(query) });
    }
    const senseless = await call(actor, { type: 'series', query: { ...range, granularityMs: 1 } });
    expect(senseless).toMatchObject({
      type: 'failed',
      error: { code: 'PITWALL_INVALID_ARGUMENT', field: 'granularityMs' },
    });
  });

  it('removes a named value, lists those with a prefix, and survives what makes no sense', async () => {
    const failures: unknown[] = [];
    const { actor } = await startStore({ onWriteFailed: (error) => failures.push(error) });
    for (const key of ['a/1', 'a/2', 'b/1']) cast(actor, { type: 'put', kind: 'events', key, value: key });
    cast(actor, { type: 'remove', kind: 'events', key: 'a/1' });
    cast(actor, { type: 'remove', kind: 'events', key: 'never there' });
    const entries = await call(actor, { type: 'entries', kind: 'events' });
    expect(entries).toEqual({
      type: 'ok',
      value: [
        ['a/2', 'a/2'],
        ['b/1', 'b/1'],
      ],
    });
    const some = await call(actor, { type: 'entries', kind: 'events', prefix: 'b/' });
    expect(some).toEqual({ type: 'ok', value: [['b/1', 'b/1']] });
    expect(failures).toEqual([]);
  });

  it('cleans up every minute, in small steps as long as more is due, and lets other messages through', async () => {
    const clock = createTestClock();
    const steps: RetainResult[] = [];
    const { store } = await open({ dataDir: false, mapSizeLimit: 1e9, now: () => START_US + 6 * 3_600_000_000 });
    // Four hours whose minutes were never sealed: more than one step has time for.
    await store.append(traffic({ count: 7200, everyUs: 2_000_000 }));
    let stepped: () => void = () => undefined;
    const watched = new Proxy(store, {
      get(target, name) {
        if (name === 'retain') {
          return async (options: RetainOptions) => {
            const step = await target.retain(options);
            steps.push(step);
            stepped();
            return step;
          };
        }
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const { actor } = await startStore({ open: async () => watched }, clock);
    const nextStep = async (afterMs: number) => {
      const done = new Promise<void>((resolve) => {
        stepped = resolve;
      });
      clock.advance(afterMs);
      await done;
      // Once the promises of this turn are settled the actor has the news of the step's end, before this question.
      await new Promise((resolve) => setImmediate(resolve));
      expect(await call(actor, { type: 'get', kind: 'events', key: 'none' })).toEqual({ type: 'ok', value: undefined });
    };
    await nextStep(60_000);
    expect(steps[0]?.more).toBe(true);
    while (steps.at(-1)?.more === true) await nextStep(2_000);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.reduce((sum, step) => sum + step.sealedMinutes, 0)).toBe(7200 / 30 + 1);
    const before = steps.length;
    clock.advance(59_000);
    await call(actor, { type: 'flush' });
    expect(steps).toHaveLength(before);
    await nextStep(1_000);
  });
});
