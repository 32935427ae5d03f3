/** What the network sees of a transfer: what the trees see, with the recent performance of both lanes, so that one pass answers for both. */
import type { NetworkShape } from './neural-network.ts';
import { FEATURE_COUNT, TREE_FEATURES, type TreeFeatures } from './tree-features.ts';
import type { Features, Lane } from './types.ts';

/** The last feature of the trees is the lane's recent performance: here gRPC's, and zero-copy's follows. */
export const NEURAL_INPUTS = [...TREE_FEATURES.slice(0, -1), 'recentGrpc', 'recentZeroCopy'] as const;

export const NEURAL_SHAPE: NetworkShape = { inputs: NEURAL_INPUTS.length, first: 64, second: 32 };

/** Writes a row. @param row as long as NEURAL_INPUTS */
export function fillInputs(
  row: Float64Array,
  names: TreeFeatures,
  features: Features,
  recent: Readonly<Record<Lane, number>>,
): void {
  names.fill(row, features, recent.grpc);
  const { zero_copy: ofZeroCopy } = recent;
  row[FEATURE_COUNT] = Number.isFinite(ofZeroCopy) ? ofZeroCopy : 0;
}
