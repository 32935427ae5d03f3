import fc from 'fast-check';
import { DecisionTreeRegression, type RegressionNode } from 'ml-cart';
import { describe, expect, test } from 'vitest';
import { PitwallError } from '../../src/errors.ts';
import { boost } from '../../src/learning/boosting.ts';
import { CompiledTrees, compileTrees } from '../../src/learning/compiled-trees.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { FEATURE_COUNT, SIZE_FEATURE, TreeFeatures } from '../../src/learning/tree-features.ts';
import { growTree, type WeakTree } from '../../src/learning/weak-tree.ts';
import { FEATURES, normal } from './synthetic.ts';

const ALL_COLUMNS = Array.from({ length: FEATURE_COUNT }, (_, index) => index);
const META = { dataTypes: ['tensor', 'json'], formats: ['numpy'] };

function randomRow(random: () => number): number[] {
  return ALL_COLUMNS.map((column) => (column % 3 === 0 ? Math.floor(random() * 4) : random() * 30));
}

function randomData(rows: number, random: () => number, target: (row: number[]) => number) {
  const samples = Array.from({ length: rows }, () => randomRow(random));
  return {
    matrix: ALL_COLUMNS.map((column) => Float64Array.from(samples, (row) => row[column] ?? 0)),
    target: Float64Array.from(samples, (row) => target(row) + 0.1 * normal(random)),
    weight: new Float64Array(rows).fill(1),
  };
}

describe('compiled trees', () => {
  test("predict exactly what ml-cart's own predict says, on any rows", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 5, max: 80 }),
        (seed, depth, rows) => {
          const random = seededRandom(seed);
          const samples = Array.from({ length: rows }, () => randomRow(random));
          const targets = samples.map(() => normal(random));
          const cart = new DecisionTreeRegression({ maxDepth: depth, minNumSamples: 3 });
          cart.train(samples, targets);
          const tree = growTree(samples, targets, ALL_COLUMNS, { maxDepth: depth, minLeafRows: 3 });
          const compiled = new CompiledTrees(compileTrees([tree], [], META));
          const probes = [...samples, ...Array.from({ length: 50 }, () => randomRow(random)), splitValues(cart.root)];
          const expected = cart.predict(probes);
          expect(probes.map((probe) => compiled.predict('grpc', Float64Array.from(probe)))).toStrictEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('an ensemble is the sum of its trees, lane by lane', () => {
    const random = seededRandom(1);
    const trees = Array.from({ length: 6 }, () => {
      const samples = Array.from({ length: 40 }, () => randomRow(random));
      return growTree(
        samples,
        samples.map(() => normal(random)),
        ALL_COLUMNS,
        { maxDepth: 3, minLeafRows: 3 },
      );
    });
    const compiled = new CompiledTrees(compileTrees(trees.slice(0, 2), trees.slice(2), META));
    const row = Float64Array.from(randomRow(random));
    const alone = trees.map((tree) => new CompiledTrees(compileTrees([tree], [], META)).predict('grpc', row));
    expect(compiled.predict('grpc', row)).toBeCloseTo((alone[0] ?? 0) + (alone[1] ?? 0), 12);
    expect(compiled.predict('zero_copy', row)).toBeCloseTo(
      alone.slice(2).reduce((sum, value) => sum + value, 0),
      12,
    );
  });

  test('no trees say nothing', () => {
    const compiled = new CompiledTrees(compileTrees([], [], META));
    expect(compiled.predict('grpc', new Float64Array(FEATURE_COUNT))).toBe(0);
  });

  test('any flipped byte and any truncation is refused with the reason', () => {
    const good = compileTrees([leaf(0.5)], [leaf(-0.5)], META);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: good.byteLength - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (position, change) => {
          const bytes = new Uint8Array(good.slice(0));
          bytes[position] = (bytes[position] ?? 0) ^ change;
          expect(() => new CompiledTrees(bytes.buffer)).toThrow(/model refused/);
          expect(() => new CompiledTrees(good.slice(0, position))).toThrow(PitwallError);
        },
      ),
    );
  });

  test.each([
    ['a leaf that says infinity', leaf(Number.POSITIVE_INFINITY)],
    ['a leaf that is no correction', leaf(50)],
    ['a loop', { feature: [0, -1, -1], threshold: [1, 0, 0], right: [0, -1, -1] }],
    ['a feature that does not exist', { feature: [40, -1, -1], threshold: [1, 0, 0], right: [2, -1, -1] }],
  ])('%s is refused', (_name, tree) => {
    expect(() => new CompiledTrees(compileTrees([tree], [], META))).toThrow(/model refused/);
  });
});

