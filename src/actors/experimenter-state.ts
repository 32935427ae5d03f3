/** What the experimenter holds, and the steps that all its handlers take. */
import type { PolicyPatch } from '../config/types.ts';
import type { JsonValue } from '../learning/types.ts';
import type { Experiment } from '../metrics/analysis/experiment/experiment.ts';
import type { SnapshotBoard } from '../snapshots.ts';
import type { AlertContent } from './adviser-alerts.ts';
import type { ExperimentOutcome } from './experiment-messages.ts';
import { type BuildPolicy, toSnapshot } from './experimenter-publish.ts';
import type { ChangeNote, PolicyOutcome, RollBackOutcome } from './policy-messages.ts';

export interface ExperimenterArgs {
  readonly board: SnapshotBoard;
  readonly nowMs: () => number;
  readonly storage: {
    /** Every experiment that is kept; rejects while the store is down. */
    restore(): Promise<readonly (readonly [name: string, value: JsonValue])[]>;
    persist(name: string, value: JsonValue): void;
    remove(name: string): void;
  };
  /** Policies of variants with their custom rules, which are code: by experiment and variant. Not the actor's: they outlive its crash. */
  readonly patches: Map<string, ReadonlyMap<string, PolicyPatch>>;
  readonly buildPolicy: BuildPolicy;
  readonly updatePolicy: (pool: string, patch: PolicyPatch, note: ChangeNote) => Promise<PolicyOutcome>;
  readonly rollBackPolicy: (pool: string, version: number, note: ChangeNote) => Promise<RollBackOutcome>;
  /** Told of what happens to an experiment, in one line. */
  readonly onEvent: (pool: string, line: string) => void;
  readonly raise: (alert: AlertContent) => void;
  /** An experiment that was kept could not be read. */
  readonly onRefusedState: (name: string, reason: unknown) => void;
}

/** Mutable on purpose, and the actor's alone. */
export interface State {
  readonly args: ExperimenterArgs;
  readonly experiments: Map<string, Experiment>;
  /** What the store does not have yet. */
  readonly dirty: Set<string>;
  /** What was not looked at since its last transfer. */
  readonly unseen: Set<string>;
  /** False until the store answered: what is there must not be overwritten unread. */
  restored: boolean;
}

/** All traffic is back under the pool's policy. */
export function end(state: State, experiment: Experiment, why: string): undefined {
  const { args } = state;
  const slot = args.board.slot(experiment.definition.pool);
  if (slot?.experiment?.id === experiment.name) slot.experiment = undefined;
  experiment.note();
  experiment.end(why, args.nowMs());
  args.onEvent(experiment.definition.pool, `experiment "${experiment.name}" is over: ${why}`);
  return undefined;
}

/** Puts a running experiment into force; what cannot be is paused, and says why. */
export function publish({ args, dirty }: State, experiment: Experiment): void {
  const { name, definition } = experiment;
  const slot = args.board.slot(definition.pool);
  if (slot === undefined) return;
  const patches = args.patches.get(name);
  const code = definition.variants.find(({ difference }) => difference.type === 'policy' && difference.hasRules);
  try {
    if (code !== undefined && patches === undefined) {
      throw new TypeError(`the custom rules of "${code.name}" are code: start it again with them`);
    }
    slot.experiment = toSnapshot(experiment, slot, patches ?? new Map(), args.buildPolicy);
  } catch (error) {
    experiment.state = 'paused';
    experiment.endedBecause = error instanceof Error ? error.message : String(error);
    if (slot.experiment?.id === name) slot.experiment = undefined;
    args.onEvent(definition.pool, `experiment "${name}" rests: ${experiment.endedBecause}`);
  }
  dirty.add(name);
}

export function refused(reason: string): ExperimentOutcome {
  return { type: 'refused', reason };
}

export function saved(state: State, experiment: Experiment): ExperimentOutcome {
  state.dirty.add(experiment.name);
  persist(state);
  return { type: 'ok', report: experiment.report() };
}

export function persist(state: State): void {
  if (!state.restored) return;
  for (const name of state.dirty) {
    const experiment = state.experiments.get(name);
    if (experiment) state.args.storage.persist(name, experiment.toJson());
  }
  state.dirty.clear();
}

export function sharesText({ definition }: Experiment): string {
  return definition.variants.map(({ name, share }) => `"${name}" ${(share * 100).toFixed(1)} %`).join(', ');
}
