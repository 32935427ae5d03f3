/** What the learner makes of finished transfers: intervals that follow the present, drift, and evidence on which a model climbs or goes back. */
import type { DecisionReason } from '../decision/types.ts';
import { DriftMonitor } from '../learning/drift.ts';
import { advance, RECENT_ROWS, type RolloutMove, SINCE_STEP_ROWS, underCeiling } from '../learning/rollout.ts';
import type { CostModelSnapshot, Observation } from '../learning/types.ts';
import { toObservation } from '../metrics/observation.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { PoolSlot } from '../snapshots.ts';
import type { LearnerArgs } from './learner-messages.ts';
import { newEvidence, noteAlarm, noteStep, type PoolLearner, publish, statisticOf } from './learner-state.ts';

/** Rows between two looks at the evidence. */
const LOOK_EVERY_ROWS = 25;
/** A budget that is spent and recovers by turns is not told each time. */
const TELL_BUDGET_EVERY_MS = 60_000;
/** Lanes that estimates chose: the others would have been taken whatever a model says. */
const ESTIMATED: ReadonlySet<DecisionReason> = new Set([
  'model',
  'cost_model',
  'marginal_benefit',
  'threshold',
  'exploration',
]);

/** Learns from one pool's records. @returns whether a drift was seen */
export function observeRecords(
  args: LearnerArgs,
  own: PoolLearner,
  slot: PoolSlot,
  records: readonly TransferRecord[],
): boolean {
  if (!slot.policy.learningEnabled) return false;
  let drifted = false;
  own.basis ??= slot.costModel;
  const layer = own.basis && own.serving?.model.snapshot(own.basis);
  for (const record of records) {
    const observation = toObservation(record);
    if (observation === undefined) continue;
    own.samples += 1;
    own.sinceRegime += 1;
    if (layer) weigh(args, own, slot, record, observation, layer);
    if (args.driftDetection && watch(args, own, record, observation)) drifted = true;
  }
  own.basis = slot.costModel;
  followBudget(args, own, slot);
  followConfiguration(args, own, slot);
  publish(slot, own);
  return drifted;
}

/** The policy may have changed: its goal compares another statistic, its stage is another ceiling. */
export function followConfiguration(args: LearnerArgs, own: PoolLearner, slot: PoolSlot): void {
  const statistic = statisticOf(slot);
  if (statistic !== own.statistic) {
    own.statistic = statistic;
    own.evidence = newEvidence(statistic);
  }
  const move = own.serving && underCeiling(own.rollout, slot.config.rolloutStage);
  if (move) step(args, own, move);
}

export function step(args: LearnerArgs, own: PoolLearner, { state, step: taken }: RolloutMove): void {
  own.rollout = state;
  own.evidence = newEvidence(own.statistic);
  const timed = { ...taken, atMs: args.nowMs(), modelId: own.serving?.version.modelId };
  noteStep(own, timed);
  args.onStep(own.pool, timed);
}

/** Feeds what the transfer says of the serving model, and lets it climb or sends it back. */
function weigh(
  args: LearnerArgs,
  own: PoolLearner,
  slot: PoolSlot,
  record: TransferRecord,
  observation: Observation,
  snapshot: CostModelSnapshot,
): void {
  const { serving, basis, evidence } = own;
  if (serving === undefined || basis === undefined) return;
  serving.model.observe(observation, basis);
  const rules = basis.compare?.(observation);
  const layer = snapshot.compare?.(observation);
  if (rules === undefined || layer === undefined || record.fallback || !ESTIMATED.has(record.reason)) return;
  evidence.sinceStep.add(observation, rules, layer);
  evidence.recent.add(observation, rules, layer);
  if (evidence.recent.errorRows % LOOK_EVERY_ROWS === 0) {
    const move = advance(own.rollout, slot.config.rolloutStage, evidence);
    if (move) {
      step(args, own, move);
      return;
    }
  }
  const fresh = newEvidence(own.statistic);
  if (evidence.sinceStep.errorRows >= SINCE_STEP_ROWS) evidence.sinceStep = fresh.sinceStep;
  if (evidence.recent.errorRows >= RECENT_ROWS) evidence.recent = fresh.recent;
}

function watch(args: LearnerArgs, own: PoolLearner, record: TransferRecord, observation: Observation): boolean {
  if (record.predictedLatencyUs === undefined || record.explored) return false;
  const alarms = own.drift.update(observation, Math.log(record.latencyUs / record.predictedLatencyUs));
  for (const alarm of alarms) {
    noteAlarm(own, alarm);
    own.drifted = true;
    if (alarm.subject === 'error_grpc' || alarm.subject === 'error_zero_copy') {
      own.regimeFromMs = alarm.atMs;
      own.sinceRegime = 0;
    }
    // What was true before the change must not keep a model up, or down.
    own.evidence = newEvidence(own.statistic);
    args.onDrift(own.pool, alarm);
  }
  return alarms.length > 0;
}

/** The tests start anew: what drifted was trained on. */
export function rearm(own: PoolLearner): void {
  own.drift = new DriftMonitor();
  own.drifted = false;
}

/** Exploration stops where its budget of expected extra time is spent, and goes on when it has recovered: that is told. */
function followBudget(args: LearnerArgs, own: PoolLearner, slot: PoolSlot): void {
  const limits = slot.costModel?.explorationLimits?.();
  if (limits === undefined || limits.mayExplore === own.mayExplore) return;
  const nowMs = args.nowMs();
  if (nowMs - own.budgetToldAtMs < TELL_BUDGET_EVERY_MS) return;
  own.mayExplore = limits.mayExplore;
  own.budgetToldAtMs = nowMs;
  args.onExplorationBudget(own.pool, limits);
}
