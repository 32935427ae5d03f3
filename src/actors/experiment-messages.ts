/** What may be asked of the experimenter. Types only. */
import type { ConfigError } from '../config/config-error.ts';
import type { PolicyPatch } from '../config/types.ts';
import type { ExperimentDefinition, ExperimentReport } from '../metrics/analysis/experiment/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { Call } from '../otp/index.ts';
import type { ChangeNote } from './policy-messages.ts';

/** `refused`: what is asked makes no sense now, and why. */
export type ExperimentOutcome =
  | { readonly type: 'ok'; readonly report: ExperimentReport }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'bad_policy'; readonly error: ConfigError };

export interface StartExperiment extends Call<ExperimentOutcome> {
  readonly type: 'start_experiment';
  readonly definition: ExperimentDefinition;
  /** By variant: the whole patch, custom rules included. */
  readonly patches: ReadonlyMap<string, PolicyPatch>;
}
export interface GetExperiment extends Call<ExperimentReport | undefined> {
  readonly type: 'get_experiment';
  readonly name: string;
}
/** All that are kept, the newest first. */
export interface ListExperiments extends Call<readonly ExperimentReport[]> {
  readonly type: 'list_experiments';
  readonly pool: string | undefined;
}
export interface StopExperiment extends Call<ExperimentOutcome> {
  readonly type: 'stop_experiment';
  readonly name: string;
  readonly why: string | undefined;
}
export interface ChangeSplit extends Call<ExperimentOutcome> {
  readonly type: 'change_split';
  readonly name: string;
  /** By variant; those of all add up to 1. */
  readonly shares: ReadonlyMap<string, number>;
}
/** Makes a variant the pool's policy, and ends the experiment. */
export interface PromoteVariant extends Call<ExperimentOutcome>, ChangeNote {
  readonly type: 'promote_variant';
  readonly name: string;
  /** Default: the winner. */
  readonly variant: string | undefined;
}
/** Takes a promotion back, or ends an experiment that runs. */
export interface RollBackExperiment extends Call<ExperimentOutcome>, ChangeNote {
  readonly type: 'roll_back_experiment';
  readonly name: string;
}
/** Hands all that is counted to the store at once. */
export interface PersistExperiments extends Call<'ok'> {
  readonly type: 'persist_experiments';
}

export type ExperimenterCall =
  | StartExperiment
  | GetExperiment
  | ListExperiments
  | StopExperiment
  | ChangeSplit
  | PromoteVariant
  | RollBackExperiment
  | PersistExperiments;

export interface CountRecords {
  readonly type: 'observed';
  readonly records: readonly TransferRecord[];
}

export interface AssessExperiments {
  readonly type: 'assess';
}
export interface KeepExperiments {
  readonly type: 'persist';
}
export interface RestoreExperiments {
  readonly type: 'restore';
}
export type ExperimenterInfo = AssessExperiments | KeepExperiments | RestoreExperiments;
