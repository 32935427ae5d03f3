import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/instruments.ts';
import { METRICS } from '../../src/telemetry/names.ts';
import type { TelemetrySource } from '../../src/telemetry/source.ts';
import { recordOf } from './record.ts';
import { type Sdk, startSdk } from './sdk.ts';

const { logger } = parseConfig({ logger: false });
const nothing: TelemetrySource = {
  decisions() {},
  thresholds() {},
  mailboxes() {},
  restarts() {},
  dropped() {},
  alerts() {},
  webhook() {},
  costModel: () => undefined,
  pools() {},
  thresholdAdjustments() {},
  trainings() {},
  machine: () => ({
    degraded: false,
    actorsMs: 0,
    recordsWaiting: 0,
    storeSize: undefined,
    systemLoad: undefined,
    memoryLoad: undefined,
    eventLoopDelayUs: undefined,
    sharedMemoryRoom: undefined,
  }),
};

let sdk: Sdk;
let telemetry: Telemetry;
beforeEach(() => {
  sdk = startSdk();
  telemetry = createTelemetry({ logger, maxAttributeValues: 100 });
});
afterEach(() => sdk.stop());

describe('histograms', () => {
  it('hold durations in seconds and sizes in bytes, by pool, lane, type, format and outcome', async () => {
    telemetry.recordBatch([
      recordOf(),
      recordOf({ latencyUs: 4_000 }),
      recordOf({ method: 'grpc', outcome: 'failed', predictionError: undefined }),
    ]);
    const attributes = {
      'pitwall.pool': 'ml',
      'pitwall.method': 'zero_copy',
      'pitwall.data_type': 'tensor',
      'pitwall.format': 'numpy',
      'pitwall.outcome': 'success',
    };
    const collected = await sdk.collect();
    const duration = collected.get('pitwall.transfer.duration');
    expect(duration?.descriptor.unit).toBe('s');
    expect(duration?.dataPoints).toMatchObject([
      { attributes, value: { count: 2, min: 0.002, max: 0.004 } },
      { attributes: { ...attributes, 'pitwall.method': 'grpc', 'pitwall.outcome': 'failed' }, value: { count: 1 } },
    ]);
    expect(collected.get('pitwall.transfer.size')).toMatchObject({
      descriptor: { unit: 'By' },
      dataPoints: [{ value: { sum: 2_097_152 } }, {}],
    });
    expect(collected.get('pitwall.prediction.error')?.dataPoints).toMatchObject([
      { attributes: { 'pitwall.pool': 'ml', 'pitwall.method': 'zero_copy' }, value: { count: 2, max: 0.25 } },
    ]);
    expect(collected.get('pitwall.decision.duration')?.dataPoints).toMatchObject([
      { attributes: { 'pitwall.pool': 'ml' }, value: { count: 3, max: 2e-6 } },
    ]);
  });

  it('count the decision of a transfer that fell back once, and both of its legs', async () => {
    telemetry.recordBatch([
      recordOf({ outcome: 'failed', predictionError: undefined }),
      recordOf({ method: 'grpc', fallback: true, predictionError: undefined }),
    ]);
    telemetry.recordBatch([
      recordOf({ method: 'grpc', fallback: true, reason: 'controller_unavailable', predictionError: undefined }),
    ]);
    const collected = await sdk.collect();
    expect(collected.get('pitwall.decision.duration')?.dataPoints).toMatchObject([{ value: { count: 2 } }]);
    expect(collected.get('pitwall.transfer.duration')?.dataPoints).toHaveLength(2);
  });

  it('take a large batch a few records a turn, all of it in the end, and a flush takes the rest at once', async () => {
    const counted = async () =>
      (await sdk.points('pitwall.decision.duration')).map(({ value }) => (value as { count: number }).count);
    const batch = Array.from({ length: 1_000 }, () => recordOf());
    telemetry.recordBatch(batch);
    const first = await counted();
    expect(first[0]).toBeLessThan(1_000);
    let latest = first;
    while (latest[0] !== 1_000) latest = await counted();
    telemetry.recordBatch(batch);
    telemetry.flush();
    expect(await counted()).toEqual([2_000]);
  });

  it('skip what is more than may wait, and say how much', async () => {
    telemetry.observe(nothing);
    const batch = Array.from({ length: 40_000 }, () => recordOf());
    telemetry.recordBatch(batch);
    telemetry.recordBatch(batch);
    telemetry.flush();
    expect(await sdk.points('pitwall.telemetry.skipped')).toEqual([{ attributes: {}, value: 40_000 }]);
  });

  it('have buckets that suit what they measure', async () => {
    telemetry.recordBatch([recordOf()]);
    const collected = await sdk.collect();
    for (const doc of Object.values(METRICS)) {
      if (doc.instrument !== 'histogram') continue;
      const value = collected.get(doc.name)?.dataPoints[0]?.value;
      expect(value, doc.name).toMatchObject({ buckets: { boundaries: doc.boundaries } });
    }
  });
});

