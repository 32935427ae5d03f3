/** When a pool is trained, on what, and what becomes of the model that comes back. */
import { checksum } from '../learning/compiled-trees.ts';
import { isWorse, verdictOf, wordsFor } from '../learning/is-better.ts';
import type { ModelVersion, TrainingCause } from '../learning/model-version.ts';
import { enter, levelOf } from '../learning/rollout.ts';
import { LEARNER_KINDS, type LearnerKind, layoutOf } from '../learning/second-layer.ts';
import type { TrainedLayer, TrainingOptions } from '../learning/train-model.ts';
import type { JsonValue } from '../learning/types.ts';
import type { Trained, TrainStored } from '../workers/training-task.ts';
import type { LearnerArgs, Order, TrainingOutcome } from './learner-messages.ts';
import { keepVersion, modelOf, prune, saveState } from './learner-shelf.ts';
import { rearm } from './learner-stages.ts';
import { DRIFT_TOKENS, newEvidence, noteStep, type PoolLearner, publish, statisticOf } from './learner-state.ts';
import type { TrainOutcome } from './training-pool.ts';

const MAX_ROWS = 100_000;
/** Successes since the last training that drift needs to ask for another. */
const DRIFT_SAMPLES = 50;
/** Trainings by drift that an interval fills up. */
const TOKENS_PER_INTERVAL = 4;

/** First pause after a failed training; doubles with each in a row. */
const RETRY_MS = 30_000;

/** Why the pool should be trained now; undefined: it should not. */
export function dueCause(args: LearnerArgs, own: PoolLearner): TrainingCause | undefined {
  if (!args.board.slot(own.pool)?.policy.learningEnabled) return undefined;
  const nowMs = args.nowMs();
  if (nowMs < own.notBeforeMs) return undefined;
  const waited = own.lastTrainingAtMs === undefined || nowMs - own.lastTrainingAtMs >= args.intervalMs;
  if (own.samples >= args.minimumSamples && waited) return 'schedule';
  refill(args, own, nowMs);
  if (own.driftTokens < 1) return undefined;
  // At once, on what there is; and once more when the new regime alone has enough to learn from.
  const followUp = own.regimeFromMs !== undefined && own.samples >= args.minimumSamples && hasRegime(args, own);
  return (own.drifted && own.samples >= DRIFT_SAMPLES) || followUp ? 'drift' : undefined;
}

/** What to send to a thread; undefined while nothing is stored where a thread could read it. */
export function orderFor(
  args: LearnerArgs,
  own: PoolLearner,
  cause: TrainingCause,
): { readonly order: Order; readonly task: TrainStored } | undefined {
  const path = args.storePath();
  if (path === undefined) return undefined;
  if (cause === 'drift') own.driftTokens -= 1;
  const { serving, pool } = own;
  const options: TrainingOptions = {
    statistic: statisticOf(args.board.slot(pool)),
    seed: own.nextVersion,
    minimumRows: args.minimumSamples,
    heldOutShare: args.heldOutShare,
    learners: LEARNER_KINDS,
  };
  const task: TrainStored = {
    type: 'train_stored',
    path,
    pool,
    limit: MAX_ROWS,
    fromUs: own.regimeFromMs !== undefined && hasRegime(args, own) ? own.regimeFromMs * 1000 : undefined,
    options,
    incumbent: serving && { learner: serving.version.learner, buffer: serving.buffer },
  };
  own.samples = 0;
  rearm(own);
  return { order: { pool, cause, generation: own.generation, parent: serving?.version.version, options }, task };
}

/** Takes what came of an order. */
export function settle(args: LearnerArgs, own: PoolLearner, order: Order, trained: TrainOutcome): TrainingOutcome {
  const outcome = outcomeOf(args, own, order, trained);
  own.trainings += 1;
  own.lastOutcome = outcome.type;
  own.lastTrainingAtMs = args.nowMs();
  backOff(args, own, outcome);
  own.dirty = true;
  prune(args, own);
  saveState(args, own);
  return outcome;
}

/** A failure is tried again, later each time, without waiting for new records; never more often than the interval asks for in the end. */
function backOff(args: LearnerArgs, own: PoolLearner, outcome: TrainingOutcome): void {
  if (outcome.type !== 'failed') {
    own.failures = 0;
    own.notBeforeMs = 0;
    return;
  }
  own.samples = Math.max(own.samples, args.minimumSamples);
  own.notBeforeMs = args.nowMs() + Math.min(args.intervalMs, RETRY_MS * 2 ** own.failures);
  own.lastTrainingAtMs = undefined;
  own.failures += 1;
}

function outcomeOf(args: LearnerArgs, own: PoolLearner, order: Order, trained: TrainOutcome): TrainingOutcome {
  if (trained.type === 'failed') return { type: 'failed', error: trained.error };
  const { result } = trained;
  if (result.type === 'too_few_samples') return result;
  if (order.generation !== own.generation) return { type: 'superseded' };
  return judge(args, own, order, result);
}

