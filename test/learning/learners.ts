/** Every learner, for the one suite that all of them pass. A new second layer is one more line: `onCostModel(name, kind, bytes)`. */
import { BoostedModel, type StoredResiduals } from '../../src/learning/boosted-model.ts';
import { boost } from '../../src/learning/boosting.ts';
import { compileTrees } from '../../src/learning/compiled-trees.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { compileNetwork } from '../../src/learning/neural-compiled.ts';
import { NEURAL_SHAPE } from '../../src/learning/neural-inputs.ts';
import { initialised } from '../../src/learning/neural-training.ts';
import { seededRandom } from '../../src/learning/random.ts';
import type { LearnerKind } from '../../src/learning/second-layer.ts';
import { FEATURE_COUNT, SIZE_FEATURE } from '../../src/learning/tree-features.ts';
import type { CostModelSnapshot, JsonValue, Observation } from '../../src/learning/types.ts';

export interface LearnerUnderTest {
  learn(observation: Observation): void;
  snapshot(): CostModelSnapshot;
  toState(): JsonValue;
}

export interface LearnerCase {
  readonly name: string;
  create(): LearnerUnderTest;
  restore(state: unknown): LearnerUnderTest;
}

export const LEARNERS: readonly LearnerCase[] = [
  { name: 'cost model', create: () => new CostModel(), restore: (state) => CostModel.fromState(state) },
  onCostModel('boosted trees on the cost model', 'boosted_trees', trees()),
  onCostModel('neural network on the cost model', 'neural_network', network()),
];

/** A second layer as the learner runs it: its bytes were trained before, intervals and cost model follow the present. */
function onCostModel(name: string, learner: LearnerKind, buffer: ArrayBuffer): LearnerCase {
  const model = (residuals: StoredResiduals): BoostedModel =>
    new BoostedModel(buffer, { modelId: 'test', learner, requiredConfidence: 0.5, residuals });
  return {
    name,
    create: () => new BothLayers(new CostModel(), model({ grpc: [], zeroCopy: [] })),
    restore: (state) => {
      const { cost, residuals } = state as { cost: unknown; residuals: StoredResiduals }; // as `toState` made it
      return new BothLayers(CostModel.fromState(cost), model(residuals));
    },
  };
}

class BothLayers implements LearnerUnderTest {
  readonly #cost: CostModel;
  readonly #model: BoostedModel;

  constructor(cost: CostModel, model: BoostedModel) {
    this.#cost = cost;
    this.#model = model;
  }

  learn(observation: Observation): void {
    this.#model.observe(observation, this.#cost.snapshot());
    this.#cost.learn(observation);
  }

  snapshot(): CostModelSnapshot {
    return this.#model.snapshot(this.#cost.snapshot());
  }

  toState(): JsonValue {
    const { grpc, zeroCopy } = this.#model.residuals();
    return { cost: this.#cost.toState(), residuals: { grpc, zeroCopy } };
  }
}

function trees(): ArrayBuffer {
  const random = seededRandom(1);
  const rows = 300;
  const matrix = Array.from({ length: FEATURE_COUNT }, () => Float64Array.from({ length: rows }, () => 20 * random()));
  const target = Float64Array.from(
    { length: rows },
    (_, row) => ((matrix[5]?.[row] ?? 0) > 10 ? 0.5 : -0.5) + random(),
  );
  const weight = new Float64Array(rows).fill(1);
  const boosted = boost({ matrix, target, weight }, random, { rounds: 10, monotoneFeature: SIZE_FEATURE });
  return compileTrees(boosted.trees, boosted.trees.slice(0, 5), { dataTypes: ['tensor', 'json'], formats: ['numpy'] });
}

/** One whose heads say something of every row. */
function network(): ArrayBuffer {
  const random = seededRandom(1);
  const layers = initialised(NEURAL_SHAPE, random);
  for (const [index] of layers.last.weights.entries()) layers.last.weights[index] = 0.02 * (random() - 0.5);
  const range = {
    low: new Float64Array(NEURAL_SHAPE.inputs).fill(-1),
    high: new Float64Array(NEURAL_SHAPE.inputs).fill(32),
  };
  return compileNetwork(layers.flat, range, { dataTypes: ['tensor', 'json'], formats: ['numpy'] });
}
