/** The boosted trees' training: rows in, bytes out. One ensemble per lane, on what the cost model left over of it. */
import { type Boosted, type BoostingOptions, boost } from './boosting.ts';
import { compileTrees } from './compiled-trees.ts';
import type { Passed } from './pass-through.ts';
import type { LaneErrors } from './training-report.ts';
import { FEATURE_COUNT, SIZE_FEATURE, type TreeFeatures } from './tree-features.ts';
import type { Lane, Observation } from './types.ts';

export interface TreesTraining {
  readonly buffer: ArrayBuffer;
  readonly trees: { readonly grpc: number; readonly zeroCopy: number };
  readonly validation: { readonly grpc: LaneErrors; readonly zeroCopy: LaneErrors };
}

/** A lane with fewer rows gets no trees: early stopping would look at a handful. */
const MINIMUM_LANE_ROWS = 250;
/** Stake of a row under goals about total time: its predicted latency to this power; the whole latency would leave the trees to a few rows. */
const STAKE_POWER = 0.5;

export function trainTrees(
  training: readonly Observation[],
  passed: Passed,
  features: TreeFeatures,
  statistic: 'median' | 'mean',
  random: () => number,
  options: BoostingOptions | undefined,
): TreesTraining {
  const boosting = { monotoneFeature: SIZE_FEATURE, ...options };
  const boostLane = (lane: Lane): Boosted => {
    const data = laneData(lane, training, passed, features, statistic);
    return boost(data, random, data.target.length < MINIMUM_LANE_ROWS ? { ...boosting, rounds: 0 } : boosting);
  };
  const grpc = boostLane('grpc');
  const zeroCopy = boostLane('zero_copy');
  return {
    buffer: compileTrees(grpc.trees, zeroCopy.trees, features.vocabulary),
    trees: { grpc: grpc.trees.length, zeroCopy: zeroCopy.trees.length },
    validation: { grpc: errorsOf(grpc), zeroCopy: errorsOf(zeroCopy) },
  };
}

function laneData(
  lane: Lane,
  observations: readonly Observation[],
  passed: Passed,
  features: TreeFeatures,
  statistic: 'median' | 'mean',
) {
  const rows: number[] = [];
  for (const [index, observation] of observations.entries()) if (observation.method === lane) rows.push(index);
  const matrix = Array.from({ length: FEATURE_COUNT }, () => new Float64Array(rows.length));
  const target = new Float64Array(rows.length);
  const weight = new Float64Array(rows.length);
  const row = new Float64Array(FEATURE_COUNT);
  let total = 0;
  for (const [at, index] of rows.entries()) {
    const observation = observations[index];
    if (observation === undefined) continue;
    features.fill(row, observation, passed.recent[index] ?? 0);
    for (const [column, values] of matrix.entries()) values[at] = row[column] ?? 0;
    target[at] = passed.residuals[index] ?? 0;
    weight[at] = statistic === 'mean' ? (passed.predictedUs[index] ?? 1) ** STAKE_POWER : 1;
    total += weight[at] ?? 0;
  }
  for (let at = 0; at < weight.length; at += 1) weight[at] = ((weight[at] ?? 1) * weight.length) / total;
  return { matrix, target, weight };
}

function errorsOf(boosted: Boosted): LaneErrors {
  return { costModel: boosted.errorBefore, withModel: boosted.errorAfter };
}
