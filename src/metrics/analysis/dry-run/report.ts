/** From a dry run to its report: the effect with its interval, and what cannot be known. */
import { type LoggedChoice, offPolicySteps } from '../experiment/off-policy.ts';
import type { DryRun } from './dry-run.ts';
import type { EffectRow } from './effect-row.ts';
import type { DryRunEffect, DryRunReport, LatencyChange } from './types.ts';

export interface ReportContext {
  readonly pool: string;
  readonly version: number;
  readonly ruleProblems: DryRunReport['ruleProblems'];
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** In steps of about a millisecond each. */
export function* dryRunReport(run: DryRun, context: ReportContext): Generator<undefined, DryRunReport, undefined> {
  const effect = yield* effectOf(run.rows, context.random);
  const { records, replayed, toZeroCopy, toGrpc, fromMs, toMs, measurable, forced } = run;
  return {
    pool: context.pool,
    version: context.version,
    changes: run.changes,
    ...{ records, replayed, skipped: Object.fromEntries(run.skipped), fromMs, toMs },
    ...{ changed: toZeroCopy + toGrpc, toZeroCopy, toGrpc },
    reasons: Object.fromEntries(run.reasons),
    kinds: run.kinds.list(),
    effect,
    support: { measurable, forced },
    agreement: run.comparable > 0 ? run.agreed / run.comparable : undefined,
    ruleProblems: context.ruleProblems,
    caveats: caveatsOf(run, effect, context),
  };
}

/** Rows of which nothing is known, neither measured nor modelled, are left out: the effect is then that of the others. */
function* effectOf(
  all: readonly EffectRow[],
  random: () => number,
): Generator<undefined, DryRunEffect | undefined, undefined> {
  const rows = all.filter(({ changes, drawn, modelled }) => !changes || drawn || modelled);
  const changing = rows.filter(({ changes }) => changes);
  if (changing.length === 0) return undefined;
  yield;
  const measured = changing.filter(({ drawn }) => drawn).length;
  const log = yield* offPolicySteps(completed(rows.map((row) => row.log)), { random });
  yield;
  const total = yield* offPolicySteps(completed(rows.map((row) => row.total)), { random });
  const currentUs = rows.reduce((sum, row) => sum + row.currentUs, 0) / rows.length;
  const { value, interval } = total.doublyRobust;
  return {
    basis: measured === changing.length ? 'measured' : measured > 0 ? 'partly_modelled' : 'modelled',
    perTransfer: mapChange(log.doublyRobust, Math.expm1),
    totalTime: mapChange(total.doublyRobust, (us) => us / currentUs),
    meanLatencyUs: { value, interval },
  };
}

/** Where nothing is expected of the lanes, the mean of all stands in: it cancels, but for what was measured. */
function completed(choices: readonly LoggedChoice[]): readonly LoggedChoice[] {
  const mean = choices.reduce((sum, { cost }) => sum + cost, 0) / choices.length;
  return choices.map((choice) =>
    choice.estimatedCost === undefined ? { ...choice, estimatedCost: mean, estimatedTargetCost: 0 } : choice,
  );
}

function mapChange({ value, interval }: LatencyChange, map: (value: number) => number): LatencyChange {
  return { value: map(value), interval: [map(interval[0]), map(interval[1])] };
}

/** Rows that change below which a bootstrap is hopeful. */
const FEW = 100;
/** Share of the recorded decisions made again below which the records are of another time. */
const LITTLE_AGREEMENT = 0.8;

function caveatsOf(run: DryRun, effect: DryRunEffect | undefined, { ruleProblems }: ReportContext): string[] {
  const { measurable, forced, replayed, memoryPressure, comparable, agreed, candidate, current } = run;
  const caveats: string[] = [];
  if (replayed === 0) caveats.push('no record could be decided again: nothing is known');
  if (forced > 0) {
    const which = `${forced} of the ${measurable + forced} changed decisions were forced when they were recorded (propensity 1): what the other lane would have taken was never measured`;
    const stands = run.rows.some(({ changes, drawn, modelled }) => changes && !drawn && modelled);
    caveats.push(
      `${which}${stands ? '; the cost model’s estimate stands for it, and the interval does not know how wrong that is' : ' and is not in the effect'}`,
    );
  }
  const changing = run.rows.filter(({ changes, drawn }) => changes && drawn).length;
  if (effect !== undefined && effect.basis !== 'modelled' && changing < FEW) {
    caveats.push(
      `the effect rests on ${changing} measured transfers whose decision changes: its interval is hopeful below ${FEW}`,
    );
  }
  if (effect !== undefined)
    caveats.push('estimates are of the cost model as it is today, which has learned from these transfers too');
  if (comparable > 0 && agreed / comparable < LITTLE_AGREEMENT) {
    const share = ((100 * agreed) / comparable).toFixed(0);
    caveats.push(
      `the policy in force would repeat ${share} % of the recorded decisions: the records are of another time, or of another policy`,
    );
  }
  if (candidate.policy.rules.length + current.policy.rules.length > 0) {
    caveats.push('custom rules saw requests without attributes and sessions, which are not recorded');
  }
  if (ruleProblems.length > 0) caveats.push('a custom rule failed and was left out from then on, as it would be');
  if (memoryPressure > 0)
    caveats.push('the load of memory is not recorded: it was taken to be high where it decided, and unknown elsewhere');
  if (run.changes.some(({ path }) => path === 'rolloutStage' || path === 'learningEnabled')) {
    caveats.push('what is learned after the change (a model that climbs, thresholds that move) is not in it');
  }
  return caveats;
}
