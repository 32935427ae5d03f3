import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PitwallError } from '../../src/errors.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { ThresholdTuner, type TuningInput } from '../../src/learning/threshold-tuning.ts';
import type { CostModelSnapshot } from '../../src/learning/types.ts';
import {
  FASTER_MACHINE,
  FEATURES,
  MACHINE,
  type Machine,
  observe,
  randomSize,
  seededRandom,
  trueCrossover,
} from './synthetic.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const OPTIONS = { base: 10 * MIB, minimumThreshold: 4 * KIB, maximumThreshold: 1024 * MIB };
const CALM = { memoryLoad: 0.3, systemLoad: 0.3 };

function input(costModel: CostModelSnapshot, atMs: number, extra: Partial<TuningInput> = {}): TuningInput {
  return { atMs, costModel, traffic: [{ features: FEATURES, weight: 1 }], pressure: CALM, ...extra };
}

/** Feeds a machine's transfers and tunes after each; returns how often the tensor threshold moved. */
function live(
  tuner: ThresholdTuner,
  model: CostModel,
  machine: Machine,
  records: number,
  seed: number,
  fromMs = 0,
): number {
  const random = seededRandom(seed);
  let moves = 0;
  for (let i = 0; i < records; i += 1) {
    const atMs = fromMs + i * 50;
    model.learn(observe(machine, random() < 0.5 ? 'grpc' : 'zero_copy', randomSize(random), random, { scatter: 0.4 }));
    const changes = tuner.update(input(model.snapshot(), atMs));
    moves += changes.filter((change) => change.dataType === 'tensor' && change.kind === 'threshold').length;
  }
  return moves;
}

describe('learned thresholds', () => {
  test('start at the configured base', () => {
    expect(new ThresholdTuner(OPTIONS).thresholds()).toMatchObject({
      default: { base: 10 * MIB, adjustmentFactor: 1, resourceFactor: 1, final: 10 * MIB },
      quickPathMinimum: 4 * KIB,
    });
  });

  test('move to where the lanes cross, and say why and for what gain', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    live(tuner, new CostModel(), MACHINE, 1500, 1);
    const final = tuner.thresholds().byDataType.get('tensor')?.final ?? 0;
    expect(Math.abs(Math.log(final / trueCrossover(MACHINE)))).toBeLessThan(0.45);
    const first = tuner.history().find((change) => change.dataType === 'tensor');
    expect(first).toMatchObject({ from: 10 * MIB, reason: expect.stringContaining('lanes cross at') });
    expect(first?.expectedGain).toBeGreaterThan(0.1);
  });

  test('do not move before there is evidence', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    const model = new CostModel();
    expect(live(tuner, model, MACHINE, 10, 2)).toBe(0);
  });

  test('do not flap on noise: after settling, at most 3 moves in 3000 noisy transfers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const tuner = new ThresholdTuner(OPTIONS);
        const model = new CostModel();
        live(tuner, model, MACHINE, 1500, seed);
        expect(live(tuner, model, MACHINE, 3000, seed + 1, 75_000)).toBeLessThanOrEqual(3);
      }),
      { numRuns: 4 },
    );
  });

  test('sink when zero-copy becomes faster, and rise when it becomes slower again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const tuner = new ThresholdTuner(OPTIONS);
        const model = new CostModel();
        const settled = (machine: Machine, fromMs: number): number => {
          live(tuner, model, machine, 1500, seed + fromMs, fromMs);
          return tuner.thresholds().byDataType.get('tensor')?.final ?? 0;
        };
        const before = settled(MACHINE, 0);
        const faster = settled(FASTER_MACHINE, 75_000);
        const after = settled(MACHINE, 150_000);
        expect(faster).toBeLessThan(before);
        expect(after).toBeGreaterThan(faster);
      }),
      { numRuns: 3 },
    );
  });

  test('are always within the limits, whatever the model says', () => {
    const crossovers = fc.oneof(
      fc.constant(0),
      fc.constant(Number.POSITIVE_INFINITY),
      fc.double({ min: 0, max: 1e15, noNaN: true }),
    );
    const loads = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(crossovers, loads, loads, fc.double({ min: -3, max: 3, noNaN: true }))),
        (steps) => {
          const tuner = new ThresholdTuner(OPTIONS);
          for (const [index, [crossover, memoryLoad, systemLoad, logRatio]] of steps.entries()) {
            tuner.update(input(saying(crossover, logRatio), index * 2000, { pressure: { memoryLoad, systemLoad } }));
            const { default: fallback, byDataType, quickPathMinimum } = tuner.thresholds();
            for (const threshold of [fallback, ...byDataType.values()]) {
              expect(threshold.final).toBeGreaterThanOrEqual(OPTIONS.minimumThreshold);
              expect(threshold.final).toBeLessThanOrEqual(OPTIONS.maximumThreshold);
            }
            expect(quickPathMinimum).toBeGreaterThan(0);
            expect(quickPathMinimum).toBeLessThanOrEqual(OPTIONS.minimumThreshold);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a model that is not sure at the present threshold moves nothing', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    expect(tuner.update(input(saying(1 * MIB, 0.1, 0.2), 5000))).toStrictEqual([]);
  });
});

