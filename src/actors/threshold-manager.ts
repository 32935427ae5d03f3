/**
 * `threshold_manager`, one per pool: owns the pool's cost model and the thresholds that follow from it, learns from every successful
 * transfer, publishes both to the pool's slot, and keeps them in the store.
 */
import type { PoolConfig } from '../config/types.ts';
import { comparedBy } from '../decision/objective.ts';
import { knownResources } from '../decision/resources.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { CostModel, type CostModelOptions } from '../learning/cost-model.ts';
import { type ThresholdChange, ThresholdTuner, type ThresholdTuningOptions } from '../learning/threshold-tuning.ts';
import type { CostModelSnapshot, JsonValue, Observation } from '../learning/types.ts';
import { toObservation } from '../metrics/observation.ts';
import type { TransferRecord } from '../metrics/record.ts';
import { type Call, type GenServer, next, type Self } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import { afterSystemMessage } from './system-message.ts';
import { TrafficProfile } from './traffic-profile.ts';

export interface ThresholdManagerArgs {
  readonly slot: PoolSlot;
  readonly board: SnapshotBoard;
  readonly nowMs: () => number;
  readonly costModel: CostModelOptions;
  /** Where this runs, such as `linux-x64`: what was learned elsewhere is not taken. */
  readonly platform: string;
  /** What was stored for this pool; rejects while the store is down. */
  readonly restore: () => Promise<JsonValue | undefined>;
  /** Stores the pool's state; never throws, may be lost. */
  readonly persist: (state: JsonValue) => void;
  /** Told of every step of a threshold (log, telemetry, history). */
  readonly onChanges: (changes: readonly ThresholdChange[]) => void;
  /** Told when stored state was refused, with the reason. */
  readonly onRefusedState: (reason: unknown) => void;
}

export interface AdjustThreshold extends Call<AdjustOutcome> {
  readonly type: 'adjust_threshold';
  readonly dataType: string | undefined;
  readonly bytes: number;
}
export interface ResetThresholds extends Call<'ok'> {
  readonly type: 'reset_thresholds';
  readonly dataType: string | undefined;
}
/** Thresholds as they stood at an earlier time. */
export interface RestoreThresholds extends Call<RestoreOutcome> {
  readonly type: 'restore_thresholds';
  /** Milliseconds since the epoch. */
  readonly toMs: number;
}
export type RestoreOutcome =
  | { readonly type: 'ok'; readonly changes: readonly ThresholdChange[] }
  | { readonly type: 'refused'; readonly error: InvalidArgumentError };
export interface GetThresholdHistory extends Call<readonly ThresholdChange[]> {
  readonly type: 'get_threshold_history';
}
/** Forgets what was learned: thresholds and cost model, back to configuration and prior. */
export interface ForgetLearned extends Call<'ok'> {
  readonly type: 'forget_learned';
}
/** Hands the present state to the store at once. */
export interface PersistNow extends Call<'ok'> {
  readonly type: 'persist_now';
}
export type AdjustOutcome =
  | { readonly type: 'ok'; readonly change: ThresholdChange }
  | { readonly type: 'refused'; readonly message: string };

export interface Observed {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}
/** What probes in idle time said of the lane that transfers did not take: no transfers, and in no statistics. */
export interface Probed {
  readonly type: 'probed';
  readonly probes: readonly Observation[];
}
export interface ResourcesSampled {
  readonly type: 'resources_sampled';
}
export interface PolicyChanged {
  readonly type: 'policy_changed';
}
export interface PersistSoon {
  readonly type: 'persist';
}
export interface RestoreAgain {
  readonly type: 'restore';
}

export type ThresholdManagerCall =
  | AdjustThreshold
  | ResetThresholds
  | RestoreThresholds
  | GetThresholdHistory
  | ForgetLearned
  | PersistNow;
export type ThresholdManagerCast = Observed | Probed | ResourcesSampled | PolicyChanged;
export type ThresholdManagerInfo = PersistSoon | RestoreAgain;

/** Milliseconds between two writes of the state. */
const PERSIST_EVERY_MS = 2_000;
const RESTORE_AGAIN_MS = 1_000;

