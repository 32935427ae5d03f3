/**
 * Trains the second layer from a pool's history: runs the cost model over it once more (each transfer predicted before it is learned from), boosts trees on
 * what that left over, one ensemble per lane, and judges the result on the last rows in time, which no tree has seen. Pure; a worker thread runs it.
 */
import { InvalidArgumentError } from '../errors.ts';
import { type Boosted, type BoostingOptions, boost } from './boosting.ts';
import { CompiledTrees, compileTrees } from './compiled-trees.ts';
import { CostModel, type CostModelOptions } from './cost-model.ts';
import { type HeldOutScore, scoreHeldOut } from './held-out.ts';
import { seededRandom } from './random.ts';
import { FEATURE_COUNT, orderedNames, SIZE_FEATURE, TreeFeatures } from './tree-features.ts';
import type { CostModelSnapshot, Lane, LaneComparison, Observation } from './types.ts';

export interface TrainingOptions {
  /** What the pool's goal compares: decides what is at stake in a row, and how the model is judged. */
  readonly statistic: 'median' | 'mean';
  readonly seed?: number;
  /** Fewer observations are refused. Default 1000. */
  readonly minimumRows?: number;
  /** More are cut, the oldest first. Default 100 000. */
  readonly maximumRows?: number;
  /** Share of the rows, the last in time, on which the model is judged. Default 0.2. */
  readonly heldOutShare?: number;
  readonly costModel?: CostModelOptions;
  readonly boosting?: BoostingOptions;
}

export interface TrainedModel {
  readonly buffer: ArrayBuffer;
  readonly report: TrainingReport;
}

export interface TrainingReport {
  readonly rows: number;
  readonly trees: { readonly grpc: number; readonly zeroCopy: number };
  /** Mean absolute log error that early stopping saw, by lane: cost model alone, and with trees. */
  readonly validation: { readonly grpc: LaneErrors; readonly zeroCopy: LaneErrors };
  /** On rows that no tree saw. */
  readonly heldOut: HeldOutScore;
}

export interface LaneErrors {
  readonly costModel: number;
  readonly withTrees: number;
}

const MAX_NAMES = 32;
/** A lane with fewer rows gets no trees: early stopping would look at a handful. */
const MINIMUM_LANE_ROWS = 250;
/** Stake of a row under goals about total time: its predicted latency to this power; the whole latency would leave the trees to a few rows. */
const STAKE_POWER = 0.5;

/** @throws InvalidArgumentError for too few rows */
export function trainModel(history: readonly Observation[], options: TrainingOptions): TrainedModel {
  const minimum = options.minimumRows ?? 1000;
  const usable = history.filter(isUsable);
  if (usable.length < minimum) throw new InvalidArgumentError('history', history, `at least ${minimum} observations`);
  const observations = usable.slice(-(options.maximumRows ?? 100_000));
  const heldOutFrom = Math.floor(observations.length * (1 - (options.heldOutShare ?? 0.2)));
  const passed = passThrough(observations, heldOutFrom, options.costModel);
  const training = {
    observations: observations.slice(0, heldOutFrom),
    residuals: passed.residuals.subarray(0, heldOutFrom),
  };
  const features = vocabularyOf(training.observations, training.residuals);
  const random = seededRandom(options.seed ?? 1);
  const boosting = { monotoneFeature: SIZE_FEATURE, ...options.boosting };
  const boostLane = (lane: Lane): Boosted => {
    const data = laneData(lane, training.observations, passed, features, options.statistic);
    return boost(data, random, data.target.length < MINIMUM_LANE_ROWS ? { ...boosting, rounds: 0 } : boosting);
  };
  const grpc = boostLane('grpc');
  const zeroCopy = boostLane('zero_copy');
  const buffer = compileTrees(grpc.trees, zeroCopy.trees, features.vocabulary);
  const rows = observations.slice(heldOutFrom).map((observation, index) => ({
    observation,
    comparison: passed.comparisons[index],
    recent: passed.recent[heldOutFrom + index] ?? 0,
  }));
  return {
    buffer,
    report: {
      rows: observations.length,
      trees: { grpc: grpc.trees.length, zeroCopy: zeroCopy.trees.length },
      validation: { grpc: errorsOf(grpc), zeroCopy: errorsOf(zeroCopy) },
      heldOut: scoreHeldOut(rows, new CompiledTrees(buffer), features, options.statistic),
    },
  };
}

/** A row without a credible latency teaches nothing; other gaps are filled when features are made. */
function isUsable({ latencyUs, dataSize }: Observation): boolean {
  return latencyUs > 0 && latencyUs < 1e12 && dataSize >= 0 && dataSize <= Number.MAX_SAFE_INTEGER;
}

interface Passed {
  /** log(actual / predicted before) of the lane that was taken. */
  readonly residuals: Float64Array;
  readonly predictedUs: Float64Array;
  /** Mean residual of that lane before the row. */
  readonly recent: Float64Array;
  /** Of the held-out rows, in their order. */
  readonly comparisons: readonly (LaneComparison | undefined)[];
}

/**
 * The cost model over the whole history, predicting each row before it learns from it. Both lanes are compared on the held-out rows alone: on all
 * of them it took half of the training's time, most of it in garbage.
 */
function passThrough(
  observations: readonly Observation[],
  heldOutFrom: number,
  options: CostModelOptions | undefined,
): Passed {
  const model = new CostModel(options);
  const residuals = new Float64Array(observations.length);
  const predictedUs = new Float64Array(observations.length).fill(1);
  const recent = new Float64Array(observations.length);
  const comparisons: (LaneComparison | undefined)[] = [];
  let snapshot: CostModelSnapshot | undefined;
  for (const [index, observation] of observations.entries()) {
    if (index >= heldOutFrom) {
      // A new snapshot each few rows: as live, where they are made per batch.
      if ((index - heldOutFrom) % SNAPSHOT_EVERY === 0) snapshot = model.snapshot();
      comparisons.push(snapshot?.compare?.(observation));
    }
    recent[index] = model.recentPerformance(observation.method);
    const predicted = model.learn(observation);
    if (predicted === undefined) continue;
    predictedUs[index] = predicted;
    residuals[index] = Math.log(observation.latencyUs / predicted);
  }
  return { residuals, predictedUs, recent, comparisons };
}

const SNAPSHOT_EVERY = 8;

function vocabularyOf(observations: readonly Observation[], residuals: Float64Array): TreeFeatures {
  const values = Array.from(residuals);
  return new TreeFeatures({
    dataTypes: orderedNames(
      observations.map((row) => row.dataType),
      values,
      MAX_NAMES,
    ),
    formats: orderedNames(
      observations.map((row) => row.format),
      values,
      MAX_NAMES,
    ),
  });
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
  return { costModel: boosted.errorBefore, withTrees: boosted.errorAfter };
}