describe('the quick path', () => {
  const options = { ...OPTIONS, minimumThreshold: MIB };

  test('sinks on evidence below every crossing of the traffic', () => {
    const tuner = new ThresholdTuner(options);
    const changes = tuner.update(input(saying(100 * KIB, 1), 5000));
    expect(changes.find((change) => change.kind === 'quick_path_minimum')).toMatchObject({ from: MIB, to: 50 * KIB });
    expect(tuner.thresholds().quickPathMinimum).toBe(50 * KIB);
  });

  test('stays without evidence, and never rises above the configuration', () => {
    const tuner = new ThresholdTuner(options);
    tuner.update(input(saying(100 * KIB, 1, 0.05, 3), 5000));
    expect(tuner.thresholds().quickPathMinimum).toBe(MIB);
    tuner.update(input(saying(100 * KIB, 1), 6000));
    tuner.update(input(saying(500 * MIB, -1), 9000));
    expect(tuner.thresholds().quickPathMinimum).toBe(MIB);
  });
});

describe('pressure', () => {
  test('memory pressure lowers thresholds at once, cpu pressure a little, and calm brings them back', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    const model = saying(10 * MIB, 0);
    const under = (memoryLoad: number, systemLoad: number, atMs: number): number => {
      tuner.update(input(model, atMs, { pressure: { memoryLoad, systemLoad } }));
      return tuner.thresholds().default.final;
    };
    expect(under(0.95, 0.3, 0)).toBeLessThan(7 * MIB);
    expect(under(0.3, 0.3, 250)).toBe(10 * MIB);
    const cpu = under(0.3, 1, 500);
    expect(cpu).toBeLessThan(10 * MIB);
    expect(cpu).toBeGreaterThan(7 * MIB);
    expect(tuner.history().at(-1)?.reason).toContain('cpu 100 %');
  });

  test('more memory pressure never raises a threshold', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (one, other) => {
          const at = (memoryLoad: number): number => {
            const tuner = new ThresholdTuner(OPTIONS);
            tuner.update(input(saying(10 * MIB, 0), 0, { pressure: { memoryLoad, systemLoad: undefined } }));
            return tuner.thresholds().default.final;
          };
          expect(at(Math.max(one, other))).toBeLessThanOrEqual(at(Math.min(one, other)));
        },
      ),
    );
  });

  test('a load that trembles around a line moves thresholds at most twice', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    const random = seededRandom(5);
    let moves = 0;
    for (let i = 0; i < 500; i += 1) {
      const pressure = { memoryLoad: 0.9 + 0.02 * (random() - 0.5), systemLoad: 0.5 };
      moves += tuner
        .update(input(saying(10 * MIB, 0), i * 250, { pressure }))
        .filter((c) => c.dataType === undefined).length;
    }
    expect(moves).toBeLessThanOrEqual(2);
  });
});

describe('keeping', () => {
  test('comes back identical from its state', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    live(tuner, new CostModel(), MACHINE, 400, 6);
    tuner.adjust('json', 3 * MIB, 1);
    const restored = ThresholdTuner.fromState(JSON.parse(JSON.stringify(tuner.toState())), OPTIONS);
    expect(restored.thresholds()).toStrictEqual(tuner.thresholds());
    expect(restored.history()).toStrictEqual(tuner.history());
    expect(restored.toState()).toStrictEqual(tuner.toState());
  });

  test('any JSON value is either a state or refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => ThresholdTuner.fromState(value, OPTIONS)).toThrow(PitwallError);
      }),
    );
  });

  test('adjust and reset', () => {
    const tuner = new ThresholdTuner(OPTIONS);
    expect(tuner.adjust('tensor', 2 * MIB, 1)).toMatchObject({ from: 10 * MIB, to: 2 * MIB });
    tuner.adjust(undefined, 5 * MIB, 2);
    expect(tuner.thresholds().default.final).toBe(5 * MIB);
    tuner.reset('tensor');
    expect(tuner.thresholds().byDataType.has('tensor')).toBe(false);
    tuner.reset();
    expect(tuner.thresholds().default.final).toBe(10 * MIB);
    expect(() => tuner.adjust('tensor', Number.NaN, 3)).toThrow('bytes');
  });

  test('data types and history are bounded, refusals counted', () => {
    const tuner = new ThresholdTuner({ ...OPTIONS, maxDataTypes: 3, historyLimit: 5 });
    for (let i = 0; i < 20; i += 1) {
      const features = { ...FEATURES, dataType: `type ${i}` };
      tuner.update(
        input(saying(2 ** (i % 10) * MIB, i % 2 === 0 ? 1 : -1), i * 2000, { traffic: [{ features, weight: 1 }] }),
      );
    }
    expect(tuner.thresholds().byDataType.size).toBe(3);
    expect(tuner.history().length).toBeLessThanOrEqual(5);
    expect(tuner.refusedDataTypes).toBe(17);
  });
});

/** A model that says one thing, for what a real one cannot be made to say on demand. */
function saying(crossover: number, logRatio: number, standardError = 0.05, effectiveSamples = 500): CostModelSnapshot {
  const estimate = (latencyUs: number) => ({
    latencyUs,
    meanLatencyUs: latencyUs,
    standardError,
    intervalUs: undefined,
    effectiveSamples,
  });
  return {
    estimate: (lane) => estimate(lane === 'grpc' ? 1000 * Math.exp(logRatio) : 1000),
    crossover: () => crossover,
  };
}
