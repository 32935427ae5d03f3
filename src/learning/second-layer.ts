/**
 * What is trained: a second layer that says how far the cost model is off. Another kind is one more entry here, one in the training, and one in
 * the list of learners that one suite tests.
 */
import { PitwallError } from '../errors.ts';
import { COMPILED_VERSION, CompiledTrees } from './compiled-trees.ts';
import { CompiledNetwork, NEURAL_VERSION } from './neural-compiled.ts';
import { fillInputs, NEURAL_INPUTS, NEURAL_SHAPE } from './neural-inputs.ts';
import { FEATURE_COUNT, TREE_FEATURES, TreeFeatures } from './tree-features.ts';
import type { Features, Lane } from './types.ts';

/** In the order in which ties are broken. */
export const LEARNER_KINDS = ['boosted_trees', 'neural_network'] as const;
export type LearnerKind = (typeof LEARNER_KINDS)[number];

/** Mean log(actual / predicted) of each lane's last transfers. */
export type RecentPerformance = Readonly<Record<Lane, number>>;

export interface SecondLayer {
  readonly kind: LearnerKind;
  /** Natural log of the factor on the cost model's estimate, within ±1. */
  correction(lane: Lane, features: Features, recent: RecentPerformance): number;
  /** Where the layer has a word on the method beside its latencies: how much speaks for zero-copy, 0..1. */
  zeroCopyProbability?(features: Features, recent: RecentPerformance): number;
}

/**
 * Whether the layer may turn the order of the lanes that the cost model sees, to `lane`: its word on the method, where it has one, must agree. Two outputs that learned the same
 * thing in two ways, from latencies and from costs, contradict each other where too little is known.
 */
export function confirms(layer: SecondLayer, lane: Lane, features: Features, recent: RecentPerformance): boolean {
  if (layer.zeroCopyProbability === undefined) return true;
  const probability = layer.zeroCopyProbability(features, recent);
  return lane === 'zero_copy' ? probability > 0.5 : probability < 0.5;
}

/** The cost model is corrected by at most a factor e. */
const MAX_CORRECTION = 1;

/** @throws PitwallError `PITWALL_INVALID_MODEL` with the reason, for bytes that are no model of the kind, or damaged */
export function openSecondLayer(kind: LearnerKind, buffer: ArrayBuffer): SecondLayer {
  switch (kind) {
    case 'boosted_trees':
      return new BoostedTrees(new CompiledTrees(buffer));
    case 'neural_network':
      return new NeuralNetwork(new CompiledNetwork(buffer));
    default:
      return unknownKind(kind);
  }
}

/** Form of the bytes and of the features: a model of another layout is foreign. */
export function layoutOf(kind: LearnerKind): string {
  switch (kind) {
    case 'boosted_trees':
      return `${kind}:${COMPILED_VERSION}:${TREE_FEATURES.join(',')}`;
    case 'neural_network':
      return `${kind}:${NEURAL_VERSION}:${NEURAL_SHAPE.first}x${NEURAL_SHAPE.second}:${NEURAL_INPUTS.join(',')}`;
    default:
      return unknownKind(kind);
  }
}

class BoostedTrees implements SecondLayer {
  readonly kind = 'boosted_trees';
  readonly #trees: CompiledTrees;
  readonly #features: TreeFeatures;
  // Room for one row, overwritten by each call.
  readonly #row = new Float64Array(FEATURE_COUNT);

  constructor(trees: CompiledTrees) {
    this.#trees = trees;
    this.#features = new TreeFeatures(trees.meta);
  }

  correction(lane: Lane, features: Features, recent: RecentPerformance): number {
    this.#features.fill(this.#row, features, recent[lane]);
    return bounded(this.#trees.predict(lane, this.#row));
  }
}

class NeuralNetwork implements SecondLayer {
  readonly kind = 'neural_network';
  readonly #network: CompiledNetwork;
  readonly #features: TreeFeatures;

  constructor(network: CompiledNetwork) {
    this.#network = network;
    this.#features = new TreeFeatures(network.meta);
  }

  correction(lane: Lane, features: Features, recent: RecentPerformance): number {
    this.#run(features, recent);
    return bounded(this.#network.latency(lane));
  }

  zeroCopyProbability(features: Features, recent: RecentPerformance): number {
    this.#run(features, recent);
    return this.#network.zeroCopyProbability();
  }

  #run(features: Features, recent: RecentPerformance): void {
    fillInputs(this.#network.row, this.#features, features, recent);
    this.#network.run();
  }
}

function bounded(correction: number): number {
  return Math.max(-MAX_CORRECTION, Math.min(MAX_CORRECTION, correction));
}

/** A later pitwall may know more kinds. */
function unknownKind(kind: never): never {
  throw new PitwallError('PITWALL_INVALID_MODEL', `model refused: this pitwall knows no learner "${String(kind)}"`);
}
