import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, PitwallError } from '../../src/errors.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { DEFAULT_COST_PRIOR } from '../../src/learning/cost-prior.ts';
import type { Lane } from '../../src/learning/types.ts';
import {
  FASTER_MACHINE,
  FEATURES,
  latencyOf,
  MACHINE,
  type Machine,
  observe,
  randomSize,
  seededRandom,
  trueCrossover,
} from './synthetic.ts';

function taught(machine: Machine, records: number, seed: number, model = new CostModel(), scatter = 0.2): CostModel {
  const random = seededRandom(seed);
  for (let i = 0; i < records; i += 1) {
    model.learn(observe(machine, random() < 0.5 ? 'grpc' : 'zero_copy', randomSize(random), random, { scatter }));
  }
  return model;
}

describe('what it finds out', () => {
  test.each([
    [60, 0.35],
    [400, 0.15],
    [3000, 0.1],
  ])('after %i records both lanes are predicted within %f', (records, tolerance) => {
    const snapshot = taught(MACHINE, records, 1).snapshot();
    for (const lane of ['grpc', 'zero_copy'] as const) {
      for (const dataSize of [2e3, 5e4, 5e5, 8e6]) {
        const { latencyUs } = snapshot.estimate(lane, { ...FEATURES, dataSize });
        expect(Math.abs(Math.log(latencyUs / latencyOf(MACHINE, lane, dataSize)))).toBeLessThan(tolerance);
      }
    }
  });

  test('the crossing of the lanes', () => {
    const crossover = taught(MACHINE, 2000, 2).snapshot().crossover(FEATURES);
    expect(Math.abs(Math.log(crossover / trueCrossover(MACHINE)))).toBeLessThan(0.25);
  });

  test('the crossing is where the estimates are equal', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 300 }), (seed, records) => {
        const snapshot = taught(MACHINE, records, seed).snapshot();
        const dataSize = snapshot.crossover(FEATURES);
        if (dataSize === 0 || !Number.isFinite(dataSize)) return;
        const at = { ...FEATURES, dataSize };
        const ratio = snapshot.estimate('grpc', at).latencyUs / snapshot.estimate('zero_copy', at).latencyUs;
        expect(ratio).toBeCloseTo(1, 9);
      }),
      { numRuns: 30 },
    );
  });

  test('latency grows with size', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 200 }), fc.boolean(), (seed, records, compression) => {
        const snapshot = taught(MACHINE, records, seed, new CostModel(), 1).snapshot();
        for (const lane of ['grpc', 'zero_copy'] as const) {
          let before = 0;
          for (let dataSize = 1; dataSize < 2 ** 33; dataSize *= 3) {
            const { latencyUs } = snapshot.estimate(lane, { ...FEATURES, dataSize, compression });
            expect(latencyUs).toBeGreaterThan(before);
            before = latencyUs;
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('one transfer in ten stalling by a factor 50 hardly moves the medians', () => {
    const model = new CostModel();
    const random = seededRandom(3);
    for (let i = 0; i < 1500; i += 1) {
      const lane: Lane = i % 2 === 0 ? 'grpc' : 'zero_copy';
      const observation = observe(MACHINE, lane, randomSize(random), random);
      model.learn(random() < 0.1 ? { ...observation, latencyUs: observation.latencyUs * 50 } : observation);
    }
    for (const dataSize of [5e4, 5e6]) {
      const { latencyUs } = model.snapshot().estimate('grpc', { ...FEATURES, dataSize });
      expect(Math.abs(Math.log(latencyUs / latencyOf(MACHINE, 'grpc', dataSize)))).toBeLessThan(0.25);
    }
  });

  test('it follows a machine that changed', () => {
    const model = taught(MACHINE, 1000, 4);
    taught(FASTER_MACHINE, 1000, 5, model);
    const { latencyUs } = model.snapshot().estimate('zero_copy', { ...FEATURES, dataSize: 4e6 });
    expect(Math.abs(Math.log(latencyUs / latencyOf(FASTER_MACHINE, 'zero_copy', 4e6)))).toBeLessThan(0.25);
  });

  test('intervals cover 90 % of what comes next', () => {
    const model = taught(MACHINE, 500, 6);
    const random = seededRandom(7);
    let covered = 0;
    for (let i = 0; i < 1000; i += 1) {
      const lane: Lane = i % 2 === 0 ? 'grpc' : 'zero_copy';
      const next = observe(MACHINE, lane, randomSize(random), random);
      const interval = model.snapshot().estimate(lane, next).intervalUs;
      if (interval !== undefined && next.latencyUs >= interval[0] && next.latencyUs <= interval[1]) covered += 1;
      model.learn(next);
    }
    expect(covered / 1000).toBeGreaterThan(0.87);
    expect(covered / 1000).toBeLessThan(0.93);
  });

  test('intervals cover 90 % from soon after the scatter has changed, and a restored model goes on with them', () => {
    let model = taught(MACHINE, 500, 6);
    const random = seededRandom(8);
    let covered = 0;
    for (let i = 0; i < 800; i += 1) {
      const next = observe(MACHINE, i % 2 === 0 ? 'grpc' : 'zero_copy', randomSize(random), random, { scatter: 0.6 });
      const interval = model.snapshot().estimate(next.method, next).intervalUs;
      if (interval !== undefined && next.latencyUs >= interval[0] && next.latencyUs <= interval[1]) covered += 1;
      model.learn(next);
      if (i === 300) model = CostModel.fromState(JSON.parse(JSON.stringify(model.toState())));
    }
    expect(covered / 800).toBeGreaterThan(0.87);
    expect(covered / 800).toBeLessThan(0.93);
  });

  test('the mean lies above the median by what the scatter asks for', () => {
    const { latencyUs, meanLatencyUs } = taught(MACHINE, 800, 8, new CostModel(), 0.5)
      .snapshot()
      .estimate('grpc', FEATURES);
    expect(meanLatencyUs / latencyUs).toBeGreaterThan(1.06);
    expect(meanLatencyUs / latencyUs).toBeLessThan(1.22);
  });
});

describe('what it believes before it knows', () => {
  test('a fresh model says the prior, with doubt and without an interval', () => {
    const snapshot = new CostModel().snapshot();
    const small = snapshot.estimate('grpc', { ...FEATURES, dataSize: 1024 });
    expect(small.latencyUs).toBeGreaterThan(500);
    expect(small.latencyUs).toBeLessThan(1100);
    expect(small.intervalUs).toBeUndefined();
    expect(small.effectiveSamples).toBe(0);
    expect(small.standardError).toBeGreaterThan(0.5);
  });

  test('warm memory crosses below cold memory', () => {
    const snapshot = new CostModel().snapshot();
    const warm = snapshot.crossover({ ...FEATURES, warm: true });
    expect(warm).toBeLessThan(snapshot.crossover({ ...FEATURES, warm: false }) / 3);
    expect(warm).toBeLessThan(100_000);
  });

  test('a kind without data stays at its parent', () => {
    const snapshot = taught(MACHINE, 1000, 9).snapshot();
    const own = snapshot.estimate('grpc', { ...FEATURES, dataSize: 1024 });
    const unseen = snapshot.estimate('grpc', { ...FEATURES, dataSize: 1024, dataType: 'unseen' });
    expect(Math.abs(Math.log(unseen.latencyUs / own.latencyUs))).toBeLessThan(0.35);
    expect(unseen.standardError).toBeGreaterThan(own.standardError);
    expect(unseen.effectiveSamples).toBeLessThan(own.effectiveSamples / 5);
  });

  test('doubt about the ratio is less than both doubts together: the machine is the same', () => {
    const comparison = new CostModel().snapshot().compare?.(FEATURES);
    expect(comparison).toBeDefined();
    if (comparison === undefined) return;
    const apart = Math.hypot(comparison.grpc.standardError, comparison.zeroCopy.standardError);
    expect(comparison.logRatioStandardError).toBeLessThan(apart * 0.7);
  });
});

describe('kinds are bounded', () => {
  test('a flood of new names neither takes the slot of a kind in use nor goes uncounted', () => {
    const model = new CostModel({ maxKinds: 4 });
    const random = seededRandom(10);
    for (let i = 0; i < 4000; i += 1) {
      const flood = i % 2 === 0 ? { dataType: `hostile ${i}` } : {};
      model.learn(observe(MACHINE, 'grpc', randomSize(random), random, { features: flood }));
    }
    const names = model.kinds().map((kind) => kind.dataType);
    expect(names).toContain('tensor');
    expect(names.length).toBe(4);
    expect(model.counters.refusedKinds).toBeGreaterThan(1000);
  });

  test('a kind that is no longer used makes room', () => {
    const model = new CostModel({ maxKinds: 1 });
    const random = seededRandom(11);
    const teach = (dataType: string, records: number): void => {
      for (let i = 0; i < records; i += 1) {
        model.learn(observe(MACHINE, 'grpc', randomSize(random), random, { features: { dataType } }));
      }
    };
    teach('old', 5);
    teach('new', 6000);
    expect(model.kinds().map((kind) => kind.dataType)).toStrictEqual(['new']);
  });
});

describe('states', () => {
  const good = JSON.stringify(taught(MACHINE, 100, 12).toState());
  const cases: readonly [string, (state: Record<string, unknown>) => unknown, RegExp][] = [
    ['no object', () => 7, /expected an object/],
    ['nothing', () => null, /expected an object/],
    ['another version', (state) => ({ ...state, version: 99 }), /version/],
    ['a missing field', ({ theta: _, ...state }) => state, /theta/],
    ['a number that is none', (state) => ({ ...state, theta: withFirst(state.theta, null) }), /theta\[0\]/],
    ['an insane number', (state) => ({ ...state, theta: withFirst(state.theta, 1e300) }), /theta\[0\]/],
    ['too few numbers', (state) => ({ ...state, covariance: [1] }), /covariance/],
    ['a negative variance', (state) => ({ ...state, covariance: withFirst(state.covariance, -1) }), /covariance/],
    ['a slot twice', (state) => ({ ...state, kinds: [kind(1), kind(1)] }), /kinds|theta/],
    ['too many kinds', (state) => ({ ...state, kinds: Array.from({ length: 40 }, (_, i) => kind(i + 1)) }), /kinds/],
  ];
  const kind = (slot: number) => ({ slot, dataType: 'a', format: 'b', grpc: 0, zeroCopy: 0, atRecord: 0 });
  const withFirst = (list: unknown, value: unknown): unknown[] => [
    value,
    ...(Array.isArray(list) ? list.slice(1) : []),
  ];

  test.each(cases)('%s is refused with the reason', (_name, damage, reason) => {
    const load = (): CostModel => CostModel.fromState(damage(JSON.parse(good)));
    expect(load).toThrow(PitwallError);
    expect(load).toThrow(reason);
  });

  test('any JSON value is either a state or refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => CostModel.fromState(value)).toThrow(PitwallError);
      }),
      { numRuns: 100 },
    );
  });
});

describe('options', () => {
  test.each([
    [{ maxKinds: 0 }, 'maxKinds'],
    [{ residualWindow: 1 }, 'residualWindow'],
    [{ prior: { ...DEFAULT_COST_PRIOR, grpcFixedUs: { mean: -1, logSd: 1 } } }, 'prior.grpcFixedUs.mean'],
  ])('%j is refused, naming the field', (options, field) => {
    expect(() => new CostModel(options)).toThrow(InvalidArgumentError);
    expect(() => new CostModel(options)).toThrow(field);
  });
});