/** Only a model that beat the rules and the serving model on rows that neither saw is published; all are kept. */
function judge(args: LearnerArgs, own: PoolLearner, order: Order, trained: Trained): TrainingOutcome {
  const { report, buffer } = trained;
  const verdict = verdictOf(report);
  const stays = own.pinned !== undefined ? `version ${own.pinned} is pinned` : undefined;
  const publishes = verdict.publish && stays === undefined;
  const reason = verdict.publish ? (stays ?? verdict.evidence) : verdict.refusal;
  keepRunnerUp(args, own, order, trained);
  const version = versionOf(args, own, order, trained, trained.libraries, publishes, reason);
  let model: ReturnType<typeof modelOf>;
  try {
    // What cannot serve is no version.
    model = modelOf(version, buffer);
  } catch (error) {
    return { type: 'failed', error };
  }
  keepVersion(args, own, version, buffer);
  if (publishes) {
    serve(args, own, { version, model, buffer }, 'held_out', reason);
    return { type: 'published', modelId: version.modelId, version: version.version, report };
  }
  if (report.incumbent !== undefined && isWorse(report.incumbent.alone) && own.pinned === undefined) {
    drop(args, own, report.incumbent.alone.difference);
  }
  return { type: 'not_better', version: version.version, reason, report };
}

/** The other learner's model is kept like one that was refused, before the better one: to be looked at, or pinned. */
function keepRunnerUp(
  args: LearnerArgs,
  own: PoolLearner,
  order: Order,
  { learner, runnerUp, libraries }: Trained,
): void {
  if (runnerUp === undefined) return;
  const { rival } = runnerUp.report;
  const percent =
    rival === undefined ? '' : ` (held-out cost ${(100 * rival.challenged.difference).toFixed(2)} % against it)`;
  const reason = `the ${wordsFor(learner)} of the same training came first${percent}`;
  const version = versionOf(args, own, order, runnerUp, libraries, false, reason);
  try {
    modelOf(version, runnerUp.buffer);
  } catch {
    // What cannot serve is no version.
    return;
  }
  keepVersion(args, own, version, runnerUp.buffer);
}

/** Makes a version the serving one, and lets decisions read it. */
export function serve(
  args: LearnerArgs,
  own: PoolLearner,
  serving: NonNullable<PoolLearner['serving']>,
  cause: 'held_out' | 'operator',
  evidence: string,
): void {
  const slot = args.board.slot(own.pool);
  const ceiling = slot?.config.rolloutStage ?? 'observe';
  // An operator who goes back distrusts what was climbed since.
  const before = own.serving && cause === 'held_out' ? own.rollout : undefined;
  const { state, step } = enter(ceiling, cause, evidence, before);
  own.serving = serving;
  own.rollout = state;
  own.evidence = newEvidence(own.statistic);
  own.dirty = true;
  if (slot) publish(slot, own);
  if (step === undefined) return;
  const timed = { ...step, atMs: args.nowMs(), modelId: serving.version.modelId };
  noteStep(own, timed);
  args.onStep(own.pool, timed);
}

/** The serving model is worse than the rules on what came after it: the rules serve. */
function drop(args: LearnerArgs, own: PoolLearner, difference: number): void {
  const { serving, rollout } = own;
  if (serving === undefined) return;
  const observe = { level: 0, demotions: rollout.demotions + 1 };
  const evidence = `held-out cost against the cost model ${(100 * difference).toFixed(2)} %: dropped`;
  const timed = {
    from: levelOf(rollout),
    to: levelOf(observe),
    direction: 'down' as const,
    cause: 'live_worse' as const,
    evidence,
    atMs: args.nowMs(),
    modelId: serving.version.modelId,
  };
  own.serving = undefined;
  own.rollout = observe;
  noteStep(own, timed);
  const slot = args.board.slot(own.pool);
  if (slot) publish(slot, own);
  args.onStep(own.pool, timed);
}

function versionOf(
  args: LearnerArgs,
  own: PoolLearner,
  { cause, parent, options }: Order,
  { learner, buffer, report }: TrainedLayer,
  libraries: Trained['libraries'],
  published: boolean,
  reason: string,
): ModelVersion {
  const { heldOut, incumbent, validation, trees, network, rival, rows, fromMs, toMs, seed } = report;
  const version = own.nextVersion;
  return {
    pool: own.pool,
    version,
    modelId: modelIdOf(own.pool, version, learner),
    learner,
    outcome: published ? 'published' : 'refused',
    reason,
    trainedAtMs: args.nowMs(),
    cause,
    lineage: {
      ...{ parent, rows, fromMs, toMs, seed, libraries },
      statistic: options.statistic,
      options: plain(options),
      machine: args.machine,
    },
    scores: { heldOut, incumbent, validation, trees, ...(network && { network }), ...(rival && { rival }) },
    layout: layoutOf(learner),
    bytes: buffer.byteLength,
    checksum: checksum(new Uint8Array(buffer)),
  };
}

/** A model that is not the trees says so in its name: decisions carry it. */
function modelIdOf(pool: string, version: number, learner: LearnerKind): string {
  return `${pool}-v${version}${learner === 'boosted_trees' ? '' : `-${learner.replaceAll('_', '-')}`}`;
}

function plain(options: TrainingOptions): JsonValue {
  return JSON.parse(JSON.stringify(options));
}

/** The regime since the last drift has enough rows to be learned from alone. */
function hasRegime(args: LearnerArgs, own: PoolLearner): boolean {
  return own.regimeFromMs !== undefined && own.sinceRegime >= args.minimumSamples;
}

function refill(args: LearnerArgs, own: PoolLearner, nowMs: number): void {
  const earned = (TOKENS_PER_INTERVAL * (nowMs - own.tokensAtMs)) / args.intervalMs;
  own.driftTokens = Math.min(DRIFT_TOKENS, own.driftTokens + Math.max(0, earned));
  own.tokensAtMs = nowMs;
}
