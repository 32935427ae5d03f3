/**
 * `learner`: has the second layer trained when it is due, checks what comes back, publishes what is better than the rules on held-out rows, and
 * keeps it. Feeds each success to the serving model, so that its intervals follow the present. Decisions never wait for it: while it is down
 * the cost model serves, or what was published last.
 */
import { comparedBy } from '../decision/objective.ts';
import type { RolloutStage } from '../decision/types.ts';
import { BoostedModel } from '../learning/boosted-model.ts';
import { type DriftAlarm, DriftMonitor } from '../learning/drift.ts';
import { isBetter } from '../learning/is-better.ts';
import type { TrainingOptions, TrainingReport } from '../learning/train-model.ts';
import { toObservation } from '../metrics/observation.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { type Call, type GenServer, next, type Self } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import type { TrainingTask } from '../workers/training-task.ts';
import { afterSystemMessage } from './system-message.ts';
import type { TrainOutcome } from './training-pool.ts';

export interface LearnerArgs {
  readonly board: SnapshotBoard;
  readonly nowMs: () => number;
  /** LMDB environment that training threads read; undefined: records are only in memory, nothing is trained. */
  readonly storePath: () => string | undefined;
  readonly train: (task: TrainingTask) => Promise<TrainOutcome>;
  /** Stored models by pool; rejects while the store is down. */
  readonly restore: () => Promise<readonly (readonly [pool: string, model: Uint8Array])[]>;
  readonly persist: (pool: string, model: Uint8Array) => void;
  readonly minimumSamples: number;
  readonly intervalMs: number;
  readonly heldOutShare: number;
  readonly driftDetection: boolean;
  readonly onTrained: (pool: string, outcome: TrainingOutcome) => void;
  readonly onDrift: (pool: string, alarm: DriftAlarm) => void;
}

/** What a training came to. */
export type TrainingOutcome =
  | { readonly type: 'published'; readonly modelId: string; readonly report: TrainingReport }
  | { readonly type: 'not_better'; readonly report: TrainingReport }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'too_few_samples'; readonly samples: number; readonly needed: number }
  | { readonly type: 'nothing_stored' };

export interface TrainModel extends Call<TrainingOutcome> {
  readonly type: 'train_model';
  readonly pool: string;
}
export interface GetLearning extends Call<PoolLearning | undefined> {
  readonly type: 'get_learning';
  readonly pool: string;
}
export interface ClearModels extends Call<'ok'> {
  readonly type: 'clear_models';
  readonly pool: string | undefined;
}
/** How a pool's second layer stands. */
export interface PoolLearning {
  readonly modelId: string | undefined;
  readonly samples: number;
  readonly trainings: number;
  readonly lastOutcome: TrainingOutcome['type'] | undefined;
  readonly lastTrainingAtMs: number | undefined;
  readonly driftAlarms: number;
}

export interface LearnFrom {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}
export interface TrainDue {
  readonly type: 'train_due';
}

export type LearnerCall = TrainModel | GetLearning | ClearModels;

interface PoolState {
  model: BoostedModel | undefined;
  modelId: string | undefined;
  /** Successes seen by this learner since it started or last trained. */
  samples: number;
  trainings: number;
  lastOutcome: TrainingOutcome['type'] | undefined;
  lastTrainingAtMs: number | undefined;
  drift: DriftMonitor;
  driftAlarms: number;
  drifted: boolean;
}

interface State {
  readonly args: LearnerArgs;
  readonly pools: Map<string, PoolState>;
}

type Learner = Self<LearnerCall, LearnFrom, TrainDue>;

/** Milliseconds between two looks which pool is due. */
const LOOK_EVERY_MS = 5_000;
const MAX_ROWS = 100_000;
/** Confidence in the order of the lanes that a decision must have to follow the model. */
const REQUIRED_CONFIDENCE: Readonly<Record<RolloutStage, number>> = { observe: 1, confident: 0.9, adaptive: 0.5 };