/** Mutable on purpose: a cost model is some kilobytes of matrix, owned by this actor alone. Readers get frozen snapshots. */
interface State {
  readonly args: ThresholdManagerArgs;
  readonly traffic: TrafficProfile;
  model: CostModel;
  tuner: ThresholdTuner;
  /** The base the tuner was made for; another one in the configuration starts thresholds anew. */
  base: number;
  /** The lower bound it was made for: where the quick path has not sunk below it, it follows a new one. */
  minimum: number;
  /** False until the store answered: what is there must not be overwritten unread. */
  restored: boolean;
  dirty: boolean;
}

type Manager = Self<ThresholdManagerCall, ThresholdManagerCast, ThresholdManagerInfo>;

export const thresholdManager: GenServer<
  ThresholdManagerArgs,
  State,
  ThresholdManagerCall,
  ThresholdManagerCast,
  ThresholdManagerInfo
> = {
  async init(args, self) {
    self.trapExit(true);
    const state: State = {
      args,
      traffic: new TrafficProfile(),
      model: new CostModel(args.costModel),
      tuner: new ThresholdTuner(tuningOptions(args.slot.config)),
      base: args.slot.config.zeroCopyThreshold,
      minimum: args.slot.config.limits.minimumThreshold,
      restored: false,
      dirty: false,
    };
    await restore(state, self);
    publish(state);
    self.sendAfter({ type: 'persist' }, PERSIST_EVERY_MS);
    return next.ok(state);
  },
  handleCall(message, _from, state) {
    switch (message.type) {
      case 'adjust_threshold':
        return next.reply(adjust(state, message), state);
      case 'reset_thresholds':
        moved(state, state.tuner.reset(message.dataType, state.args.nowMs()));
        return next.reply('ok' as const, state);
      case 'restore_thresholds':
        return next.reply(restoreThresholds(state, message.toMs), state);
      case 'get_threshold_history':
        return next.reply(state.tuner.history(), state);
      case 'forget_learned':
        state.model = new CostModel(state.args.costModel);
        state.tuner.reset();
        publish(state);
        return next.reply('ok' as const, state);
      case 'persist_now':
        persist(state);
        return next.reply('ok' as const, state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state) {
    switch (message.type) {
      case 'observed':
        learn(state, message.records);
        return next.noreply(state);
      case 'probed':
        learnProbes(state, message.probes);
        return next.noreply(state);
      case 'resources_sampled':
        tune(state, state.args.slot.costModel ?? state.model.snapshot());
        return next.noreply(state);
      case 'policy_changed':
        followConfiguration(state);
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'persist':
        persist(state);
        self.sendAfter({ type: 'persist' }, PERSIST_EVERY_MS);
        return next.noreply(state);
      case 'restore':
        await restore(state, self);
        publish(state);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate: (_reason, state) => persist(state),
};

function learn(state: State, records: readonly TransferRecord[]): void {
  if (!state.args.slot.policy.learningEnabled) return;
  for (const record of records) {
    const observation = toObservation(record);
    if (observation === undefined) continue;
    state.model.learn(observation);
    state.traffic.add(observation);
  }
  publishLearned(state);
}

function learnProbes(state: State, probes: readonly Observation[]): void {
  if (!state.args.slot.policy.learningEnabled) return;
  for (const probe of probes) state.model.learnProbe(probe);
  publishLearned(state);
}

function publishLearned(state: State): void {
  state.dirty = true;
  // Tuning asks the new snapshot about every kind of the traffic, and with that works out what decisions read of it (36 us a kind): done
  // before it is published, the decision that reads it first does not wait for that.
  const snapshot = state.model.snapshot();
  tune(state, snapshot);
  state.args.slot.costModel = snapshot;
}

/** Lets thresholds follow the model and the machine, and publishes what moved. */
function tune(state: State, costModel: CostModelSnapshot): void {
  const { slot, board, nowMs } = state.args;
  const atMs = nowMs();
  const resources = knownResources(board.resources, atMs);
  const changes = state.tuner.update({
    atMs,
    costModel,
    traffic: slot.policy.learningEnabled ? state.traffic.traffic() : [],
    pressure: {
      memoryLoad: resources?.memoryLoad,
      systemLoad: resources?.systemLoad,
    },
    statistic: comparedBy(slot.policy.goal),
  });
  if (changes.length === 0) return;
  slot.thresholds = state.tuner.thresholds();
  state.dirty = true;
  state.args.onChanges(changes);
}

function adjust(state: State, message: AdjustThreshold): AdjustOutcome {
  try {
    const change = state.tuner.adjust(message.dataType, message.bytes, state.args.nowMs());
    state.dirty = true;
    publish(state);
    state.args.onChanges([change]);
    return { type: 'ok', change };
  } catch (error) {
    return { type: 'refused', message: error instanceof Error ? error.message : String(error) };
  }
}

function restoreThresholds(state: State, toMs: number): RestoreOutcome {
  try {
    const changes = state.tuner.restore(toMs, state.args.nowMs());
    moved(state, changes);
    return { type: 'ok', changes };
  } catch (error) {
    if (error instanceof InvalidArgumentError) return { type: 'refused', error };
    throw error;
  }
}

/** An operator has moved thresholds. */
function moved(state: State, changes: readonly ThresholdChange[]): void {
  state.dirty = true;
  publish(state);
  if (changes.length > 0) state.args.onChanges(changes);
}

function publish(state: State): void {
  state.args.slot.thresholds = state.tuner.thresholds();
  state.args.slot.costModel = state.model.snapshot();
}

function tuningOptions(config: PoolConfig): ThresholdTuningOptions {
  return {
    base: config.zeroCopyThreshold,
    minimumThreshold: config.limits.minimumThreshold,
    maximumThreshold: config.limits.maximumThreshold,
    memoryPressureThreshold: config.memoryPressureThreshold,
    cpuPressureThreshold: config.cpuPressureThreshold,
  };
}

/** New bounds clamp what was learned; a new base starts thresholds anew, history kept. */
function followConfiguration(state: State): void {
  const config = state.args.slot.config;
  const kept = state.tuner.toState();
  const anew = config.zeroCopyThreshold !== state.base && typeof kept === 'object' && kept !== null;
  const { minimumThreshold } = config.limits;
  const unmoved = state.tuner.thresholds().quickPathMinimum === state.minimum;
  const start = {
    ...(typeof kept === 'object' ? kept : {}),
    ...(anew && { entries: [] }),
    ...(unmoved && { quickPathMinimum: minimumThreshold }),
  };
  state.tuner = ThresholdTuner.fromState(start, tuningOptions(config));
  state.base = config.zeroCopyThreshold;
  state.minimum = minimumThreshold;
  state.dirty = true;
  publish(state);
}

function persist(state: State): void {
  if (!state.restored || !state.dirty) return;
  state.dirty = false;
  state.args.persist({
    platform: state.args.platform,
    base: state.base,
    costModel: state.model.toState(),
    thresholds: state.tuner.toState(),
  });
}

/** Takes what is stored; while the store is down, tries again later and meanwhile learns from what comes. */
async function restore(state: State, self: Manager): Promise<void> {
  let stored: JsonValue | undefined;
  try {
    stored = await state.args.restore();
  } catch {
    self.sendAfter({ type: 'restore' }, RESTORE_AGAIN_MS);
    return;
  }
  state.restored = true;
  if (typeof stored !== 'object' || stored === null || !('costModel' in stored)) return;
  const { platform } = state.args;
  try {
    // What was stored before platforms were told apart has none, and is of this machine.
    if (typeof stored.platform === 'string' && stored.platform !== platform) {
      throw new PitwallError(
        'PITWALL_STATE_FOREIGN',
        `It was learned on ${stored.platform}; this is ${platform}, which learns anew.`,
      );
    }
    state.model = CostModel.fromState(stored.costModel, state.args.costModel);
    const config = state.args.slot.config;
    if (stored.base === config.zeroCopyThreshold) {
      state.tuner = ThresholdTuner.fromState(stored.thresholds, tuningOptions(config));
    }
  } catch (error) {
    state.args.onRefusedState(error);
  }
}
