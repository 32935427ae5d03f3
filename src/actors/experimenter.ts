/**
 * `experimenter`: runs the A/B experiments of all pools. It publishes what decisions read of them, counts their transfers by variant, stops what does
 * certain harm, and makes a winner the pool's policy. What it counted is kept in the store; what it published goes on while it is down.
 */
import { ConfigError } from '../config/config-error.ts';
import { Experiment } from '../metrics/analysis/experiment/experiment.ts';
import { type GenServer, next, type Self } from '../otp/index.ts';
import type {
  ChangeSplit,
  CountRecords,
  ExperimenterCall,
  ExperimenterInfo,
  ExperimentOutcome,
  StartExperiment,
} from './experiment-messages.ts';
import { promote, rollBack } from './experimenter-promotion.ts';
import { toSnapshot } from './experimenter-publish.ts';
import {
  type ExperimenterArgs,
  end,
  persist,
  publish,
  refused,
  type State,
  saved,
  sharesText,
} from './experimenter-state.ts';
import { assess } from './experimenter-watch.ts';
import { afterSystemMessage } from './system-message.ts';

type Experimenter = Self<ExperimenterCall, CountRecords, ExperimenterInfo>;

const ASSESS_EVERY_MS = 1_000;
const PERSIST_EVERY_MS = 10_000;
const RESTORE_AGAIN_MS = 2_000;
/** Kept; beyond it the oldest that is over goes. */
const MOST_EXPERIMENTS = 200;

