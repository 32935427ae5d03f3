import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoostedModel } from '../../src/learning/boosted-model.ts';
import { checksum } from '../../src/learning/compiled-trees.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { prefersNetwork } from '../../src/learning/is-better.ts';
import { CompiledNetwork } from '../../src/learning/neural-compiled.ts';
import { NEURAL_SHAPE } from '../../src/learning/neural-inputs.ts';
import { lossOf, zeroCopyProbabilityOf } from '../../src/learning/neural-loss.ts';
import {
  backward,
  forward,
  type Layers,
  layersOf,
  type Masks,
  type NetworkShape,
  OUTPUTS,
  parameterCount,
  scratchOf,
} from '../../src/learning/neural-network.ts';
import { chosenRows } from '../../src/learning/neural-rows.ts';
import { initialised, type NeuralData, trainNetwork } from '../../src/learning/neural-training.ts';
import { openSecondLayer } from '../../src/learning/second-layer.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import type { TrainingReport } from '../../src/learning/training-report.ts';
import type { Lane, Observation } from '../../src/learning/types.ts';
import { MACHINE, normal, observe, randomSize, seededRandom } from './synthetic.ts';

const LOSSES = fc.record({
  lane: fc.constantFrom(0, 1),
  target: fc.double({ min: -4, max: 4, noNaN: true }),
  weight: fc.double({ min: 0.1, max: 4, noNaN: true }),
  method: fc.constantFrom(0, 1),
  methodWeight: fc.double({ min: 0, max: 4, noNaN: true }),
});

const STEP = 1e-6;

/** Units that take part: where a step changes which, the loss has a kink and no derivative. */
function activeUnits(scratch: ReturnType<typeof scratchOf>): string {
  return [...scratch.first, ...scratch.second].map((unit) => (unit > 0 ? 1 : 0)).join('');
}

describe('the gradient', () => {
  test.each([
    ['without dropout', { inputs: 4, first: 6, second: 5 }, false],
    ['with a fixed mask', { inputs: 4, first: 6, second: 5 }, true],
    ['of the whole network', NEURAL_SHAPE, true],
  ] as const)('is that of finite differences, by every parameter and both heads: %s', (_name, shape, masked) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), LOSSES, (seed, truth) => {
        const random = seededRandom(seed);
        const layers = anyNetwork(shape, random);
        const masks = masked ? anyMasks(shape, random) : undefined;
        const scratch = scratchOf(shape);
        for (let i = 0; i < shape.inputs; i += 1) scratch.input[i] = normal(random);
        const lossNow = (): number => {
          forward(layers, scratch, masks);
          return lossOf(scratch.output, truth, scratch.outputDelta);
        };
        lossNow();
        const units = activeUnits(scratch);
        const gradient = layersOf(shape, new Float64Array(parameterCount(shape)));
        backward(layers, gradient, scratch, masks);
        let compared = 0;
        for (const [index, value] of layers.flat.entries()) {
          layers.flat[index] = value + STEP;
          const above = lossNow();
          const kink = activeUnits(scratch) !== units;
          layers.flat[index] = value - STEP;
          const below = lossNow();
          layers.flat[index] = value;
          if (kink || activeUnits(scratch) !== units) continue;
          const slope = (above - below) / (2 * STEP);
          const told = gradient.flat[index] ?? Number.NaN;
          if (!(Math.abs(told - slope) <= 1e-4 * (1 + Math.abs(slope)))) {
            expect.fail(`parameter ${index}: ${told}, by differences ${slope}`);
          }
          compared += 1;
        }
        expect(compared).toBeGreaterThan(0.9 * layers.flat.length);
      }),
      { numRuns: shape === NEURAL_SHAPE ? 3 : 60 },
    );
  });

  test('a mask of ones changes nothing; a unit that sits out passes nothing', () => {
    const shape = { inputs: 3, first: 4, second: 4 };
    const random = seededRandom(1);
    const layers = anyNetwork(shape, random);
    const scratch = scratchOf(shape);
    scratch.input.set([0.5, -1, 2]);
    forward(layers, scratch);
    const plain = [...scratch.output];
    forward(layers, scratch, { first: new Float64Array(4).fill(1), second: new Float64Array(4).fill(1) });
    expect([...scratch.output]).toStrictEqual(plain);
    forward(layers, scratch, { first: new Float64Array(4), second: new Float64Array(4) });
    expect([...scratch.output]).toStrictEqual([...layers.last.biases]);
  });
});

function anyNetwork(shape: NetworkShape, random: () => number): Layers {
  const layers = initialised(shape, random);
  for (const layer of [layers.first, layers.second, layers.last]) {
    for (const [index] of layer.biases.entries()) layer.biases[index] = 0.3 * normal(random);
  }
  for (const [index] of layers.last.weights.entries()) layers.last.weights[index] = 0.5 * normal(random);
  return layers;
}

