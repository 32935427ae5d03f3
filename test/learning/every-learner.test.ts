import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Features, Observation } from '../../src/learning/types.ts';
import { LEARNERS, type LearnerUnderTest } from './learners.ts';
import { FEATURES, MACHINE, observe, randomSize, seededRandom } from './synthetic.ts';

const observations: fc.Arbitrary<Observation> = fc.record({
  dataSize: fc.integer({ min: 0, max: 2 ** 31 }),
  dataType: fc.constantFrom('tensor', 'json', 'dataframe', '__proto__', 'constructor', ''),
  format: fc.constantFrom('numpy', 'json', 'arrow', 'hasOwnProperty'),
  compression: fc.boolean(),
  warm: fc.constantFrom(true, false, undefined),
  systemLoad: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  availableMemory: fc.option(fc.integer({ min: 0 }), { nil: undefined }),
  inFlight: fc.integer({ min: 1, max: 200 }),
  hourOfDay: fc.integer({ min: 0, max: 23 }),
  method: fc.constantFrom('grpc' as const, 'zero_copy' as const),
  latencyUs: fc.double({ min: 1, max: 1e9, noNaN: true }),
  cpuTimeUs: fc.constant(undefined),
  atMs: fc.integer({ min: 0, max: 1e9 }),
  propensity: fc.double({ min: 0.01, max: 1, noNaN: true }),
});

/** Every number a snapshot says about these features. */
function said(learner: LearnerUnderTest, features: Features): unknown {
  const snapshot = learner.snapshot();
  return [
    snapshot.estimate('grpc', features),
    snapshot.estimate('zero_copy', features),
    snapshot.crossover(features),
    snapshot.crossover(features, 'mean'),
    snapshot.compare?.(features),
  ];
}

function expectSane(learner: LearnerUnderTest, features: Features): void {
  for (const lane of ['grpc', 'zero_copy'] as const) {
    const estimate = learner.snapshot().estimate(lane, features);
    expect(estimate.latencyUs).toBeGreaterThan(0);
    expect(Number.isFinite(estimate.latencyUs)).toBe(true);
    expect(Number.isFinite(estimate.meanLatencyUs)).toBe(true);
    expect(estimate.standardError).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(estimate.standardError)).toBe(true);
    expect(estimate.effectiveSamples).toBeGreaterThanOrEqual(0);
    if (estimate.intervalUs !== undefined) {
      expect(estimate.intervalUs[0]).toBeLessThanOrEqual(estimate.latencyUs);
      expect(estimate.intervalUs[1]).toBeGreaterThanOrEqual(estimate.latencyUs);
    }
  }
}

