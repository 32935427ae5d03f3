/** For each alarm a canary that must ring and a calm input that must not. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Adwin } from '../../src/learning/adwin.ts';
import { DriftMonitor } from '../../src/learning/drift.ts';
import { PageHinkley } from '../../src/learning/page-hinkley.ts';
import { populationStability, StabilityMonitor } from '../../src/learning/population-stability.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { MACHINE, normal, observe, randomSize } from './synthetic.ts';

interface Detector {
  update(value: number): boolean;
}

const DETECTORS: readonly [string, () => Detector, number][] = [
  ['Page-Hinkley', () => new PageHinkley(), 150],
  ['ADWIN', () => new Adwin(), 250],
  ['PSI', () => new StabilityMonitor({ window: 200 }), 450],
];

/** Alarms in a stream that changes its mean by `shift` standard deviations after `calm` values. */
function alarms(
  make: () => Detector,
  seed: number,
  calm: number,
  after: number,
  shift: number,
): { before: number; delay: number } {
  const detector = make();
  const random = seededRandom(seed);
  let before = 0;
  let delay = Number.POSITIVE_INFINITY;
  for (let i = 0; i < calm + after; i += 1) {
    const alarm = detector.update(normal(random) + (i < calm ? 0 : shift));
    if (alarm && i < calm) before += 1;
    if (alarm && i >= calm) delay = Math.min(delay, i - calm);
  }
  return { before, delay };
}

describe.each(DETECTORS)('%s', (_name, make, within) => {
  test('rings soon after a change by one standard deviation, either way', () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      expect(alarms(make, seed, 1000, 1000, 1).delay).toBeLessThan(within);
      expect(alarms(make, seed, 1000, 1000, -1).delay).toBeLessThan(within);
    }
  });

  test('stays silent over ten calm streams of 3000 values, but for one alarm at most', () => {
    let rung = 0;
    for (let seed = 11; seed <= 20; seed += 1) rung += alarms(make, seed, 3000, 0, 0).before;
    expect(rung).toBeLessThanOrEqual(1);
  });

  test('leaves out what is no number', () => {
    const detector = make();
    for (let i = 0; i < 1000; i += 1) expect(detector.update(Number.NaN)).toBe(false);
  });
});

test('ADWIN keeps what it needs: the mean of its window follows the change', () => {
  const adwin = new Adwin();
  const random = seededRandom(3);
  for (let i = 0; i < 2000; i += 1) adwin.update(normal(random));
  expect(adwin.width).toBeGreaterThan(1500);
  for (let i = 0; i < 1000; i += 1) adwin.update(normal(random) + 2);
  expect(adwin.mean).toBeGreaterThan(1.8);
  expect(adwin.width).toBeLessThan(1100);
});

test('PSI is 0 for equal shares, grows with the difference, and is symmetric', () => {
  expect(populationStability([10, 20, 30], [20, 40, 60])).toBeCloseTo(0, 12);
  const counts = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(counts, counts, (left, right) => {
      expect(populationStability(left, right)).toBeGreaterThanOrEqual(0);
      expect(populationStability(left, right)).toBeCloseTo(populationStability(right, left), 9);
    }),
  );
});

test('a pool: its alarms name what drifted, and say how', () => {
  const monitor = new DriftMonitor();
  const random = seededRandom(5);
  const seen = new Set<string>();
  for (let i = 0; i < 3000; i += 1) {
    const late = i >= 1500;
    const size = late ? 64 * randomSize(random) : randomSize(random);
    const observation = observe(MACHINE, i % 2 === 0 ? 'grpc' : 'zero_copy', size, random, { atMs: i });
    const residual = 0.3 * normal(random) + (late && observation.method === 'grpc' ? 0.5 : 0);
    for (const alarm of monitor.update(observation, residual)) {
      expect(alarm.atMs).toBeGreaterThanOrEqual(1500);
      expect(alarm.evidence.length).toBeGreaterThan(10);
      seen.add(`${alarm.subject} ${alarm.test}`);
    }
  }
  expect([...seen].sort()).toStrictEqual(['data_size psi', 'error_grpc adwin', 'error_grpc page_hinkley']);
});
