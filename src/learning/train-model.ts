/**
 * Trains the second layer from a pool's history: runs the cost model over it once more (each transfer predicted before it is learned from), boosts trees on
 * what that left over, one ensemble per lane, and judges the result on the last rows in time, which no tree has seen. Pure; a worker thread runs it.
 */
import { InvalidArgumentError } from '../errors.ts';
import { type Boosted, type BoostingOptions, boost } from './boosting.ts';
import { compileTrees } from './compiled-trees.ts';
import { CostModel, type CostModelOptions } from './cost-model.ts';
import { type Contest, contest, type HeldOutRow, type HeldOutScore, scoreHeldOut } from './held-out.ts';
import { isLearnable } from './learnable.ts';
import { seededRandom } from './random.ts';
import { type LearnerKind, openSecondLayer, type SecondLayer } from './second-layer.ts';
import { FEATURE_COUNT, orderedNames, SIZE_FEATURE, TreeFeatures } from './tree-features.ts';
import type { CostModelSnapshot, Lane, Observation } from './types.ts';

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
  readonly learner: LearnerKind;
  readonly buffer: ArrayBuffer;
  readonly report: TrainingReport;
}

export interface TrainingReport {
  readonly rows: number;
  /** Time of the first and of the last row, milliseconds since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
  readonly trees: { readonly grpc: number; readonly zeroCopy: number };
  /** Mean absolute log error that early stopping saw, by lane: cost model alone, and with trees. */
  readonly validation: { readonly grpc: LaneErrors; readonly zeroCopy: LaneErrors };
  /** On rows that no tree saw. */
  readonly heldOut: HeldOutScore;
  /** On the same rows, which are later than any that it was trained on, where a model serves already. */
  readonly incumbent?: IncumbentScore;
}

export interface IncumbentScore {
  /** The new model against it. */
  readonly challenged: Contest;
  /** It against the cost model alone. */
  readonly alone: Contest;
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

/**
 * @param incumbent the model that serves now
 * @throws InvalidArgumentError for too few rows
 */
export function trainModel(
  history: readonly Observation[],
  options: TrainingOptions,
  incumbent?: SecondLayer,
): TrainedModel {
  const { statistic, seed = 1, minimumRows = 1000, maximumRows = 100_000, heldOutShare = 0.2 } = options;
  const usable = history.filter(isLearnable);
  if (usable.length < minimumRows) {
    throw new InvalidArgumentError('history', history, `at least ${minimumRows} observations`);
  }
  const observations = usable.slice(-maximumRows);
  const heldOutFrom = Math.floor(observations.length * (1 - heldOutShare));
  const passed = passThrough(observations, heldOutFrom, options.costModel);
  const training = observations.slice(0, heldOutFrom);
  const features = vocabularyOf(training, passed.residuals.subarray(0, heldOutFrom));
  const random = seededRandom(seed);
  const boosting = { monotoneFeature: SIZE_FEATURE, ...options.boosting };
  const boostLane = (lane: Lane): Boosted => {
    const data = laneData(lane, training, passed, features, statistic);
    return boost(data, random, data.target.length < MINIMUM_LANE_ROWS ? { ...boosting, rounds: 0 } : boosting);
  };
  const grpc = boostLane('grpc');
  const zeroCopy = boostLane('zero_copy');
  const buffer = compileTrees(grpc.trees, zeroCopy.trees, features.vocabulary);
  const rows = observations
    .slice(heldOutFrom)
    .map((observation, index) => ({ observation, ...heldOutAt(passed, index) }));
  const trained = openSecondLayer(KIND, buffer);
  return {
    learner: KIND,
    buffer,
    report: {
      rows: observations.length,
      fromMs: observations[0]?.atMs ?? 0,
      toMs: observations.at(-1)?.atMs ?? 0,
      seed,
      trees: { grpc: grpc.trees.length, zeroCopy: zeroCopy.trees.length },
      validation: { grpc: errorsOf(grpc), zeroCopy: errorsOf(zeroCopy) },
      heldOut: scoreHeldOut(rows, trained, statistic),
      ...(incumbent && {
        incumbent: {
          challenged: contest(rows, trained, incumbent, statistic),
          alone: contest(rows, incumbent, undefined, statistic),
        },
      }),
    },
  };
}

const KIND: LearnerKind = 'boosted_trees';

interface Passed {
  /** log(actual / predicted before) of the lane that was taken. */
  readonly residuals: Float64Array;
  readonly predictedUs: Float64Array;
  /** Mean residual of that lane before the row. */
  readonly recent: Float64Array;
  /** Of the held-out rows, in their order. */
  readonly heldOut: readonly Omit<HeldOutRow, 'observation'>[];
}

function heldOutAt({ heldOut }: Passed, index: number): Omit<HeldOutRow, 'observation'> {
  return heldOut[index] ?? { comparison: undefined, recent: { grpc: 0, zero_copy: 0 } };
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
  const heldOut: Omit<HeldOutRow, 'observation'>[] = [];
  let snapshot: CostModelSnapshot | undefined;
  for (const [index, observation] of observations.entries()) {
    if (index >= heldOutFrom) {
      // A new snapshot each few rows: as live, where they are made per batch.
      if ((index - heldOutFrom) % SNAPSHOT_EVERY === 0) snapshot = model.snapshot();
      heldOut.push({
        comparison: snapshot?.compare?.(observation),
        recent: { grpc: model.recentPerformance('grpc'), zero_copy: model.recentPerformance('zero_copy') },
      });
    }
    recent[index] = model.recentPerformance(observation.method);
    const predicted = model.learn(observation);
    if (predicted === undefined) continue;
    predictedUs[index] = predicted;
    residuals[index] = Math.log(observation.latencyUs / predicted);
  }
  return { residuals, predictedUs, recent, heldOut };
}

const SNAPSHOT_EVERY = 16;

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
