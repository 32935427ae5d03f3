/**
 * Gradient boosting with small ml-cart trees (Friedman, Annals of Statistics 29, 2001; stochastic: CSDA 38, 2002), on a target that is already near zero: what the
 * cost model left over. Squared loss with residuals clipped at three robust deviations (a Huber loss); shrunken leaves; early stopping on the last rows
 * in time; monotone in size.
 */
import { fillLeaves, growTree, makeMonotone, type WeakTree } from './weak-tree.ts';

export interface BoostingData {
  /** One array per feature; rows in order of time. */
  readonly matrix: readonly Float64Array[];
  readonly target: Float64Array;
  /** What is at stake, mean near 1. */
  readonly weight: Float64Array;
}

export interface BoostingOptions {
  /** Default 80. */
  readonly rounds?: number;
  /** Default 0.1. */
  readonly learningRate?: number;
  /** Default 4. */
  readonly maxDepth?: number;
  /** Rows that a tree's splits are found on. Default 192: as good as 256 in half the time (docs/models.md, measured on synthetic traffic). */
  readonly subsample?: number;
  /** Features that a tree may split on. Default 5. */
  readonly columns?: number;
  /** Weight added to each leaf with value 0. Default 20. */
  readonly leafShrinkage?: number;
  /** Share of the rows, the last in time, that early stopping looks at. Default 0.2. */
  readonly validationShare?: number;
  /** Rounds without improvement after which it stops. Default 12. */
  readonly patience?: number;
  /** Feature that the sum must grow with; undefined: none. */
  readonly monotoneFeature?: number | undefined;
  /** Looked at after each round; true ends the training with what there is. */
  readonly cancelled?: () => boolean;
}

export interface Boosted {
  readonly trees: readonly WeakTree[];
  /** Weighted mean absolute error on the validation rows: without any tree, and with those that were kept. */
  readonly errorBefore: number;
  readonly errorAfter: number;
}

type Settings = Required<BoostingOptions>;

const DEFAULTS: Settings = {
  rounds: 80,
  learningRate: 0.1,
  maxDepth: 4,
  subsample: 192,
  columns: 5,
  leafShrinkage: 20,
  validationShare: 0.2,
  patience: 12,
  monotoneFeature: undefined,
  cancelled: () => false,
};
/** Leaves of the subsample; ml-cart stops splitting a node of at most this many rows. */
const MIN_LEAF_ROWS = 12;
const CLIP_DEVIATIONS = 3;

/** @param random uniform in [0, 1): equal sequences give equal trees */
export function boost(data: BoostingData, random: () => number, options: BoostingOptions = {}): Boosted {
  const settings = { ...DEFAULTS, ...options };
  const rows = data.target.length;
  const trainRows = Math.max(1, Math.floor(rows * (1 - settings.validationShare)));
  const predicted = new Float64Array(rows);
  const leaves = new Uint16Array(rows);
  const trees: WeakTree[] = [];
  const errorBefore = validationError(data, predicted, trainRows);
  let best = { error: errorBefore, trees: 0 };
  for (let round = 0; round < settings.rounds && !settings.cancelled(); round += 1) {
    const tree = nextTree(data, predicted, leaves, trainRows, random, settings);
    trees.push(tree);
    for (let row = 0; row < rows; row += 1) {
      predicted[row] = (predicted[row] ?? 0) + (tree.threshold[leaves[row] ?? 0] ?? 0);
    }
    const error = validationError(data, predicted, trainRows);
    if (error < best.error) best = { error, trees: trees.length };
    else if (trees.length - best.trees >= settings.patience) break;
  }
  return { trees: trees.slice(0, best.trees), errorBefore, errorAfter: best.error };
}

/** @param leaves filled: the new tree's leaf of each row */
function nextTree(
  data: BoostingData,
  predicted: Float64Array,
  leaves: Uint16Array,
  trainRows: number,
  random: () => number,
  settings: Settings,
): WeakTree {
  const clip = clipOf(data, predicted, trainRows);
  const residual = (row: number): number =>
    Math.max(-clip, Math.min(clip, (data.target[row] ?? 0) - (predicted[row] ?? 0)));
  const columns = sample(data.matrix.length, settings.columns, random).sort((left, right) => left - right);
  const sampled = Array.from({ length: Math.min(trainRows, settings.subsample) }, () =>
    Math.floor(random() * trainRows),
  );
  const tree = growTree(
    sampled.map((row) => columns.map((column) => data.matrix[column]?.[row] ?? 0)),
    sampled.map(residual),
    columns,
    { maxDepth: settings.maxDepth, minLeafRows: MIN_LEAF_ROWS },
  );
  fillLeaves(leaves, tree, data.matrix);
  refit(tree, data, leaves, trainRows, residual, settings);
  return tree;
}

/** Leaf values from all rows: the weighted mean residual, shrunk toward 0, times the learning rate. */
function refit(
  tree: WeakTree,
  data: BoostingData,
  leaves: Uint16Array,
  trainRows: number,
  residual: (row: number) => number,
  settings: Settings,
): void {
  const sums = new Float64Array(tree.feature.length);
  const weights = new Float64Array(tree.feature.length);
  for (let row = 0; row < trainRows; row += 1) {
    const leaf = leaves[row] ?? 0;
    const weight = data.weight[row] ?? 1;
    sums[leaf] = (sums[leaf] ?? 0) + weight * residual(row);
    weights[leaf] = (weights[leaf] ?? 0) + weight;
  }
  for (const [node, feature] of tree.feature.entries()) {
    if (feature >= 0) continue;
    tree.threshold[node] =
      (settings.learningRate * (sums[node] ?? 0)) / ((weights[node] ?? 0) + settings.leafShrinkage);
  }
  if (settings.monotoneFeature !== undefined) makeMonotone(tree, settings.monotoneFeature, weights);
}

/** Three robust standard deviations (1.4826 times the median absolute residual), from at most 2000 rows spread evenly. */
function clipOf(data: BoostingData, predicted: Float64Array, trainRows: number): number {
  const step = Math.max(1, Math.floor(trainRows / 2000));
  const sizes: number[] = [];
  for (let row = 0; row < trainRows; row += step) sizes.push(Math.abs((data.target[row] ?? 0) - (predicted[row] ?? 0)));
  sizes.sort((left, right) => left - right);
  return Math.max(1e-6, CLIP_DEVIATIONS * 1.4826 * (sizes[sizes.length >> 1] ?? 1));
}

function validationError(data: BoostingData, predicted: Float64Array, from: number): number {
  let error = 0;
  let weights = 0;
  for (let row = from; row < data.target.length; row += 1) {
    const weight = data.weight[row] ?? 1;
    error += weight * Math.abs((data.target[row] ?? 0) - (predicted[row] ?? 0));
    weights += weight;
  }
  return weights > 0 ? error / weights : 0;
}

/** `count` different numbers below `size` (Fisher-Yates). */
function sample(size: number, count: number, random: () => number): number[] {
  const all = Array.from({ length: size }, (_, index) => index);
  for (let i = 0; i < Math.min(count, size); i += 1) {
    const j = i + Math.floor(random() * (size - i));
    const held = all[i] ?? 0;
    all[i] = all[j] ?? 0;
    all[j] = held;
  }
  return all.slice(0, Math.min(count, size));
}
