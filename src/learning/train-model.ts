/**
 * Trains the second layer from a pool's history: runs the cost model over it once more (each transfer predicted before it is learned from), trains on what that
 * left over, and judges the result on the last rows in time, which nothing was fitted on. Two learners may be trained on the same rows: the one that is better
 * there is the one that may serve. Pure; a worker thread runs it.
 */
import { InvalidArgumentError } from '../errors.ts';
import type { BoostingOptions } from './boosting.ts';
import type { CostModelOptions } from './cost-model.ts';
import { type Contest, contest, type HeldOutRow, scoreHeldOut } from './held-out.ts';
import { prefersNetwork } from './is-better.ts';
import { isLearnable } from './learnable.ts';
import { chosenRows } from './neural-rows.ts';
import type { NeuralOptions } from './neural-training.ts';
import { type Passed, passThrough } from './pass-through.ts';
import { seededRandom } from './random.ts';
import { type LearnerKind, openSecondLayer, type SecondLayer } from './second-layer.ts';
import { trainNeuralLayer } from './train-network.ts';
import { trainTrees } from './train-trees.ts';
import type { TrainingReport } from './training-report.ts';
import { orderedNames, TreeFeatures } from './tree-features.ts';
import type { Lane, Observation } from './types.ts';

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
  /** What is trained; with both the better one comes first. Default the trees alone. */
  readonly learners?: readonly LearnerKind[];
  readonly costModel?: CostModelOptions;
  readonly boosting?: BoostingOptions;
  readonly neural?: NeuralOptions;
}

export interface TrainedLayer {
  readonly learner: LearnerKind;
  readonly buffer: ArrayBuffer;
  readonly report: TrainingReport;
}

/** The better one where two were trained, with the other one beside it. */
export interface TrainedModel extends TrainedLayer {
  readonly runnerUp?: TrainedLayer;
}

const MAX_NAMES = 32;

/**
 * @param incumbent the model that serves now
 * @throws InvalidArgumentError for too few rows, or no learner
 */
export function trainModel(
  history: readonly Observation[],
  options: TrainingOptions,
  incumbent?: SecondLayer,
): TrainedModel {
  const { statistic, minimumRows = 1000, maximumRows = 100_000, heldOutShare = 0.2 } = options;
  const { learners = ['boosted_trees'] } = options;
  const usable = history.filter(isLearnable);
  if (usable.length < minimumRows) {
    throw new InvalidArgumentError('history', history, `at least ${minimumRows} observations`);
  }
  const observations = usable.slice(-maximumRows);
  const heldOutFrom = Math.floor(observations.length * (1 - heldOutShare));
  const training = observations.slice(0, heldOutFrom);
  const closely = learners.includes('neural_network')
    ? chosenRows(training.map((row) => row.method))
    : new Set<number>();
  const passed = passThrough(observations, heldOutFrom, closely, options.costModel);
  const features = vocabularyOf(training, passed.residuals.subarray(0, heldOutFrom));
  const trained = (['boosted_trees', 'neural_network'] as const)
    .filter((learner) => learners.includes(learner))
    .map((learner) => trainOne(learner, training, passed, features, options));
  const [first, second] = trained.map((fitted) => judged(fitted, observations, passed.heldOut, options, incumbent));
  if (first === undefined) throw new InvalidArgumentError('learners', learners, 'at least one learner');
  if (second === undefined) return plain(first);
  const duel = contest(passed.heldOut, second.layer, first.layer, statistic);
  const trees = { ...first, report: { ...first.report, rival: { learner: second.learner, challenged: turned(duel) } } };
  const network = { ...second, report: { ...second.report, rival: { learner: first.learner, challenged: duel } } };
  return prefersNetwork(trees.report, network.report)
    ? { ...plain(network), runnerUp: plain(trees) }
    : { ...plain(trees), runnerUp: plain(network) };
}

interface Fitted {
  readonly learner: LearnerKind;
  readonly buffer: ArrayBuffer;
  readonly detail: Pick<TrainingReport, 'trees' | 'network' | 'validation'>;
}

/** Each learner draws from a sequence of its own: what one does is the same with and without the other. */
function trainOne(
  learner: LearnerKind,
  training: readonly Observation[],
  passed: Passed,
  features: TreeFeatures,
  { statistic, seed = 1, boosting, neural }: TrainingOptions,
): Fitted {
  const random = seededRandom(seed);
  switch (learner) {
    case 'boosted_trees': {
      const { buffer, ...detail } = trainTrees(training, passed, features, statistic, random, boosting);
      return { learner, buffer, detail };
    }
    case 'neural_network': {
      const population = lanesOf(training);
      const made = trainNeuralLayer(passed.compared, features, statistic, population, random, neural);
      const { buffer, rows, epochs, validation } = made;
      return { learner, buffer, detail: { trees: { grpc: 0, zeroCopy: 0 }, network: { rows, epochs }, validation } };
    }
    default:
      return learner satisfies never;
  }
}

interface Judged extends TrainedLayer {
  readonly layer: SecondLayer;
}

/** As it will be read: from its bytes. */
function judged(
  { learner, buffer, detail }: Fitted,
  observations: readonly Observation[],
  rows: readonly HeldOutRow[],
  { statistic, seed = 1 }: TrainingOptions,
  incumbent: SecondLayer | undefined,
): Judged {
  const layer = openSecondLayer(learner, buffer);
  const report: TrainingReport = {
    rows: observations.length,
    fromMs: observations[0]?.atMs ?? 0,
    toMs: observations.at(-1)?.atMs ?? 0,
    seed,
    ...detail,
    heldOut: scoreHeldOut(rows, layer, statistic),
    ...(incumbent && {
      incumbent: {
        challenged: contest(rows, layer, incumbent, statistic),
        alone: contest(rows, incumbent, undefined, statistic),
      },
    }),
  };
  return { learner, buffer, report, layer };
}

function plain({ learner, buffer, report }: TrainedLayer): TrainedLayer {
  return { learner, buffer, report };
}

function turned(duel: Contest): Contest {
  return { ...duel, difference: -duel.difference };
}

function lanesOf(training: readonly Observation[]): Record<Lane, number> {
  const grpc = training.reduce((count, { method }) => count + (method === 'grpc' ? 1 : 0), 0);
  return { grpc, zero_copy: training.length - grpc };
}

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
