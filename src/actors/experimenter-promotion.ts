/** A variant becomes the pool's policy, and back. */
import type { ExperimentOutcome, PromoteVariant, RollBackExperiment } from './experiment-messages.ts';
import { promotedPatch } from './experimenter-publish.ts';
import { end, refused, type State, saved } from './experimenter-state.ts';

export async function promote(state: State, message: PromoteVariant): Promise<ExperimentOutcome> {
  const { args, experiments } = state;
  const { name, by } = message;
  const experiment = experiments.get(name);
  if (experiment === undefined) return refused(`there is no experiment "${name}"`);
  if (experiment.promotion !== undefined && experiment.promotion.rolledBackAtMs === undefined) {
    return refused(`"${experiment.promotion.variant}" of it was promoted already`);
  }
  const winner = message.variant ?? experiment.report().verdict.winner;
  if (winner === undefined) return refused('it has no winner: name the variant');
  const { pool, variants } = experiment.definition;
  const variant = variants.find((each) => each.name === winner);
  if (variant === undefined) return refused(`the experiment has no variant "${winner}"`);
  const own = args.patches.get(name)?.get(winner);
  if (variant.difference.type === 'policy' && variant.difference.hasRules && own === undefined) {
    return refused(`the custom rules of "${winner}" are code that this process has not been given`);
  }
  const patch = promotedPatch(variant, own);
  if (patch !== undefined) {
    const previousVersion = args.board.slot(pool)?.policy.version ?? 0;
    const why = message.why ?? `variant "${winner}" of the experiment "${name}"`;
    const outcome = await args.updatePolicy(pool, patch, { by, why });
    if (outcome.type === 'refused') return { type: 'bad_policy', error: outcome.error };
    if (outcome.type === 'unknown_pool') return refused(`there is no pool ${pool}`);
    const { version } = outcome.version;
    experiment.promotion = { variant: winner, version, previousVersion, atMs: args.nowMs(), rolledBackAtMs: undefined };
  }
  if (experiment.state !== 'stopped') end(state, experiment, `"${winner}" was promoted`);
  return saved(state, experiment);
}

export async function rollBack(state: State, { name, by, why }: RollBackExperiment): Promise<ExperimentOutcome> {
  const { args, experiments } = state;
  const experiment = experiments.get(name);
  if (experiment === undefined) return refused(`there is no experiment "${name}"`);
  const { promotion } = experiment;
  const { pool } = experiment.definition;
  if (promotion === undefined || promotion.rolledBackAtMs !== undefined) {
    if (experiment.state === 'stopped') return refused('nothing of it is in force');
    end(state, experiment, why ?? 'rolled back');
    return saved(state, experiment);
  }
  const version = args.board.slot(pool)?.policy.version;
  if (version !== promotion.version) {
    return refused(
      `the policy has changed since (version ${version}, promoted was ${promotion.version}): runtime.policies.rollback(pool, version) goes back to any`,
    );
  }
  const note = { by, why: why ?? `back to before the experiment "${name}"` };
  const outcome = await args.rollBackPolicy(pool, promotion.previousVersion, note);
  if (outcome.type === 'refused') return { type: 'bad_policy', error: outcome.error };
  if (outcome.type === 'impossible') return refused(outcome.reason);
  if (outcome.type === 'unknown_pool') return refused(`there is no pool ${pool}`);
  experiment.promotion = { ...promotion, rolledBackAtMs: args.nowMs() };
  args.onEvent(pool, `experiment "${name}": "${promotion.variant}" was rolled back`);
  return saved(state, experiment);
}
