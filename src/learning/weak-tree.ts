/**
 * One weak learner: a small regression tree grown by ml-cart on a random subsample, as plain nodes whose leaves can be refitted. ml-cart costs
 * O(n^2) per node and feature, so it sees a few hundred rows; the leaf values come from all of them.
 */
import { DecisionTreeRegression, type RegressionNode } from 'ml-cart';

/** Preorder: the left child of node i is i + 1. A leaf has feature -1 and its value as threshold. */
export interface WeakTree {
  readonly feature: number[];
  readonly threshold: number[];
  readonly right: number[];
}

export interface GrowOptions {
  readonly maxDepth: number;
  readonly minLeafRows: number;
}

/**
 * Grows a tree on rows of `columns` (indices of features), and names features by those indices again.
 *
 * @param rows one array per sample, over `columns` only, all finite
 */
export function growTree(
  rows: number[][],
  targets: number[],
  columns: readonly number[],
  options: GrowOptions,
): WeakTree {
  const cart = new DecisionTreeRegression({ maxDepth: options.maxDepth, minNumSamples: options.minLeafRows });
  cart.train(rows, targets);
  const tree: WeakTree = { feature: [], threshold: [], right: [] };
  append(tree, cart.root, columns);
  return tree;
}

function append(tree: WeakTree, node: RegressionNode, columns: readonly number[]): void {
  const at = tree.feature.length;
  const { left, right, splitColumn, splitValue } = node;
  if (left === undefined || right === undefined || splitColumn === undefined || splitValue === undefined) {
    tree.feature.push(-1);
    tree.threshold.push(node.distribution ?? 0);
    tree.right.push(-1);
    return;
  }
  tree.feature.push(columns[splitColumn] ?? 0);
  tree.threshold.push(splitValue);
  tree.right.push(-1);
  append(tree, left, columns);
  tree.right[at] = tree.feature.length;
  append(tree, right, columns);
}

/** Writes the node of the leaf that each row of a column-wise matrix falls into. Trees here have far fewer nodes than 65 536. */
export function fillLeaves(leaves: Uint16Array, tree: WeakTree, matrix: readonly Float64Array[]): void {
  const feature = Int16Array.from(tree.feature);
  const threshold = Float64Array.from(tree.threshold);
  const right = Uint16Array.from(tree.right);
  for (let row = 0; row < leaves.length; row += 1) {
    let node = 0;
    let split = feature[0] ?? -1;
    while (split >= 0) {
      node = (matrix[split]?.[row] ?? 0) < (threshold[node] ?? 0) ? node + 1 : (right[node] ?? 0);
      split = feature[node] ?? -1;
    }
    leaves[row] = node;
  }
}

/**
 * Makes the tree grow with one feature, as XGBoost does: at each split on it the mean of both sides' values bounds the left side from above and the
 * right side from below (Chen & Guestrin, KDD 2016, and its monotone constraints). A sum of such trees grows with it too.
 *
 * @param weights by node, how much of the data lies in a leaf
 */
export function makeMonotone(tree: WeakTree, feature: number, weights: ArrayLike<number>): void {
  clampSubtree(tree, 0, feature, weights, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
}

function clampSubtree(
  tree: WeakTree,
  node: number,
  feature: number,
  weights: ArrayLike<number>,
  low: number,
  high: number,
): void {
  const split = tree.feature[node] ?? -1;
  if (split < 0) {
    tree.threshold[node] = Math.max(low, Math.min(high, tree.threshold[node] ?? 0));
    return;
  }
  const left = node + 1;
  const right = tree.right[node] ?? 0;
  if (split !== feature) {
    clampSubtree(tree, left, feature, weights, low, high);
    clampSubtree(tree, right, feature, weights, low, high);
    return;
  }
  const means = meanOf(tree, left, weights).mean + meanOf(tree, right, weights).mean;
  const middle = Math.max(low, Math.min(high, means / 2));
  clampSubtree(tree, left, feature, weights, low, middle);
  clampSubtree(tree, right, feature, weights, middle, high);
}

function meanOf(tree: WeakTree, node: number, weights: ArrayLike<number>): { mean: number; weight: number } {
  if ((tree.feature[node] ?? -1) < 0) return { mean: tree.threshold[node] ?? 0, weight: weights[node] ?? 0 };
  const left = meanOf(tree, node + 1, weights);
  const right = meanOf(tree, tree.right[node] ?? 0, weights);
  const weight = left.weight + right.weight;
  const mean =
    weight > 0 ? (left.mean * left.weight + right.mean * right.weight) / weight : (left.mean + right.mean) / 2;
  return { mean, weight };
}