export const experimenter: GenServer<ExperimenterArgs, State, ExperimenterCall, CountRecords, ExperimenterInfo> = {
  async init(args, self) {
    self.trapExit(true);
    const state: State = { args, experiments: new Map(), dirty: new Set(), unseen: new Set(), restored: false };
    await restore(state, self);
    self.sendAfter({ type: 'assess' }, ASSESS_EVERY_MS);
    self.sendAfter({ type: 'persist' }, PERSIST_EVERY_MS);
    return next.ok(state);
  },
  async handleCall(message, _from, state) {
    switch (message.type) {
      case 'start_experiment':
        return next.reply(start(state, message), state);
      case 'get_experiment':
        return next.reply(state.experiments.get(message.name)?.report(), state);
      case 'list_experiments': {
        const all = [...state.experiments.values()].filter(
          ({ definition }) => message.pool === undefined || definition.pool === message.pool,
        );
        return next.reply(
          all.sort((a, b) => b.startedAtMs - a.startedAtMs).map((each) => each.report()),
          state,
        );
      }
      case 'stop_experiment':
        return next.reply(
          withRunning(state, message.name, (experiment) => end(state, experiment, message.why ?? 'stopped by hand')),
          state,
        );
      case 'change_split':
        return next.reply(
          withRunning(state, message.name, (experiment) => changeSplit(state, experiment, message)),
          state,
        );
      case 'promote_variant':
        return next.reply(await promote(state, message), state);
      case 'roll_back_experiment':
        return next.reply(await rollBack(state, message), state);
      case 'persist_experiments':
        persist(state);
        return next.reply('ok' as const, state);
      default:
        return message satisfies never;
    }
  },
  handleCast(message, state) {
    for (const record of message.records) {
      if (record.experiment === undefined) continue;
      const experiment = state.experiments.get(record.experiment);
      if (experiment?.state !== 'running' || experiment.definition.pool !== record.pool) continue;
      if (!experiment.observe(record)) continue;
      state.dirty.add(experiment.name);
      state.unseen.add(experiment.name);
    }
    return next.noreply(state);
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'assess':
        assess(state);
        self.sendAfter({ type: 'assess' }, ASSESS_EVERY_MS);
        return next.noreply(state);
      case 'persist':
        persist(state);
        self.sendAfter({ type: 'persist' }, PERSIST_EVERY_MS);
        return next.noreply(state);
      case 'restore':
        await restore(state, self);
        return next.noreply(state);
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate: (_reason, state) => persist(state),
};

function start(state: State, { definition, patches }: StartExperiment): ExperimentOutcome {
  const { args, experiments } = state;
  const { name, pool } = definition;
  if (!state.restored) return refused('the store has not answered yet: what it keeps is not known');
  const slot = args.board.slot(pool);
  if (slot === undefined) return refused(`there is no pool ${pool}`);
  const known = experiments.get(name);
  const resumed = known?.state === 'paused' && sameVariants(known, definition) ? known : undefined;
  if (known !== undefined && resumed === undefined) {
    return refused(`there is an experiment "${name}" already, which is ${known.state}: take another name`);
  }
  const other = [...experiments.values()].find(
    (each) => each.definition.pool === pool && each.state === 'running' && each.name !== name,
  );
  if (other !== undefined) return refused(`pool ${pool} has the experiment "${other.name}": one at a time`);
  const experiment = resumed ?? new Experiment(definition, args.nowMs());
  try {
    slot.experiment = toSnapshot(experiment, slot, patches, args.buildPolicy);
  } catch (error) {
    if (error instanceof ConfigError) return { type: 'bad_policy', error };
    throw error;
  }
  args.patches.set(name, patches);
  experiment.state = 'running';
  experiment.endedBecause = undefined;
  experiments.set(name, experiment);
  forgetOldest(state);
  args.onEvent(pool, `experiment "${name}" ${resumed ? 'goes on' : 'started'}: ${sharesText(experiment)}`);
  return saved(state, experiment);
}

function sameVariants(known: Experiment, definition: StartExperiment['definition']): boolean {
  const shape = ({ variants, pool }: StartExperiment['definition']): string =>
    JSON.stringify([pool, variants.map(({ name, difference }) => [name, difference])]);
  return shape(known.definition) === shape(definition);
}

function forgetOldest({ args, experiments }: State): void {
  if (experiments.size <= MOST_EXPERIMENTS) return;
  const [oldest] = [...experiments.values()]
    .filter(({ state }) => state === 'stopped')
    .sort((a, b) => a.startedAtMs - b.startedAtMs);
  if (oldest === undefined) return;
  experiments.delete(oldest.name);
  args.patches.delete(oldest.name);
  args.storage.remove(oldest.name);
}

function withRunning(
  state: State,
  name: string,
  act: (experiment: Experiment) => ExperimentOutcome | undefined,
): ExperimentOutcome {
  const experiment = state.experiments.get(name);
  if (experiment === undefined) return refused(`there is no experiment "${name}"`);
  if (experiment.state === 'stopped') return refused(`the experiment "${name}" is over: ${experiment.endedBecause}`);
  return act(experiment) ?? saved(state, experiment);
}

function changeSplit(state: State, experiment: Experiment, { shares }: ChangeSplit): ExperimentOutcome | undefined {
  const { variants, pool } = experiment.definition;
  const unknown = [...shares.keys()].find((name) => !variants.some((variant) => variant.name === name));
  if (unknown !== undefined) return refused(`the experiment has no variant "${unknown}"`);
  if (shares.size !== variants.length) return refused('a share for every variant is needed');
  experiment.split(
    variants.map(({ name }) => shares.get(name) ?? 0),
    state.args.nowMs(),
  );
  publish(state, experiment);
  state.args.onEvent(pool, `experiment "${experiment.name}": the split is now ${sharesText(experiment)}`);
  return undefined;
}

/** Takes what is stored; while the store is down, tries again later. What was published stays in force meanwhile. */
async function restore(state: State, self: Experimenter): Promise<void> {
  const { args, experiments } = state;
  let stored: Awaited<ReturnType<ExperimenterArgs['storage']['restore']>>;
  try {
    stored = await args.storage.restore();
  } catch {
    self.sendAfter({ type: 'restore' }, RESTORE_AGAIN_MS);
    return;
  }
  for (const [name, value] of stored) {
    try {
      experiments.set(name, Experiment.fromJson(value));
    } catch (error) {
      args.onRefusedState(name, error);
    }
  }
  state.restored = true;
  for (const experiment of experiments.values()) if (experiment.state === 'running') publish(state, experiment);
  for (const slot of args.board.slots()) {
    const running = slot.experiment && experiments.get(slot.experiment.id);
    if (running?.state !== 'running') slot.experiment = undefined;
  }
}
