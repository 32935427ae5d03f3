/**
 * How far a trained model may steer, step by step, on evidence. Pure: a state and what was seen go in, a step or nothing comes out.
 *
 *   observe ──▶ confident 0.9 ──▶ 0.8 ──▶ 0.7 ──▶ 0.6 ──▶ adaptive 0.5        a number: confidence that a decision must have to follow the model
 *      ▲             │              │       │       │          │
 *      └─────────────┴──────────────┴───────┴───────┴──────────┘            surely worse, or surely less accurate: back to the rules at once
 *
 * - A model is published because it was surely better on held-out rows: with that evidence it enters at `confident`, or where the model stood that it
 *   replaces, which it has beaten there too.
 * - Each lower step needs live evidence since the last one: no worse by the estimate, and not worse by more than a margin with certainty.
 * - Back at `observe` it must be surely better in live traffic, over twice as many rows as the time before (hysteresis).
 * - The configured stage is the ceiling: `observe` keeps a model from ever steering.
 */
import type { Interval } from './confidence-sequence.ts';
import type { StageEvidence } from './live-evidence.ts';

export type Stage = 'observe' | 'confident' | 'adaptive';

export interface Level {
  readonly stage: Stage;
  readonly requiredConfidence: number;
}

/** In order; a level is a place in it. */
export const LEVELS: readonly Level[] = [
  { stage: 'observe', requiredConfidence: 1 },
  { stage: 'confident', requiredConfidence: 0.9 },
  { stage: 'confident', requiredConfidence: 0.8 },
  { stage: 'confident', requiredConfidence: 0.7 },
  { stage: 'confident', requiredConfidence: 0.6 },
  { stage: 'adaptive', requiredConfidence: 0.5 },
];

const OBSERVE: Level = { stage: 'observe', requiredConfidence: 1 };
const ENTRY_LEVEL = 1;
/** What each level's evidence is kept for. */
export const LEVEL_CONFIDENCES: readonly number[] = LEVELS.slice(ENTRY_LEVEL).map((level) => level.requiredConfidence);

export interface RolloutState {
  readonly level: number;
  /** How often this model was sent back: each time doubles what it must show. */
  readonly demotions: number;
}

export interface RolloutStep {
  readonly from: Level;
  readonly to: Level;
  readonly direction: 'up' | 'down';
  readonly cause:
    | 'held_out'
    | 'live_better'
    | 'live_no_worse'
    | 'live_worse'
    | 'less_accurate'
    | 'ceiling'
    | 'operator';
  /** One line, with figures. */
  readonly evidence: string;
}

export interface RolloutMove {
  readonly state: RolloutState;
  readonly step: RolloutStep;
}

/** What live traffic has shown, over two spans: what is true now must not be hidden by what was true long ago. */
export interface RolloutEvidence {
  /** Since the last step, at most `SINCE_STEP_ROWS`: what steps up are taken on; it sends a model back too. */
  readonly sinceStep: StageEvidence;
  /** The newest of it, at most `RECENT_ROWS`: sends a model back that has become worse. */
  readonly recent: StageEvidence;
}

export const SINCE_STEP_ROWS = 20_000;
export const RECENT_ROWS = 1_000;

/** Rows with something to say before a step up. */
const ROWS_UP = 200;
const MAX_ROWS_UP = 8_000;
/** A step up is taken if following the model further is surely not dearer than the rules by more than this share. */
const NO_WORSE = 0.02;
/** A model is sent back if its mean absolute log error is surely larger than the cost model's by more than this: 2 %. */
const LESS_ACCURATE = 0.02;

export function levelOf(state: RolloutState): Level {
  return LEVELS[state.level] ?? OBSERVE;
}

/** The highest level that a configured stage allows. */
export function ceilingOf(stage: Stage): number {
  return LEVELS.findLastIndex((level) => level.stage === stage);
}

/** The lower one of two stages. */
export function lowerStage(left: Stage, right: Stage): Stage {
  return ceilingOf(left) <= ceilingOf(right) ? left : right;
}

/**
 * A model that begins to serve.
 *
 * @param evidence that of the held-out rows, or the operator's word
 * @param before where the model stood that it replaces
 */
export function enter(
  ceiling: Stage,
  cause: 'held_out' | 'operator',
  evidence: string,
  before?: RolloutState,
): { readonly state: RolloutState; readonly step: RolloutStep | undefined } {
  const level = Math.min(Math.max(ENTRY_LEVEL, before?.level ?? 0), ceilingOf(ceiling));
  const state = { level, demotions: 0 };
  const from = before ?? { level: 0, demotions: 0 };
  if (level <= from.level) return { state, step: undefined };
  return { state, step: { from: levelOf(from), to: levelOf(state), direction: 'up', cause, evidence } };
}

/** What the evidence so far asks for; undefined: stay. */
export function advance(state: RolloutState, ceiling: Stage, evidence: RolloutEvidence): RolloutMove | undefined {
  return (
    underCeiling(state, ceiling) ??
    down(state, evidence.recent) ??
    down(state, evidence.sinceStep) ??
    up(state, ceiling, evidence.sinceStep)
  );
}

/** The configured stage was lowered: that holds at once. */
export function underCeiling(state: RolloutState, ceiling: Stage): RolloutMove | undefined {
  const highest = ceilingOf(ceiling);
  if (state.level <= highest) return undefined;
  return move(state, { ...state, level: highest }, 'ceiling', `the configured stage is ${ceiling}`);
}

function down(state: RolloutState, evidence: StageEvidence): RolloutMove | undefined {
  if (state.level === 0) return undefined;
  const back = { level: 0, demotions: state.demotions + 1 };
  const served = evidence.at(levelOf(state).requiredConfidence);
  if (served.low > 0) return move(state, back, 'live_worse', told(evidence, served, 'cost against the rules'));
  const { accuracy } = evidence;
  if (accuracy.low <= LESS_ACCURATE) return undefined;
  return move(state, back, 'less_accurate', told(evidence, accuracy, 'log error beyond the cost model’s'));
}

function up(state: RolloutState, ceiling: Stage, evidence: StageEvidence): RolloutMove | undefined {
  const to = LEVELS[state.level + 1];
  if (to === undefined || state.level >= ceilingOf(ceiling)) return undefined;
  if (evidence.rows < Math.min(MAX_ROWS_UP, ROWS_UP * 2 ** state.demotions)) return undefined;
  if (evidence.accuracy.low > 0) return undefined;
  const next = evidence.at(to.requiredConfidence);
  const higher = { ...state, level: state.level + 1 };
  const line = told(evidence, next, 'cost against the rules');
  // From the rules it must be better; a step further it must do no harm.
  if (state.level === 0) return next.high < 0 ? move(state, higher, 'live_better', line) : undefined;
  return next.mean <= 0 && next.high <= NO_WORSE ? move(state, higher, 'live_no_worse', line) : undefined;
}

function move(from: RolloutState, to: RolloutState, cause: RolloutStep['cause'], evidence: string): RolloutMove {
  const direction = to.level > from.level ? 'up' : 'down';
  return { state: to, step: { from: levelOf(from), to: levelOf(to), direction, cause, evidence } };
}

function told({ rows, disagreement }: StageEvidence, { mean, low, high }: Interval, what: string): string {
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const other = `they differ in ${percent(disagreement)}`;
  return `${what} ${percent(mean)} (${percent(low)} .. ${percent(high)}) over ${rows} transfers, ${other}`;
}
