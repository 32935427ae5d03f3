/**
 * What is trained: a second layer that says how far the cost model is off. One kind so far; another is one more entry here, one in the training, and one in
 * the list of learners that one suite tests.
 */
import { PitwallError } from '../errors.ts';
import { COMPILED_VERSION, CompiledTrees } from './compiled-trees.ts';
import { FEATURE_COUNT, TREE_FEATURES, TreeFeatures } from './tree-features.ts';
import type { Features, Lane } from './types.ts';

export const LEARNER_KINDS = ['boosted_trees'] as const;
export type LearnerKind = (typeof LEARNER_KINDS)[number];

export interface SecondLayer {
  readonly kind: LearnerKind;
  /**
   * Natural log of the factor on the cost model's estimate, within ±1.
   *
   * @param recentPerformance mean log(actual / predicted) of the lane's last transfers
   */
  correction(lane: Lane, features: Features, recentPerformance: number): number;
}

/** The cost model is corrected by at most a factor e. */
const MAX_CORRECTION = 1;

/** @throws PitwallError `PITWALL_INVALID_MODEL` with the reason, for bytes that are no model of the kind, or damaged */
export function openSecondLayer(kind: LearnerKind, buffer: ArrayBuffer): SecondLayer {
  switch (kind) {
    case 'boosted_trees':
      return new BoostedTrees(new CompiledTrees(buffer));
    default:
      return unknownKind(kind);
  }
}

/** Form of the bytes and of the features: a model of another layout is foreign. */
export function layoutOf(kind: LearnerKind): string {
  switch (kind) {
    case 'boosted_trees':
      return `${kind}:${COMPILED_VERSION}:${TREE_FEATURES.join(',')}`;
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

  correction(lane: Lane, features: Features, recentPerformance: number): number {
    this.#features.fill(this.#row, features, recentPerformance);
    return Math.max(-MAX_CORRECTION, Math.min(MAX_CORRECTION, this.#trees.predict(lane, this.#row)));
  }
}

/** A later pitwall may know more kinds. */
function unknownKind(kind: never): never {
  throw new PitwallError('PITWALL_INVALID_MODEL', `model refused: this pitwall knows no learner "${String(kind)}"`);
}