describe('what the runtime counts anyway', () => {
  it('is read at collection, and no more once unregistered', async () => {
    let count = 3;
    const stop = telemetry.observe({
      ...nothing,
      decisions(observe) {
        observe('ml', 'zero_copy', 'cost_model', count);
        observe('ml', 'grpc', 'below_minimum', 1);
      },
      thresholds: (observe) => observe('ml', 'tensor', 90_000),
      mailboxes: (observe) => observe('controller', 2),
      restarts: (observe) => observe('storage', 'recorder', 1),
      dropped: (observe) => observe('queue_full', 7),
    });
    const decided = { 'pitwall.pool': 'ml', 'pitwall.method': 'zero_copy', 'pitwall.reason': 'cost_model' };
    expect(await sdk.points('pitwall.decisions')).toMatchObject([{ attributes: decided, value: 3 }, { value: 1 }]);
    count = 5;
    expect(await sdk.points('pitwall.decisions')).toMatchObject([{ attributes: decided, value: 5 }, { value: 1 }]);
    expect(await sdk.points('pitwall.threshold')).toEqual([
      { attributes: { 'pitwall.pool': 'ml', 'pitwall.data_type': 'tensor' }, value: 90_000 },
    ]);
    expect(await sdk.points('pitwall.actor.mailbox')).toEqual([
      { attributes: { 'pitwall.actor': 'controller' }, value: 2 },
    ]);
    expect(await sdk.points('pitwall.supervisor.restarts')).toEqual([
      { attributes: { 'pitwall.supervisor': 'storage', 'pitwall.child': 'recorder' }, value: 1 },
    ]);
    expect(await sdk.points('pitwall.records.dropped')).toEqual([
      { attributes: { 'pitwall.cause': 'queue_full' }, value: 7 },
    ]);
    // Counted since the last collection, and wanted in the one at the end of the host.
    count = 7;
    stop();
    stop();
    count = 9;
    expect(await sdk.points('pitwall.decisions')).toMatchObject([{ attributes: decided, value: 7 }, { value: 1 }]);
    // Cumulative data points stay; what they say is not read anew.
    expect(await sdk.points('pitwall.decisions')).not.toMatchObject([{ value: 9 }]);
  });

  it('costs only the reading that fails', async () => {
    telemetry.observe({
      ...nothing,
      decisions() {
        throw new Error('no counters');
      },
      dropped: (observe) => observe('queue_full', 7),
    });
    expect(await sdk.points('pitwall.records.dropped')).toMatchObject([{ value: 7 }]);
  });
});

describe('10 000 pool names', () => {
  const pools = Array.from({ length: 10_000 }, (_, index) => `pool-${index}`);

  it('are a hundred series and one that is called other, of counters too, and nothing is lost', async () => {
    telemetry.observe({
      ...nothing,
      decisions(observe) {
        for (const pool of pools) observe(pool, 'grpc', 'below_minimum', 2);
      },
      thresholds(observe) {
        for (const pool of pools) observe(pool, 'default', 10);
      },
      mailboxes(observe) {
        for (const [index, pool] of pools.entries()) observe(`threshold_manager:${pool}`, index);
      },
    });
    telemetry.recordBatch(pools.map((pool) => recordOf({ pool })));
    telemetry.flush();

    const decisions = await sdk.points('pitwall.decisions');
    expect(decisions).toHaveLength(101);
    expect(decisions.find(({ attributes }) => attributes['pitwall.pool'] === 'other')?.value).toBe(2 * 9_900);
    expect((await sdk.points('pitwall.threshold')).map(({ attributes }) => attributes['pitwall.pool'])).toEqual(
      pools.slice(0, 100),
    );
    const mailboxes = await sdk.points('pitwall.actor.mailbox');
    expect(mailboxes).toHaveLength(101);
    expect(mailboxes.at(-1)).toEqual({ attributes: { 'pitwall.actor': 'other' }, value: 9_999 });

    const collected = await sdk.collect();
    for (const name of [
      'pitwall.transfer.duration',
      'pitwall.transfer.size',
      'pitwall.decision.duration',
      'pitwall.prediction.error',
    ]) {
      expect(collected.get(name)?.dataPoints, name).toHaveLength(101);
    }
    expect(await sdk.points('pitwall.telemetry.folded')).toEqual([
      { attributes: { 'pitwall.attribute': 'pool' }, value: 4 * 9_900 },
    ]);
  });

  it('leave configured pools their own series, whoever came first', async () => {
    const named = createTelemetry({ logger, maxAttributeValues: 2, pools: ['ml', 'api'] });
    named.recordBatch([recordOf({ pool: 'stray' }), recordOf({ pool: 'api' })]);
    const points = await sdk.points('pitwall.decision.duration');
    expect(points.map(({ attributes }) => attributes['pitwall.pool'])).toEqual(['other', 'api']);
  });

  it('times types times formats stay below the limit of the SDK', async () => {
    const many: ReturnType<typeof recordOf>[] = [];
    for (let pool = 0; pool < 60; pool += 1) {
      for (let type = 0; type < 60; type += 1) many.push(recordOf({ pool: `p${pool}`, dataType: `t${type}` }));
    }
    telemetry.recordBatch(many);
    telemetry.flush();
    const points = await sdk.points('pitwall.transfer.duration');
    expect(points.length).toBeLessThanOrEqual(1_001);
    expect(points.some(({ attributes }) => 'otel.metric.overflow' in attributes)).toBe(false);
    const counted = points.map(({ value }) =>
      typeof value === 'object' && value !== null && 'count' in value ? Number(value.count) : 0,
    );
    expect(counted.reduce((sum, each) => sum + each, 0)).toBe(3_600);
  });
});

it('a listener that fails costs metrics, not the caller', () => {
  const failing = createTelemetry({
    logger,
    meterProvider: {
      getMeter: () => {
        const meter = Object.create(null, {});
        return Object.assign(meter, {
          createHistogram: () => ({
            record() {
              throw new Error('broken');
            },
          }),
        });
      },
    },
  });
  expect(() => failing.recordBatch([recordOf()])).not.toThrow();
});
