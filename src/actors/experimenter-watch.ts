/** What the experimenter looks at each second. */
import type { Experiment } from '../metrics/analysis/experiment/experiment.ts';
import { metricName, percent } from '../metrics/analysis/experiment/words.ts';
import { end, publish, type State, saved } from './experimenter-state.ts';

const HOUR_MS = 3_600_000;

/** Looks at what runs: guardrails, verdicts, the split itself, time. */
export function assess(state: State): void {
  for (const experiment of state.experiments.values()) {
    if (experiment.state !== 'running') continue;
    // A pool that requests create may come after the restart; a crash of the controller makes no new slot.
    if (state.args.board.slot(experiment.definition.pool)?.experiment?.id !== experiment.name)
      publish(state, experiment);
    if (!state.unseen.delete(experiment.name) && experiment.definition.maximumHours === undefined) continue;
    experiment.note();
    const over = stopHarm(state, experiment) || stopInTime(state, experiment);
    if (over) saved(state, experiment);
  }
}

function stopHarm(state: State, experiment: Experiment): boolean {
  const breach = experiment.breach();
  if (breach === undefined) return false;
  const { name, definition } = experiment;
  const what = metricName(breach.metric);
  const why = `guardrail: ${what} of "${breach.variant}" is ${percent(breach.change)} (surely above ${percent(breach.low)}), allowed are ${percent(breach.limit)}`;
  end(state, experiment, why);
  state.args.raise({
    key: `experiment_guardrail:${name}`,
    kind: 'experiment_guardrail',
    severity: 'critical',
    pool: definition.pool,
    message: `pool ${definition.pool}: the experiment "${name}" was stopped, ${why}. All traffic is back under the pool's policy.`,
    comparison: {
      variant: breach.variant,
      metric: breach.metric,
      change: breach.change,
      low: breach.low,
      limit: breach.limit,
    },
    likelyCause: `what the variant "${breach.variant}" does otherwise`,
    lookAt: `runtime.experiments.report('${name}')`,
  });
  return true;
}

function stopInTime(state: State, experiment: Experiment): boolean {
  const { definition, startedAtMs, name } = experiment;
  const { verdict } = experiment.report();
  if (verdict.type === 'invalid') {
    state.args.raise({
      key: `experiment_sample_ratio:${name}`,
      kind: 'experiment_sample_ratio',
      severity: 'warning',
      pool: definition.pool,
      message: `pool ${definition.pool}: the variants of the experiment "${name}" do not get the traffic that its split says. Its comparison means nothing until it is known why.`,
      likelyCause: 'transfers of one variant that are never reported, such as those that time out or crash the worker',
      lookAt: `runtime.experiments.report('${name}'), and refusals.unrecordedDecisions`,
    });
  }
  const { maximumHours } = definition;
  if (maximumHours !== undefined && state.args.nowMs() - startedAtMs >= maximumHours * HOUR_MS) {
    end(state, experiment, `its ${maximumHours} hours are over. ${verdict.text}`);
    return true;
  }
  if (!definition.stopOnVerdict || verdict.winner === undefined) return false;
  end(state, experiment, verdict.text);
  return true;
}
