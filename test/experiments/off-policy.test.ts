import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/learning/random.ts';
import {
  chiSquareUpper,
  normalQuantile,
  normalTwoSided,
  studentQuantile,
  studentTwoSided,
} from '../../src/metrics/analysis/experiment/distributions.ts';
import { type LoggedChoice, offPolicySteps, offPolicyValue } from '../../src/metrics/analysis/experiment/off-policy.ts';

/** A world of two lanes: the cost of each is known for every payload, and one is drawn with a stated probability. */
function logged(random: () => number, count: number, model: 'right' | 'wrong' | 'none', lie = 1): LoggedChoice[] {
  return Array.from({ length: count }, () => {
    const size = Math.exp(2 * random());
    const scatter = 0.8 + 0.4 * random();
    const propensity = size > 3 ? 0.9 : 0.2;
    const second = random() < propensity;
    const right = { first: size, second: 1 + 0.5 * size };
    const cost = (second ? right.second : right.first) * scatter;
    const believed = model === 'right' ? right : { first: 2, second: 5 };
    // The other policy always takes the second lane.
    return {
      cost,
      propensity: (second ? propensity : 1 - propensity) * lie,
      targetProbability: second ? 1 : 0,
      ...(model !== 'none' && {
        estimatedCost: second ? believed.second : believed.first,
        estimatedTargetCost: believed.second,
      }),
    };
  });
}

/** Mean of 1 + size / 2, where size is exp(2u). */
const TRUTH = 1 + (Math.exp(2) - 1) / 4;

describe('the value of another policy', () => {
  test.each(['right', 'wrong', 'none'] as const)(
    'with estimates that are %s: no bias, and intervals that hold',
    (model) => {
      const worlds = 120;
      const hits = { ips: 0, selfNormalized: 0, doublyRobust: 0 };
      const sums = { ips: 0, selfNormalized: 0, doublyRobust: 0 };
      for (let world = 0; world < worlds; world += 1) {
        const random = seededRandom(1000 + world);
        const value = offPolicyValue(logged(random, 600, model), { random, resamples: 200, level: 0.9 });
        for (const name of ['ips', 'selfNormalized', 'doublyRobust'] as const) {
          const [low, high] = value[name].interval;
          if (low <= TRUTH && TRUTH <= high) hits[name] += 1;
          sums[name] += value[name].value / worlds;
        }
      }
      for (const name of ['ips', 'selfNormalized', 'doublyRobust'] as const) {
        expect(Math.abs(sums[name] / TRUTH - 1)).toBeLessThan(0.02);
        // 90 % of 120, give or take three standard deviations.
        expect(hits[name]).toBeGreaterThanOrEqual(98);
      }
    },
  );

  test('doubly robust is right where only the estimates are, and surer where both are', () => {
    const random = seededRandom(5);
    const lied = offPolicyValue(logged(random, 20_000, 'right', 0.7), { random, resamples: 20 });
    expect(Math.abs(lied.doublyRobust.value / TRUTH - 1)).toBeLessThan(0.02);
    expect(lied.ips.value / TRUTH).toBeGreaterThan(1.3);
    expect(lied.meanWeight).toBeGreaterThan(1.3);
    const honest = offPolicyValue(logged(random, 2_000, 'right'), { random });
    const width = ({ interval: [low, high] }: { interval: readonly [number, number] }): number => high - low;
    expect(width(honest.doublyRobust)).toBeLessThan(width(honest.ips) / 2);
  });

  test('of the policy that made the log it is what was logged, without doubt', () => {
    const row = fc.record({
      cost: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
      propensity: fc.double({ min: 0.01, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), fc.integer(), (rows, seed) => {
        const same = rows.map((each) => ({ ...each, targetProbability: each.propensity }));
        const value = offPolicyValue(same, { random: seededRandom(seed), resamples: 50 });
        for (const { value: estimated, change } of [value.ips, value.selfNormalized, value.doublyRobust]) {
          expect(estimated / value.logged.value).toBeCloseTo(1, 9);
          expect(Math.abs(change.interval[0]) + Math.abs(change.interval[1])).toBeLessThan(1e-6 * value.logged.value);
        }
        expect(value.meanWeight).toBeCloseTo(1, 9);
        expect(value.effectiveRows).toBeCloseTo(rows.length, 6);
      }),
      { numRuns: 40 },
    );
  });

  test('says how much could not have been seen', () => {
    const rows: LoggedChoice[] = [
      { cost: 4, propensity: 1, targetProbability: 0, estimatedCost: 4, estimatedTargetCost: 2 },
      { cost: 4, propensity: 1, targetProbability: 1, estimatedCost: 4, estimatedTargetCost: 4 },
    ];
    const value = offPolicyValue(rows, { random: seededRandom(1) });
    expect(value.unsupportedShare).toBe(0.5);
    expect(value.doublyRobust.value).toBe(3);
    expect(value.meanWeight).toBe(0.5);
  });

  test('in slices it is the same; of nothing it knows nothing', () => {
    const rows = logged(seededRandom(9), 5_000, 'right');
    const steps = offPolicySteps(rows, { random: seededRandom(2), resamples: 40 });
    let slices = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) slices += 1;
    expect(slices).toBeGreaterThan(1);
    expect(step.value).toEqual(offPolicyValue(rows, { random: seededRandom(2), resamples: 40 }));
    const none = offPolicyValue([], { random: seededRandom(1) });
    expect(none.ips.interval).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  test('weights can be cut', () => {
    const rows = logged(seededRandom(9), 500, 'right');
    const cut = offPolicyValue(rows, { random: seededRandom(2), resamples: 10, maximumWeight: 2 });
    expect(cut.maximumWeight).toBe(2);
    expect(cut.effectiveRows).toBeGreaterThan(
      offPolicyValue(rows, { random: seededRandom(2), resamples: 10 }).effectiveRows,
    );
  });
});

/** Expected values: R's qnorm, pt, qt and pchisq. */
describe('distributions', () => {
  test.each([
    [normalQuantile(0.975), 1.959963985],
    [normalQuantile(0.001), -3.090232306],
    [normalQuantile(0.5), 0],
    [normalTwoSided(1.959963985), 0.05],
    [studentTwoSided(2.228138852, 10), 0.05],
    [studentTwoSided(-12.70620474, 1), 0.05],
    [studentTwoSided(0, 7), 1],
    [studentTwoSided(1.96, 1e6), 0.0499963],
    [studentQuantile(0.975, 10), 2.228138852],
    [studentQuantile(0.995, 3), 5.84090931],
    [chiSquareUpper(3.841458821, 1), 0.05],
    [chiSquareUpper(18.30703805, 10), 0.05],
    [chiSquareUpper(0.5, 3), 0.9188914],
    [chiSquareUpper(0, 2), 1],
  ])('%f is %f', (actual, expected) => {
    expect(actual).toBeCloseTo(expected, 6);
  });
});
