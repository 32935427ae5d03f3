/** What the learner knows of a pool. Mutable on purpose: it belongs to one actor alone. */
import { comparedBy } from '../decision/objective.ts';
import type { BoostedModel } from '../learning/boosted-model.ts';
import { type DriftAlarm, DriftMonitor } from '../learning/drift.ts';
import { LiveEvidence } from '../learning/live-evidence.ts';
import type { ModelVersion } from '../learning/model-version.ts';
import { LEVEL_CONFIDENCES, levelOf, type RolloutState } from '../learning/rollout.ts';
import type { CostModelSnapshot } from '../learning/types.ts';
import type { PoolSlot } from '../snapshots.ts';
import type { TimedStep, TrainingOutcome } from './learner-messages.ts';

/** The model that is published. */
export interface Serving {
  readonly version: ModelVersion;
  readonly model: BoostedModel;
  readonly buffer: ArrayBuffer;
}

export interface Evidence {
  sinceStep: LiveEvidence;
  recent: LiveEvidence;
}

export interface PoolLearner {
  readonly pool: string;
  /** Ascending. */
  versions: ModelVersion[];
  nextVersion: number;
  pinned: number | undefined;
  serving: Serving | undefined;
  rollout: RolloutState;
  evidence: Evidence;
  statistic: 'median' | 'mean';
  steps: TimedStep[];
  /** What the cost model said before the batch at hand. */
  basis: CostModelSnapshot | undefined;
  /** As it was told last. */
  mayExplore: boolean;
  budgetToldAtMs: number;
  drift: DriftMonitor;
  driftAlarms: number;
  alarms: DriftAlarm[];
  /** A drift was seen that no training has followed yet. */
  drifted: boolean;
  /** When the error of predictions last drifted: what was recorded before tells of another machine. */
  regimeFromMs: number | undefined;
  sinceRegime: number;
  /** Trainings that drift may still ask for; filled up with time. */
  driftTokens: number;
  tokensAtMs: number;
  /** Successes since this learner started, or last trained. */
  samples: number;
  trainings: number;
  lastOutcome: TrainingOutcome['type'] | undefined;
  lastTrainingAtMs: number | undefined;
  /** Trainings that failed since the last that did not; until `notBeforeMs` none is asked for. */
  failures: number;
  notBeforeMs: number;
  /** Counts up when all models are forgotten: what was being trained then is not wanted any more. */
  generation: number;
  /** Not everything that matters is stored. */
  dirty: boolean;
}

/** Trainings in a row that drift may ask for. */
export const DRIFT_TOKENS = 3;
const STEPS_KEPT = 32;
const ALARMS_KEPT = 32;

export function newPoolLearner(pool: string, slot: PoolSlot | undefined): PoolLearner {
  const statistic = statisticOf(slot);
  return {
    pool,
    versions: [],
    nextVersion: 1,
    pinned: undefined,
    serving: undefined,
    rollout: { level: 0, demotions: 0 },
    evidence: newEvidence(statistic),
    statistic,
    steps: [],
    basis: undefined,
    mayExplore: true,
    budgetToldAtMs: Number.NEGATIVE_INFINITY,
    drift: new DriftMonitor(),
    driftAlarms: 0,
    alarms: [],
    drifted: false,
    regimeFromMs: undefined,
    sinceRegime: 0,
    driftTokens: DRIFT_TOKENS,
    tokensAtMs: 0,
    samples: 0,
    trainings: 0,
    lastOutcome: undefined,
    lastTrainingAtMs: undefined,
    failures: 0,
    notBeforeMs: 0,
    generation: 0,
    dirty: false,
  };
}

export function statisticOf(slot: PoolSlot | undefined): 'median' | 'mean' {
  return slot === undefined ? 'median' : comparedBy(slot.policy.goal);
}

export function newEvidence(statistic: 'median' | 'mean'): Evidence {
  return {
    sinceStep: new LiveEvidence(statistic, LEVEL_CONFIDENCES),
    recent: new LiveEvidence(statistic, LEVEL_CONFIDENCES),
  };
}

export function noteStep(own: PoolLearner, step: TimedStep): void {
  own.steps.push(step);
  if (own.steps.length > STEPS_KEPT) own.steps.shift();
  own.dirty = true;
}

export function noteAlarm(own: PoolLearner, alarm: DriftAlarm): void {
  own.driftAlarms += 1;
  own.alarms.push(alarm);
  if (own.alarms.length > ALARMS_KEPT) own.alarms.shift();
}

/**
 * Lets decisions read what the learner has: the model on the cost model of the moment, and how far it may steer. Each publication takes the cost model's
 * present snapshot, on which the trees stand.
 */
export function publish(slot: PoolSlot, own: PoolLearner): void {
  const { serving } = own;
  if (serving === undefined) {
    slot.model = undefined;
    slot.rolloutStage = 'observe';
    slot.requiredConfidence = 1;
    return;
  }
  const { stage, requiredConfidence } = levelOf(own.rollout);
  if (slot.costModel) slot.model = serving.model.snapshot(slot.costModel, requiredConfidence);
  slot.rolloutStage = stage;
  slot.requiredConfidence = requiredConfidence;
}
