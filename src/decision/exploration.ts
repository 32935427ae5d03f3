/**
 * Step 7, second half: now and then the other lane, so that what is believed stays true; less often the dearer it is believed to be.
 *
 * Nothing is tried where the lane was forced (a rule, an override, the quick path, pressure on a resource, an experiment, a lane that cannot
 * serve), where nobody would learn from it, or where the learner's budget of expected extra time is spent.
 */
import { chooseLane } from '../learning/exploration.ts';
import type { CostModelSnapshot, ExplorationLimits, LaneComparison } from '../learning/types.ts';
import { isSane, logRatioBy } from './estimate.ts';
import { comparedBy } from './objective.ts';
import type { DecisionReason, Method, PolicySnapshot } from './types.ts';

/** The lane that steps 4 to 6 chose, and why. */
export interface Choice {
  readonly method: Method;
  readonly reason: DecisionReason;
  /** Estimates were reliable enough to follow. */
  readonly informed: boolean;
  /** A resource left no choice. */
  readonly forced: boolean;
}

/** Expected relative loss at which a trial is made half as often as the configured rate says. */
const HALF_AT_LOSS = 0.5;
/** Share of the rate that is left however dear the other lane seems: estimates that weigh by propensity need it above 0. */
const FLOOR = 0.01;
/** No lane is tried more often than it is chosen, so that each keeps a propensity above 0. */
const MOST = 0.5;
/** Where the choice goes against a narrow belief (the margin), the lanes count as even. */
const EVEN = 1e-9;

/** Probability of taking the lane that was not chosen, 0..0.5. */
export function explorationProbability(
  choice: Choice,
  policy: PolicySnapshot,
  comparison: LaneComparison | undefined,
  learner: CostModelSnapshot | undefined,
): number {
  const rate = policy.explorationRate;
  if (!(rate > 0) || comparison === undefined || choice.forced || !isSane(comparison)) return 0;
  const logLoss = logLossOf(choice.method, policy, comparison);
  const limits = learner?.explorationLimits?.();
  if (logLoss > 0 && !isAffordable(choice.method, policy, comparison, limits)) return 0;
  const probability = choice.informed
    ? informedProbability(rate, logLoss, comparison.logRatioStandardError, limits?.floorScale ?? 1)
    : blindProbability(rate, logLoss);
  return Math.min(MOST, probability);
}

/** Log of what the other lane costs over the chosen one, by the goal's statistic; negative where it is believed to be the cheaper one. */
function logLossOf(chosen: Method, policy: PolicySnapshot, comparison: LaneComparison): number {
  const logRatio = logRatioBy(comparedBy(policy.goal), comparison);
  return chosen === 'zero_copy' ? logRatio : -logRatio;
}

/** Within the learner's budget; and where total time counts, not longer than the pool's mean transfer. */
function isAffordable(
  chosen: Method,
  policy: PolicySnapshot,
  { grpc, zeroCopy }: LaneComparison,
  limits: ExplorationLimits | undefined,
): boolean {
  if (limits === undefined) return true;
  const other = chosen === 'grpc' ? zeroCopy : grpc;
  return limits.mayExplore && (comparedBy(policy.goal) === 'median' || other.meanLatencyUs <= limits.meanLatencyUs);
}

/**
 * Where too little is known to follow estimates: the rate, divided by 1 + (loss / 0.5)^2, where loss is the expected relative extra time of
 * the other lane (inverse gap weighting, Foster and Rakhlin, ICML 2020, with a squared gap).
 */
function blindProbability(rate: number, logLoss: number): number {
  if (logLoss <= 0) return rate;
  const loss = Math.expm1(Math.min(logLoss, 10)) / HALF_AT_LOSS;
  return rate * Math.max(FLOOR, 1 / (1 + loss * loss));
}

/** Where estimates decide: as the doubt about the order of the lanes says (`learning/exploration.ts`). */
function informedProbability(rate: number, logLoss: number, logRatioStandardError: number, floorScale: number): number {
  // chooseLane draws; with a draw that never explores it only says how probable the greedy lane is.
  const { propensity } = chooseLane({
    logRatio: Math.max(logLoss, EVEN),
    logRatioStandardError,
    explorationRate: rate,
    floorScale,
    allowed: true,
    random: 1,
  });
  // Against the belief the other lane is the likelier one: it still gets no more than the rate.
  return logLoss > 0 ? 1 - propensity : Math.min(rate, 1 - propensity);
}