describe('boosting', () => {
  const step = (row: number[]): number => ((row[5] ?? 0) > 15 ? 0.8 : -0.3) + ((row[8] ?? 0) > 10 ? 0.4 : 0);

  test('finds what is there, and stops early where nothing is', () => {
    const found = boost(randomData(3000, seededRandom(2), step), seededRandom(3));
    expect(found.errorAfter).toBeLessThan(found.errorBefore * 0.4);
    const nothing = boost(
      randomData(3000, seededRandom(4), () => 0),
      seededRandom(5),
    );
    expect(nothing.trees.length).toBeLessThan(12);
    expect(nothing.errorAfter).toBeGreaterThan(nothing.errorBefore * 0.98);
  });

  test('equal seeds give equal trees', () => {
    const data = randomData(600, seededRandom(6), step);
    expect(boost(data, seededRandom(7), { rounds: 5 })).toStrictEqual(boost(data, seededRandom(7), { rounds: 5 }));
  });

  test('grows with size, whatever the data say', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const falling = (row: number[]): number => -0.1 * (row[SIZE_FEATURE] ?? 0) + ((row[4] ?? 0) > 20 ? 1 : 0);
        const data = randomData(400, seededRandom(seed), falling);
        const { trees } = boost(data, seededRandom(seed + 1), { rounds: 8, monotoneFeature: SIZE_FEATURE });
        const compiled = new CompiledTrees(compileTrees(trees, [], META));
        const random = seededRandom(seed + 2);
        for (let probe = 0; probe < 20; probe += 1) {
          const row = Float64Array.from(randomRow(random));
          let before = Number.NEGATIVE_INFINITY;
          for (let size = 0; size < 4; size += 0.25) {
            row[SIZE_FEATURE] = size;
            const value = compiled.predict('grpc', row);
            expect(value).toBeGreaterThanOrEqual(before - 1e-12);
            before = value;
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  test('ends when it is cancelled', () => {
    let rounds = 0;
    const { trees } = boost(randomData(400, seededRandom(8), step), seededRandom(9), {
      cancelled: () => {
        rounds += 1;
        return rounds > 3;
      },
    });
    expect(trees.length).toBeLessThanOrEqual(3);
  });
});

describe('features', () => {
  test('are finite whatever comes in', () => {
    const features = new TreeFeatures(META);
    const row = new Float64Array(FEATURE_COUNT);
    const odd = fc.oneof(fc.double(), fc.constant(undefined));
    fc.assert(
      fc.property(
        odd,
        odd,
        odd,
        fc.double(),
        fc.double(),
        fc.double(),
        fc.string(),
        (load, memory, _, size, inFlight, recent, name) => {
          features.fill(
            row,
            { ...FEATURES, dataType: name, dataSize: size, inFlight, systemLoad: load, availableMemory: memory },
            recent,
          );
          for (const value of row) expect(Number.isFinite(value)).toBe(true);
        },
      ),
    );
  });
});

function leaf(value: number): WeakTree {
  return { feature: [-1], threshold: [value], right: [-1] };
}

/** A row that lies exactly on some splits, where "below" and "not below" differ. */
function splitValues(node: RegressionNode): number[] {
  const row = new Array<number>(FEATURE_COUNT).fill(0);
  for (let at: RegressionNode | undefined = node; at?.splitColumn !== undefined; at = at.right) {
    row[at.splitColumn] = at.splitValue ?? 0;
  }
  return row;
}
