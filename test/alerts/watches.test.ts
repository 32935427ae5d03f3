/** What raises alerts by itself: each must ring, fall silent, and stay silent where nothing is wrong. */
import { describe, expect, it } from 'vitest';
import { AccuracyWatch } from '../../src/actors/adviser-accuracy.ts';
import { CountsWatch } from '../../src/actors/adviser-counts.ts';
import { seededRandom } from '../../src/learning/random.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { record } from '../metrics/support/records.ts';

describe('counters that should stand still', () => {
  const calm = { deadLetters: { total: 5, to: {} }, decisions: 1000, failedDecisions: 2, droppedRecords: 7 };

  it('say nothing of what was there before, nor of a few letters that a restart leaves', () => {
    const watch = new CountsWatch();
    expect(watch.observe({ atMs: 0, ...calm })).toEqual([]);
    expect(watch.observe({ atMs: 5_000, ...calm, deadLetters: { total: 20, to: { prober: 15 } } })).toEqual([]);
    expect(watch.observe({ atMs: 10_000, ...calm, decisions: 50_000 })).toEqual([]);
  });

  it('ring while they grow, with the figures, and not after', () => {
    const watch = new CountsWatch();
    watch.observe({ atMs: 0, ...calm });
    const worse = {
      deadLetters: { total: 45, to: { prober: 38, __proto__: 2 } },
      decisions: 1400,
      failedDecisions: 6,
      droppedRecords: 17,
    };
    const raised = watch.observe({ atMs: 5_000, ...worse });
    expect(raised.map(({ kind, severity }) => `${kind} ${severity}`)).toEqual([
      'dead_letters warning',
      'decision_failed critical',
      'records_dropped warning',
    ]);
    expect(raised[0]?.comparison).toMatchObject({ withinAMinute: 40, limit: 20, sinceStart: 45 });
    expect(raised[0]?.likelyCause).toMatch(/prober \(38\)/);
    expect(raised[1]?.message).toMatch(/4 decisions within a minute \(1 % of all\)/);
    for (const { lookAt, message } of raised) expect(`${lookAt}${message}`.length).toBeGreaterThan(40);
    expect(watch.observe({ atMs: 10_000, ...worse })).toEqual([]);
    // A minute later what was then is not counted any more.
    expect(watch.observe({ atMs: 80_000, ...worse, deadLetters: { total: 50, to: {} } })).toEqual([]);
  });
});

describe('the accuracy of predictions', () => {
  const random = seededRandom(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const batch = (count: number, scatter: number): TransferRecord[] =>
    Array.from({ length: count }, () =>
      record({ pool: 'ml', method: 'grpc', predictedLatencyUs: 1000, latencyUs: 1000 * Math.exp(scatter * normal()) }),
    );

  it('rings when errors double, for certain, and resolves when they are as they were', () => {
    const watch = new AccuracyWatch();
    expect(watch.observe(batch(4000, 0.15))).toEqual({ raised: [], resolved: [] });
    const { raised } = watch.observe(batch(600, 0.6));
    expect(raised).toHaveLength(1);
    expect(raised[0]).toMatchObject({ key: 'prediction_accuracy:ml:grpc', kind: 'prediction_accuracy', pool: 'ml' });
    expect(raised[0]?.comparison?.medianErrorNow).toBeGreaterThan(0.3);
    expect(raised[0]?.comparison?.medianErrorUsual).toBeLessThan(0.15);
    expect(watch.observe(batch(600, 0.15)).resolved).toEqual(['prediction_accuracy:ml:grpc']);
  });

  it('stays silent over 50 000 transfers whose errors are large and do not change', () => {
    const watch = new AccuracyWatch();
    for (let round = 0; round < 10; round += 1) {
      expect(watch.observe(batch(5_000, 0.5))).toEqual({ raised: [], resolved: [] });
    }
  });
});