export const learner: GenServer<LearnerArgs, State, LearnerCall, LearnFrom, TrainDue> = {
  async init(args, self) {
    self.trapExit(true);
    const state: State = { args, pools: new Map() };
    await restore(state);
    self.sendAfter({ type: 'train_due' }, LOOK_EVERY_MS);
    return next.ok(state);
  },
  async handleCall(message, _from, state, self) {
    switch (message.type) {
      case 'train_model':
        return next.reply(await train(state, message.pool, self), state);
      case 'get_learning':
        return next.reply(describe(state.pools.get(message.pool)), state);
      case 'clear_models':
        clear(state, message.pool);
        return next.reply('ok' as const, state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state) {
    for (const record of message.records) observe(state, record);
    for (const pool of new Set(message.records.map((record) => record.pool))) republish(state, pool);
    return next.noreply(state);
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'train_due':
        for (const pool of duePools(state)) await train(state, pool, self);
        self.sendAfter({ type: 'train_due' }, LOOK_EVERY_MS);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
};

function poolState(state: State, pool: string): PoolState {
  const known = state.pools.get(pool);
  if (known) return known;
  const fresh: PoolState = {
    model: undefined,
    modelId: undefined,
    samples: 0,
    trainings: 0,
    lastOutcome: undefined,
    lastTrainingAtMs: undefined,
    drift: new DriftMonitor(),
    driftAlarms: 0,
    drifted: false,
  };
  // Bounded by the pools there are, which admission bounds.
  state.pools.set(pool, fresh);
  return fresh;
}

function observe(state: State, record: TransferRecord): void {
  const observation = toObservation(record);
  const slot = state.args.board.slot(record.pool);
  const cost = slot?.costModel;
  if (observation === undefined || slot === undefined || cost === undefined || !slot.policy.learningEnabled) return;
  const own = poolState(state, record.pool);
  own.samples += 1;
  own.model?.observe(observation, cost);
  if (!state.args.driftDetection || record.predictedLatencyUs === undefined || record.explored) return;
  for (const alarm of own.drift.update(observation, Math.log(record.latencyUs / record.predictedLatencyUs))) {
    own.driftAlarms += 1;
    own.drifted = true;
    state.args.onDrift(record.pool, alarm);
  }
}

/** Once per batch: what was observed moved the intervals, and the cost model below has moved on. */
function republish(state: State, pool: string): void {
  const slot = state.args.board.slot(pool);
  const own = state.pools.get(pool);
  if (slot && own) publish(slot, own);
}

/** The trees stand on the cost model of the moment: each publication takes its present snapshot. */
function publish(slot: PoolSlot, own: PoolState): void {
  if (own.model && slot.costModel) slot.model = own.model.snapshot(slot.costModel);
}

/** Enough new successes, and an hour over since the last training or a drift seen since. */
function duePools(state: State): string[] {
  const { nowMs, intervalMs, minimumSamples, board } = state.args;
  const due: string[] = [];
  for (const [pool, own] of state.pools) {
    const waited = own.lastTrainingAtMs === undefined || nowMs() - own.lastTrainingAtMs >= intervalMs;
    const enough = own.samples >= minimumSamples;
    if (enough && (waited || own.drifted) && board.slot(pool)?.policy.learningEnabled) due.push(pool);
  }
  return due;
}

async function train(state: State, pool: string, self: Learner): Promise<TrainingOutcome> {
  const { args } = state;
  const own = poolState(state, pool);
  const path = args.storePath();
  let outcome: TrainingOutcome;
  if (path === undefined) outcome = { type: 'nothing_stored' };
  else {
    // Waits as this process: should it be killed meanwhile, it goes no further.
    const trained = await self.wait(
      args.train({ type: 'train_stored', path, pool, limit: MAX_ROWS, options: optionsOf(state, pool) }),
    );
    outcome = judge(state, pool, own, trained);
  }
  own.trainings += 1;
  own.samples = 0;
  own.drifted = false;
  own.lastOutcome = outcome.type;
  own.lastTrainingAtMs = args.nowMs();
  args.onTrained(pool, outcome);
  return outcome;
}

function optionsOf({ args }: State, pool: string): TrainingOptions {
  const goal = args.board.slot(pool)?.policy.goal;
  return {
    statistic: goal === undefined ? 'median' : comparedBy(goal),
    minimumRows: args.minimumSamples,
    heldOutShare: args.heldOutShare,
  };
}

/** Only a model that is surely better on rows it never saw is published. */
function judge(state: State, pool: string, own: PoolState, trained: TrainOutcome): TrainingOutcome {
  if (trained.type === 'failed') return { type: 'failed', error: trained.error };
  const { buffer, report } = trained.result;
  if (!isBetter(report)) return { type: 'not_better', report };
  const slot = state.args.board.slot(pool);
  const modelId = `${pool}-${Math.floor(state.args.nowMs()).toString(36)}`;
  try {
    own.model = newModel(buffer, modelId, slot?.rolloutStage ?? 'observe');
  } catch (error) {
    return { type: 'failed', error };
  }
  own.modelId = modelId;
  if (slot) publish(slot, own);
  state.args.persist(pool, new Uint8Array(buffer));
  return { type: 'published', modelId, report };
}

/** @throws PitwallError `PITWALL_INVALID_MODEL` for bytes that are no model, or a damaged one */
function newModel(buffer: ArrayBuffer, modelId: string, stage: RolloutStage): BoostedModel {
  return new BoostedModel(buffer, { modelId, requiredConfidence: REQUIRED_CONFIDENCE[stage] });
}

async function restore(state: State): Promise<void> {
  let stored: Awaited<ReturnType<LearnerArgs['restore']>>;
  try {
    stored = await state.args.restore();
  } catch {
    return; // the store is down; the next training makes a model anew
  }
  for (const [pool, bytes] of stored) {
    const slot = state.args.board.slot(pool);
    const own = poolState(state, pool);
    try {
      own.model = newModel(bytes.slice().buffer, `${pool}-stored`, slot?.rolloutStage ?? 'observe');
      own.modelId = `${pool}-stored`;
    } catch (error) {
      state.args.onTrained(pool, { type: 'failed', error });
      continue;
    }
    if (slot) publish(slot, own);
  }
}

function clear(state: State, pool: string | undefined): void {
  for (const [name, own] of state.pools) {
    if (pool !== undefined && name !== pool) continue;
    own.model = undefined;
    own.modelId = undefined;
    const slot = state.args.board.slot(name);
    if (slot) slot.model = undefined;
    state.args.persist(name, new Uint8Array(0));
  }
}

function describe(own: PoolState | undefined): PoolLearning | undefined {
  if (!own) return undefined;
  const { modelId, samples, trainings, lastOutcome, lastTrainingAtMs, driftAlarms } = own;
  return { modelId, samples, trainings, lastOutcome, lastTrainingAtMs, driftAlarms };
}