describe.each(LEARNERS)('$name', ({ create, restore }) => {
  test('leaves its input unchanged', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 20 }), (history) => {
        const learner = create();
        for (const observation of history) {
          const before = JSON.stringify(observation);
          learner.learn(Object.freeze(observation));
          said(learner, observation);
          expect(JSON.stringify(observation)).toBe(before);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('equal histories give equal learners, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 40 }), observations, (history, probe) => {
        const [first, second] = [create(), create()];
        for (const observation of history) first.learn(observation);
        for (const observation of history) second.learn({ ...observation });
        expect(said(first, probe)).toStrictEqual(said(second, probe));
      }),
      { numRuns: 30 },
    );
  });

  test('stays finite and positive whatever it was taught', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 80 }), observations, (history, probe) => {
        const learner = create();
        for (const observation of history) learner.learn(observation);
        expectSane(learner, probe);
      }),
      { numRuns: 60 },
    );
  });

  test('takes features in any order, and more than it knows', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 20 }), observations, (history, probe) => {
        const [first, second] = [create(), create()];
        const turned = (observation: Observation): Observation =>
          Object.assign(Object.fromEntries(Object.entries({ ...observation, later: 1 }).reverse()), observation);
        for (const observation of history) first.learn(observation);
        for (const observation of history) second.learn(turned(observation));
        expect(said(second, turned(probe))).toStrictEqual(said(first, probe));
      }),
      { numRuns: 20 },
    );
  });

  test('chooses by what it compares: the draw decides within the propensity that it states', () => {
    fc.assert(
      fc.property(
        fc.array(observations, { maxLength: 40 }),
        observations,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (history, probe, random) => {
          const learner = create();
          for (const observation of history) learner.learn(observation);
          const choice = learner.snapshot().choose?.(probe, { statistic: 'median', explorationRate: 0.05, random });
          if (choice === undefined) return;
          expect(choice.propensity).toBeGreaterThan(0);
          expect(choice.propensity).toBeLessThanOrEqual(1);
          expect(choice.explored).toBe(choice.method !== choice.greedy);
          expect(choice.comparison).toStrictEqual(learner.snapshot().compare?.(probe));
          const greedy = learner.snapshot().choose?.(probe, { statistic: 'median', explorationRate: 0, random });
          expect(greedy).toMatchObject({ method: choice.greedy, propensity: 1, explored: false });
        },
      ),
      { numRuns: 40 },
    );
  });

  test('copes with missing features, and with numbers that are none', () => {
    const learner = create();
    const random = seededRandom(7);
    for (let i = 0; i < 50; i += 1) {
      const known = observe(MACHINE, i % 2 === 0 ? 'grpc' : 'zero_copy', randomSize(random), random);
      learner.learn({ ...known, systemLoad: undefined, availableMemory: undefined, warm: undefined });
    }
    const unknown = { ...FEATURES, systemLoad: undefined, availableMemory: undefined, warm: undefined };
    expectSane(learner, unknown);
    const before = said(learner, FEATURES);
    for (const latencyUs of [Number.NaN, Number.POSITIVE_INFINITY, 0, -5]) {
      learner.learn({ ...unknown, method: 'grpc', latencyUs, cpuTimeUs: undefined, atMs: 0, propensity: 1 });
    }
    expect(said(learner, FEATURES)).toStrictEqual(before);
    expectSane(learner, { ...FEATURES, systemLoad: Number.NaN, dataSize: Number.NaN, inFlight: Number.NaN });
  });

  test('takes types that appear and vanish', () => {
    const learner = create();
    const random = seededRandom(11);
    for (let i = 0; i < 400; i += 1) {
      const dataType = i < 200 ? 'early' : 'late';
      learner.learn(observe(MACHINE, 'grpc', randomSize(random), random, { features: { dataType } }));
    }
    for (const dataType of ['early', 'late', 'never']) expectSane(learner, { ...FEATURES, dataType });
  });

  test('comes back identical from its serialised state, and learns on identically', () => {
    fc.assert(
      fc.property(fc.array(observations, { maxLength: 60 }), observations, observations, (history, next, probe) => {
        const learner = create();
        for (const observation of history) learner.learn(observation);
        const restored = restore(JSON.parse(JSON.stringify(learner.toState())));
        expect(said(restored, probe)).toStrictEqual(said(learner, probe));
        restored.learn(next);
        learner.learn(next);
        expect(said(restored, probe)).toStrictEqual(said(learner, probe));
        expect(restored.toState()).toStrictEqual(learner.toState());
      }),
      { numRuns: 40 },
    );
  });

  test('keeps its memory bounded under ten thousand names', () => {
    const learner = create();
    const random = seededRandom(13);
    const sizes: number[] = [];
    for (let i = 0; i < 10_000; i += 1) {
      learner.learn(
        observe(MACHINE, 'grpc', randomSize(random), random, { features: { dataType: `type ${i}`, format: `f${i}` } }),
      );
      if (i === 4999 || i === 9999) sizes.push(JSON.stringify(learner.toState()).length);
    }
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) * 1.05);
    expect(sizes[1]).toBeLessThan(200_000);
  });

  test('predicts the same whatever was predicted before', () => {
    const learner = create();
    const random = seededRandom(17);
    for (let i = 0; i < 100; i += 1) learner.learn(observe(MACHINE, 'grpc', randomSize(random), random));
    const probes = [1e3, 1e5, 1e7].map((dataSize) => ({ ...FEATURES, dataSize }));
    const snapshot = learner.snapshot();
    const forward = probes.map((probe) => snapshot.estimate('grpc', probe));
    const backward = [...probes].reverse().map((probe) => snapshot.estimate('grpc', probe));
    expect(backward.reverse()).toStrictEqual(forward);
  });

  test('a snapshot is frozen in time', () => {
    const learner = create();
    const random = seededRandom(19);
    const snapshot = learner.snapshot();
    const before = snapshot.estimate('grpc', FEATURES);
    for (let i = 0; i < 100; i += 1) learner.learn(observe(MACHINE, 'grpc', randomSize(random), random));
    expect(snapshot.estimate('grpc', FEATURES)).toStrictEqual(before);
    expect(Object.isFrozen(snapshot)).toBe(true);
  });
});
