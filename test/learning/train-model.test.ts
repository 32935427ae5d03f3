import { describe, expect, test } from 'vitest';
import { BoostedModel } from '../../src/learning/boosted-model.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { isBetter } from '../../src/learning/is-better.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import type { Lane, Observation } from '../../src/learning/types.ts';
import { MACHINE, observe, randomSize, seededRandom } from './synthetic.ts';

/** gRPC takes `factor` times as long at night: what no term of the cost model can say. Half of the rows by night. */
function history(rows: number, seed: number, factor: number): Observation[] {
  const random = seededRandom(seed);
  return Array.from({ length: rows }, (_, index) => {
    const lane: Lane = random() < 0.5 ? 'grpc' : 'zero_copy';
    const hourOfDay = index % 24;
    const observation = observe(MACHINE, lane, randomSize(random), random, { atMs: index, features: { hourOfDay } });
    const night = hourOfDay < 12;
    const latencyUs = night && lane === 'grpc' ? observation.latencyUs * factor : observation.latencyUs;
    return { ...observation, latencyUs, propensity: 0.5 };
  });
}

describe('training', () => {
  test('finds what the cost model cannot say, and is published for it', () => {
    const { report } = trainModel(history(4000, 1, 2.5), { statistic: 'median' });
    expect(report.rows).toBe(4000);
    expect(report.trees.grpc).toBeGreaterThan(5);
    expect(report.heldOut.medianError.withModel).toBeLessThan(report.heldOut.medianError.costModel * 0.7);
    expect(report.heldOut.difference).toBeLessThan(0);
    expect(isBetter(report)).toBe(true);
  });

  test('is not published where the cost model says it all', () => {
    const { report } = trainModel(history(2500, 2, 1), { statistic: 'median' });
    expect(isBetter(report)).toBe(false);
  });

  test('equal seeds give equal bytes', () => {
    const rows = history(1200, 3, 2);
    const bytes = (seed: number) =>
      Buffer.from(trainModel(rows, { statistic: 'mean', seed, boosting: { rounds: 8 } }).buffer).toString('hex');
    expect(bytes(5)).toBe(bytes(5));
  });

  test('needs a thousand rows, and caps what it takes', () => {
    expect(() => trainModel(history(999, 4, 1), { statistic: 'mean' })).toThrow('at least 1000');
    const { report } = trainModel(history(1500, 4, 1), {
      statistic: 'mean',
      maximumRows: 1100,
      boosting: { rounds: 2 },
    });
    expect(report.rows).toBe(1100);
  });

  test('gaps and numbers that are none neither stop it nor get into the model', () => {
    const broken = [Number.NaN, Number.POSITIVE_INFINITY, 0, -1];
    const rows = history(2000, 8, 2.5).map((row, index) => ({
      ...row,
      latencyUs: index % 10 === 0 ? (broken[(index / 10) % 4] ?? 0) : row.latencyUs,
      systemLoad: index % 3 === 0 ? Number.NaN : undefined,
      availableMemory: index % 7 === 0 ? Number.NEGATIVE_INFINITY : undefined,
      hourOfDay: index % 11 === 0 ? Number.NaN : row.hourOfDay,
    }));
    const { buffer, report } = trainModel(rows, { statistic: 'mean', boosting: { rounds: 20 } });
    expect(report.rows).toBe(1800);
    expect(report.trees.grpc).toBeGreaterThan(5);
    expect(report.heldOut.medianError.withModel).toBeLessThan(report.heldOut.medianError.costModel);
    // The buffer is refused where anything in it is not finite.
    expect(() => new BoostedModel(buffer, { modelId: 'm', requiredConfidence: 0.9 })).not.toThrow();
  });
});

describe('the model in service', () => {
  const { buffer } = trainModel(history(4000, 5, 2.5), { statistic: 'median' });
  const cost = new CostModel();
  for (const observation of history(1000, 6, 2.5)) cost.learn(observation);

  test('corrects the cost model, in estimate, comparison and crossing alike', () => {
    const model = new BoostedModel(buffer, { modelId: 'm1', requiredConfidence: 0.9 });
    const snapshot = model.snapshot(cost.snapshot());
    const at = (hourOfDay: number) => ({ ...observe(MACHINE, 'grpc', 1e5, seededRandom(1)), hourOfDay });
    const ratio = snapshot.estimate('grpc', at(3)).latencyUs / snapshot.estimate('grpc', at(20)).latencyUs;
    expect(ratio).toBeGreaterThan(1.9);
    const comparison = snapshot.compare?.(at(3));
    expect(comparison?.grpc).toStrictEqual(snapshot.estimate('grpc', at(3)));
    expect(comparison?.logRatio).toBeCloseTo(
      Math.log((comparison?.grpc.latencyUs ?? 0) / (comparison?.zeroCopy.latencyUs ?? 1)),
      9,
    );
    expect(snapshot.crossover(at(3))).toBeLessThan(snapshot.crossover(at(20)));
    expect(snapshot).toMatchObject({ modelId: 'm1', requiredConfidence: 0.9 });
  });

  test('its intervals cover what comes next', () => {
    const model = new BoostedModel(buffer, { modelId: 'm1', requiredConfidence: 0.9 });
    const live = new CostModel();
    let covered = 0;
    let counted = 0;
    for (const [index, observation] of history(2000, 7, 2.5).entries()) {
      const before = live.snapshot();
      const interval = model.snapshot(before).estimate(observation.method, observation).intervalUs;
      if (index > 500 && interval !== undefined) {
        counted += 1;
        if (observation.latencyUs >= interval[0] && observation.latencyUs <= interval[1]) covered += 1;
      }
      model.observe(observation, before);
      live.learn(observation);
    }
    expect(covered / counted).toBeGreaterThan(0.87);
    expect(covered / counted).toBeLessThan(0.93);
  });
});
