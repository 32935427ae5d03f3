import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CostModel } from '../../src/learning/cost-model.ts';
import { chooseLane, normalCdf } from '../../src/learning/exploration.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { FEATURES, MACHINE, observe, randomSize } from './synthetic.ts';

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('choosing a lane', () => {
  test('the stated propensity is the share of choices', () => {
    const random = seededRandom(1);
    for (const logRatio of [-0.2, 0.02, 0.1]) {
      let zeroCopy = 0;
      let stated = 0;
      for (let i = 0; i < 20_000; i += 1) {
        const input = { logRatio, logRatioStandardError: 0.2, explorationRate: 0.05, allowed: true, random: random() };
        const choice = chooseLane(input);
        if (choice.method === 'zero_copy') zeroCopy += 1;
        stated = choice.method === 'zero_copy' ? choice.propensity : 1 - choice.propensity;
      }
      expect(Math.abs(zeroCopy / 20_000 - stated)).toBeLessThan(0.015);
    }
  });

  test('what is known to be dear is hardly tried, what is in doubt is; rate 0 or not allowed: the belief', () => {
    fc.assert(
      fc.property(fc.double({ min: -3, max: 3, noNaN: true }), unit, unit, (logRatio, random, rate) => {
        const input = { logRatio, logRatioStandardError: 0.1, explorationRate: rate, allowed: true, random };
        const choice = chooseLane(input);
        expect(choice.propensity).toBeGreaterThan(0);
        expect(choice.propensity).toBeLessThanOrEqual(1);
        expect(choice.explored).toBe(choice.method !== choice.greedy);
        if (Math.abs(logRatio) > 0.5 && choice.explored) {
          expect(choice.propensity).toBeLessThanOrEqual(Math.max(0.002, 0.1 * rate));
        }
        for (const still of [chooseLane({ ...input, explorationRate: 0 }), chooseLane({ ...input, allowed: false })]) {
          expect(still).toMatchObject({ method: still.greedy, explored: false, propensity: 1 });
        }
      }),
    );
  });

  test.each([
    [0, 0.5],
    [1.959964, 0.975],
    [-1.644854, 0.05],
    [-8, 0],
  ])('normalCdf(%f) is %f', (z, expected) => {
    expect(normalCdf(z)).toBeCloseTo(expected, 6);
  });
});

describe('safety of exploration', () => {
  const request = { statistic: 'mean', explorationRate: 1 } as const;

  test('where total time counts, nothing longer than the mean transfer is tried', () => {
    const snapshot = new CostModel().snapshot();
    const random = seededRandom(2);
    for (let i = 0; i < 500; i += 1) {
      const choice = snapshot.choose?.({ ...FEATURES, dataSize: 50e6 }, { ...request, random: random() });
      expect(choice?.explored).toBe(false);
    }
  });

  test('once the budget is spent the belief is followed, and exploration returns when it has recovered', () => {
    const model = new CostModel({ explorationBudget: 0.01 });
    const random = seededRandom(3);
    const explores = (): boolean => {
      const snapshot = model.snapshot();
      return Array.from(
        { length: 300 },
        () => snapshot.choose?.(FEATURES, { ...request, random: random() })?.explored,
      ).includes(true);
    };
    expect(explores()).toBe(true);
    for (let i = 0; i < 300; i += 1) {
      model.learn({ ...observe(MACHINE, 'zero_copy', 2000, random), propensity: 0.01 });
    }
    expect(explores()).toBe(false);
    for (let i = 0; i < 1500; i += 1)
      model.learn(observe(MACHINE, i % 2 === 0 ? 'grpc' : 'zero_copy', randomSize(random), random));
    expect(explores()).toBe(true);
  });
});
