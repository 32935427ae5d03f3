/** What the learner is given, what may be asked of it, and what it answers. Types only. */
import type { DriftAlarm } from '../learning/drift.ts';
import type { ModelVersion, TrainingCause } from '../learning/model-version.ts';
import type { RolloutStep } from '../learning/rollout.ts';
import type { TrainingOptions } from '../learning/train-model.ts';
import type { TrainingReport } from '../learning/training-report.ts';
import type { ExplorationLimits, JsonValue } from '../learning/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { Call } from '../otp/index.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { TrainStored } from '../workers/training-task.ts';
import type { TrainOutcome } from './training-pool.ts';

/** Where the learner keeps things; reads reject while the store is down, writes may be lost. */
export interface ModelStore {
  entries(): Promise<readonly (readonly [key: string, value: JsonValue])[]>;
  /** Bytes whose key starts so. */
  bytes(prefix: string): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;
  put(key: string, value: JsonValue): void;
  putBytes(key: string, value: Uint8Array): void;
  remove(key: string): void;
}

export interface TimedStep extends RolloutStep {
  readonly atMs: number;
  readonly modelId: string | undefined;
}

/** A training as it was asked for: what the answer is judged by. */
export interface Order {
  readonly pool: string;
  readonly cause: TrainingCause;
  readonly generation: number;
  /** The version that served. */
  readonly parent: number | undefined;
  readonly options: TrainingOptions;
}

export interface LearnerArgs {
  readonly board: SnapshotBoard;
  readonly nowMs: () => number;
  /** LMDB environment that trainings read; undefined: records are only in memory, nothing is trained. */
  readonly storePath: () => string | undefined;
  readonly train: (task: TrainStored) => Promise<TrainOutcome>;
  /** Gives up the training that runs: its outcome is `failed`. */
  readonly cancelTraining: () => void;
  readonly store: ModelStore;
  /** This machine, as versions name it: one of another machine is foreign. */
  readonly machine: string;
  readonly minimumSamples: number;
  readonly intervalMs: number;
  readonly heldOutShare: number;
  readonly driftDetection: boolean;
  readonly onTrained: (pool: string, outcome: TrainingOutcome) => void;
  readonly onDrift: (pool: string, alarm: DriftAlarm) => void;
  readonly onStep: (pool: string, step: TimedStep) => void;
  /** Told of something stored that may not serve, with the reason. */
  readonly onRefused: (pool: string, what: string, reason: string) => void;
  readonly onExplorationBudget: (pool: string, limits: ExplorationLimits) => void;
}

/** What a training came to. */
export type TrainingOutcome =
  | { readonly type: 'published'; readonly modelId: string; readonly version: number; readonly report: TrainingReport }
  | { readonly type: 'not_better'; readonly version: number; readonly reason: string; readonly report: TrainingReport }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'too_few_samples'; readonly samples: number; readonly needed: number }
  /** All models of the pool were forgotten while it was trained. */
  | { readonly type: 'superseded' }
  | { readonly type: 'nothing_stored' };

/** What an operator's change came to. */
export type VersionOutcome =
  | { readonly type: 'ok'; readonly version: ModelVersion }
  | { readonly type: 'refused'; readonly reason: string };

export interface TrainModel extends Call<TrainingOutcome> {
  readonly type: 'train_model';
  readonly pool: string;
}
export interface CancelTraining extends Call<'ok'> {
  readonly type: 'cancel_training';
  readonly pool: string;
}
export interface GetLearning extends Call<PoolLearning | undefined> {
  readonly type: 'get_learning';
  readonly pool: string;
}
export interface GetVersions extends Call<readonly ModelVersion[]> {
  readonly type: 'get_versions';
  readonly pool: string;
}
/** The version serves, and nothing takes its place, until it is unpinned. */
export interface PinVersion extends Call<VersionOutcome> {
  readonly type: 'pin_version';
  readonly pool: string;
  readonly version: number;
}
export interface UnpinVersion extends Call<'ok'> {
  readonly type: 'unpin_version';
  readonly pool: string;
}
/** An earlier version serves; undefined: the published one before the serving one. */
export interface RollBack extends Call<VersionOutcome> {
  readonly type: 'roll_back';
  readonly pool: string;
  readonly version: number | undefined;
}
/** Forgets all versions, of one pool or of all. @returns how many */
export interface ClearModels extends Call<number> {
  readonly type: 'clear_models';
  readonly pool: string | undefined;
}
/** Resolves when all records were looked at, and no training runs or waits. */
export interface SettleLearner extends Call<'ok'> {
  readonly type: 'settle';
}

/** How a pool's second layer stands. */
export interface PoolLearning {
  readonly modelId: string | undefined;
  /** Of the serving model. */
  readonly version: number | undefined;
  readonly pinned: number | undefined;
  readonly stage: 'observe' | 'confident' | 'adaptive';
  readonly requiredConfidence: number;
  /** The newest 32. */
  readonly steps: readonly TimedStep[];
  readonly samples: number;
  readonly trainings: number;
  readonly training: boolean;
  readonly lastOutcome: TrainingOutcome['type'] | undefined;
  readonly lastTrainingAtMs: number | undefined;
  readonly driftAlarms: number;
  /** The newest 32. */
  readonly alarms: readonly DriftAlarm[];
  /** A drift was seen that no training has followed yet. */
  readonly drifted: boolean;
  /** What exploration was expected to cost, as a share of the recent transfers' time, and what it may. */
  readonly exploration: { readonly spent: number; readonly budget: number; readonly mayExplore: boolean } | undefined;
  /** Records that were not looked at, since too many came at once. */
  readonly skipped: number;
}

export interface LearnFrom {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}
export type LearnerInfo =
  | { readonly type: 'train_due' }
  | { readonly type: 'restore' }
  | { readonly type: 'publish' }
  | { readonly type: 'go_on' }
  | { readonly type: 'trained'; readonly order: Order; readonly outcome: TrainOutcome };

export type LearnerCall =
  | TrainModel
  | CancelTraining
  | GetLearning
  | GetVersions
  | PinVersion
  | UnpinVersion
  | RollBack
  | ClearModels
  | SettleLearner;