function anyMasks(shape: NetworkShape, random: () => number): Masks {
  const mask = (units: number) => Float64Array.from({ length: units }, () => (random() < 0.2 ? 0 : 1.25));
  return { first: mask(shape.first), second: mask(shape.second) };
}

/** Latencies follow |x| and a product, which no line can; zero-copy is the cheaper lane where both inputs have the same sign. */
function knownFunction(rows: number, seed: number): NeuralData {
  const random = seededRandom(seed);
  const inputs = Float64Array.from({ length: rows * 2 }, () => 2 * random() - 1);
  const at = (row: number): readonly [number, number] => [inputs[2 * row] ?? 0, inputs[2 * row + 1] ?? 0];
  return {
    rows,
    inputs,
    lane: Uint8Array.from({ length: rows }, (_, row) => row % 2),
    target: Float64Array.from({ length: rows }, (_, row) => {
      const [x, y] = at(row);
      return (row % 2 === 0 ? 2 * Math.abs(x) - 1 : 2 * x * y) + 0.1 * normal(random);
    }),
    weight: new Float64Array(rows).fill(1),
    method: Uint8Array.from({ length: rows }, (_, row) => (at(row)[0] * at(row)[1] > 0 ? 1 : 0)),
    methodWeight: new Float64Array(rows).fill(1),
  };
}

describe('training the network', () => {
  const shape = { ...NEURAL_SHAPE, inputs: 2 };

  test('learns a known function, both lanes and the method', () => {
    const { parameters, errors, epochs } = trainNetwork(shape, knownFunction(1500, 1), seededRandom(2));
    expect(epochs).toBeGreaterThan(5);
    for (const { before, after } of errors) expect(after).toBeLessThan(0.45 * before);
    const scratch = scratchOf(shape);
    const fresh = knownFunction(500, 3);
    let right = 0;
    for (let row = 0; row < fresh.rows; row += 1) {
      scratch.input.set(fresh.inputs.subarray(2 * row, 2 * row + 2));
      forward(layersOf(shape, parameters), scratch);
      if (zeroCopyProbabilityOf(scratch.output) > 0.5 === (fresh.method[row] === 1)) right += 1;
    }
    expect(right / fresh.rows).toBeGreaterThan(0.88);
  });

  test('equal seeds give equal parameters, another seed others', () => {
    const data = knownFunction(200, 4);
    const parameters = (seed: number) => trainNetwork(shape, data, seededRandom(seed), { epochs: 3 }).parameters;
    expect(parameters(7)).toStrictEqual(parameters(7));
    expect(parameters(7)).not.toStrictEqual(parameters(8));
  });

  test('where there is nothing to learn it stops early, no worse than no correction', () => {
    const random = seededRandom(9);
    const noise = { ...knownFunction(800, 5), target: Float64Array.from({ length: 800 }, () => normal(random)) };
    const data = { ...noise, methodWeight: new Float64Array(800) };
    const { errors, epochs } = trainNetwork(shape, data, seededRandom(6));
    expect(epochs).toBeLessThan(60);
    for (const { before, after } of errors) expect(after).toBeLessThan(1.05 * before);
  });

  test('is bounded: rows of both lanes, evenly in time; visits; a cancellation', () => {
    const lanes = Array.from({ length: 50_000 }, (_, i): Lane => (i % 50 === 0 ? 'grpc' : 'zero_copy'));
    const chosen = [...chosenRows(lanes)];
    expect(chosen).toHaveLength(8_192);
    expect(chosen.filter((index) => lanes[index] === 'grpc')).toHaveLength(1_000);
    expect(chosen.filter((index) => index < 25_000).length).toBeCloseTo(4_096, -2);
    expect(chosenRows(lanes.slice(0, 900)).size).toBe(900);
    const data = knownFunction(200, 6);
    expect(trainNetwork(shape, data, seededRandom(1), { visits: 320 }).epochs).toBeLessThanOrEqual(2);
    expect(trainNetwork(shape, data, seededRandom(1), { cancelled: () => true }).epochs).toBe(0);
  });
});

/** gRPC takes `factor` times as long at night and small payloads are slow under load: what no term of the cost model can say. */
function history(rows: number, seed: number, factor: number): Observation[] {
  const random = seededRandom(seed);
  return Array.from({ length: rows }, (_, index) => {
    const lane: Lane = random() < 0.5 ? 'grpc' : 'zero_copy';
    const hourOfDay = index % 24;
    const observation = observe(MACHINE, lane, randomSize(random), random, { atMs: index, features: { hourOfDay } });
    const night = hourOfDay < 12 && lane === 'grpc';
    return { ...observation, latencyUs: observation.latencyUs * (night ? factor : 1), propensity: 0.5 };
  });
}

const SHORT = { visits: 40_000 };

describe('the network as a second layer', () => {
  const rows = history(2_000, 1, 2.5);
  const trained = trainModel(rows, { statistic: 'median', learners: ['neural_network'], neural: SHORT });
  const recent = { grpc: 0, zero_copy: 0 };
  const at = (hourOfDay: number, dataSize = 1e5) => ({
    ...observe(MACHINE, 'grpc', dataSize, seededRandom(1)),
    hourOfDay,
  });

  test('finds what the cost model cannot say', () => {
    const { report, learner } = trained;
    expect(learner).toBe('neural_network');
    expect(report.heldOut.medianError.withModel).toBeLessThan(report.heldOut.medianError.costModel * 0.8);
    expect(report.heldOut.difference).toBeLessThan(0);
    expect(report.network).toMatchObject({ rows: 1_600 });
    expect(report.trees).toStrictEqual({ grpc: 0, zeroCopy: 0 });
    const layer = openSecondLayer('neural_network', trained.buffer);
    expect(layer.correction('grpc', at(3), recent) - layer.correction('grpc', at(20), recent)).toBeGreaterThan(0.5);
    // Of 100 kB gRPC takes 800 us by day and 2 000 by night, zero-copy 980.
    expect(layer.zeroCopyProbability?.(at(3), recent)).toBeGreaterThan(0.5);
    expect(layer.zeroCopyProbability?.(at(20), recent)).toBeLessThan(0.5);
  });

  test('equal seeds give equal bytes', () => {
    const few = { statistic: 'mean', seed: 3, learners: ['neural_network'], neural: { epochs: 2 } } as const;
    const bytes = () => Buffer.from(trainModel(rows.slice(0, 1_000), few).buffer).toString('hex');
    expect(bytes()).toBe(bytes());
  });

  test('says nothing wild about what it never saw', () => {
    const layer = openSecondLayer('neural_network', trained.buffer);
    const seen = layer.correction('grpc', at(3, 1e12), recent);
    expect(layer.correction('grpc', at(3, Number.NaN), recent)).toBeTypeOf('number');
    expect(layer.correction('grpc', at(3, 1e15), { grpc: 50, zero_copy: Number.NaN })).toBeLessThanOrEqual(1);
    // Beyond the largest payload that it was trained on it stays where it was.
    expect(layer.correction('grpc', at(3, 1e15), recent)).toBe(seen);
  });

  test('a turn of the order needs both of its heads', () => {
    const cost = new CostModel();
    for (const row of history(600, 2, 1)) cost.learn(row);
    const snapshot = cost.snapshot();
    const options = { modelId: 'm', learner: 'neural_network', requiredConfidence: 0 } as const;
    const model = new BoostedModel(trained.buffer, options).snapshot(snapshot);
    const turned = model.compare?.(at(3));
    expect(snapshot.compare?.(at(3)).logRatio).toBeLessThan(0);
    expect(turned?.logRatio).toBeGreaterThan(0);
    expect(model.estimate('grpc', at(3))).toStrictEqual(turned?.grpc);
    expect(model).toMatchObject({ modelId: 'm', learner: 'neural_network' });
    // The same network with its word on the method taken away says nothing of its own there.
    const against = new BoostedModel(withMethodBias(trained.buffer, 50), options).snapshot(snapshot);
    expect(against.compare?.(at(3)).logRatio).toBe(snapshot.compare?.(at(3)).logRatio);
    expect(against.compare?.(at(20)).logRatio).toBe(model.compare?.(at(20)).logRatio);
  });

  test('what is damaged is refused with the reason', () => {
    const damaged = (change: (view: DataView) => void, mend = true): ArrayBuffer => {
      const buffer = trained.buffer.slice();
      change(new DataView(buffer));
      if (mend) new DataView(buffer).setUint32(8, checksum(new Uint8Array(buffer, 12)), true);
      return buffer;
    };
    const opened = (buffer: ArrayBuffer) => () => new CompiledNetwork(buffer);
    expect(opened(trained.buffer)).not.toThrow();
    const firstWeight = 32 + 2 * NEURAL_SHAPE.inputs * 8;
    for (const [buffer, reason] of [
      [new ArrayBuffer(8), /8 bytes are less than a network/],
      [new ArrayBuffer(9_000_000), /are more than/],
      [trained.buffer.slice(0, -1), /its header says/],
      [damaged((view) => view.setUint32(0, 1, true)), /no compiled network/],
      [damaged((view) => view.setUint32(4, 9, true)), /version 9, expected 1/],
      [damaged((view) => view.setUint32(20, 65, true)), /layer 1 is 65 wide/],
      [damaged((view) => view.setUint8(1_000, view.getUint8(1_000) ^ 1), false), /the checksum is wrong/],
      [damaged((view) => view.setFloat64(firstWeight, Number.NaN, true)), /parameter 0 is NaN/],
      [damaged((view) => view.setFloat64(firstWeight + 8, 1e9, true)), /parameter 1 is 1000000000/],
      [damaged((view) => view.setFloat64(32, Number.POSITIVE_INFINITY, true)), /input 0 ranges Infinity/],
      [damaged((view) => view.setUint8(view.byteLength - 1, 0x20)), /its names cannot be read/],
    ] as const) {
      expect(opened(buffer)).toThrow(reason);
    }
    // Bytes of one learner are none of the other.
    expect(() => openSecondLayer('boosted_trees', trained.buffer)).toThrow(/no compiled model/);
    // Any single byte.
    fc.assert(
      fc.property(fc.nat({ max: trained.buffer.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), (byte, flip) => {
        expect(opened(damaged((view) => view.setUint8(byte, view.getUint8(byte) ^ flip), false))).toThrow(
          /model refused/,
        );
      }),
      { numRuns: 50 },
    );
  });
});

/** Shifts the logits toward gRPC. */
function withMethodBias(buffer: ArrayBuffer, bias: number): ArrayBuffer {
  const changed = buffer.slice();
  const view = new DataView(changed);
  const lastBiases = 32 + (2 * NEURAL_SHAPE.inputs + parameterCount(NEURAL_SHAPE) - OUTPUTS) * 8;
  view.setFloat64(lastBiases + 2 * 8, bias, true);
  view.setUint32(8, checksum(new Uint8Array(changed, 12)), true);
  return changed;
}

describe('two learners on the same rows', () => {
  test('the better one comes first, with the other one beside it; each is as it would be alone', () => {
    const rows = history(1_500, 3, 2.5);
    const options = { statistic: 'median', boosting: { rounds: 12 }, neural: { epochs: 8 } } as const;
    const both = trainModel(rows, { ...options, learners: ['neural_network', 'boosted_trees'] });
    const { runnerUp } = both;
    if (runnerUp === undefined) throw new Error('two were trained');
    expect([both.learner, runnerUp.learner].sort()).toStrictEqual(['boosted_trees', 'neural_network']);
    for (const { learner, buffer, report } of [both, runnerUp]) {
      const alone = trainModel(rows, { ...options, learners: [learner] });
      expect(Buffer.from(alone.buffer).equals(Buffer.from(buffer))).toBe(true);
      expect(alone.report.heldOut).toStrictEqual(report.heldOut);
      expect(report.rival?.learner).not.toBe(learner);
    }
    expect(both.report.rival?.challenged.difference).toBe(
      -(runnerUp.report.rival?.challenged.difference ?? Number.NaN),
    );
    const [trees, network] = both.learner === 'boosted_trees' ? [both, runnerUp] : [runnerUp, both];
    expect(prefersNetwork(trees.report, network.report)).toBe(both.learner === 'neural_network');
    expect(() => trainModel(rows, { ...options, learners: [] })).toThrow('at least one learner');
  });

  test.each([
    // Against the rules: trees, network; the network against the trees; standard error of each.
    ['a tie goes to the trees', -0.05, -0.05, 0, false],
    ['within one standard error too', -0.05, -0.055, -0.005, false],
    ['the network where it is better', -0.05, -0.08, -0.03, true],
    ['the trees where they are', -0.08, -0.05, 0.03, false],
    ['the network where it alone is surely better than the rules', -0.015, -0.021, -0.006, true],
    ['the trees where they alone are', -0.021, -0.015, 0.006, false],
    ['neither is, and none is better', 0.01, 0.01, 0, false],
  ])('%s', (_name, ofTrees, ofNetwork, duel, expected) => {
    const report = (difference: number, against: number): TrainingReport => {
      const contest = (value: number) => ({ rows: 400, difference: value, standardError: 0.01, disagreement: 0.1 });
      const errors = { costModel: 0.2, withModel: 0.2 };
      return {
        ...{ rows: 2_000, fromMs: 0, toMs: 1, seed: 1, trees: { grpc: 1, zeroCopy: 1 } },
        validation: { grpc: errors, zeroCopy: errors },
        heldOut: { ...contest(difference), medianError: errors },
        rival: { learner: 'boosted_trees', challenged: contest(against) },
      };
    };
    expect(prefersNetwork(report(ofTrees, -duel), report(ofNetwork, duel))).toBe(expected);
  });
});
