/** Step 7: now and then the other lane, so that what is believed stays true; less often the dearer it is believed to be. */
import type { Goal } from '../config/types.ts';
import { chooseLane } from '../learning/exploration.ts';
import type { CostModelSnapshot, LaneComparison } from '../learning/types.ts';
import { isSane } from './estimate.ts';
import type { Method } from './types.ts';

/** Expected relative loss at which a trial is made half as often as the configured rate says. */
const HALF_AT_LOSS = 0.5;
/** Share of the rate that is left however dear the other lane seems: estimates that weigh by propensity need it above 0. */
const FLOOR = 0.01;
/** Where the choice goes against a narrow belief (margin, pressure), the lanes count as even. */
const EVEN = 1e-9;

/**
 * Probability of taking the other lane where too little is known to follow estimates: the rate, divided by 1 + (loss / 0.5)^2, where loss is
 * the expected relative extra time of the other lane (inverse gap weighting, Foster and Rakhlin, ICML 2020, with a squared gap).
 */
export function blindProbability(rate: number, chosen: Method, comparison: LaneComparison | undefined): number {
  if (!(rate > 0)) return 0;
  if (comparison === undefined || !isSane(comparison)) return rate;
  const logLoss = chosen === 'zero_copy' ? comparison.logRatio : -comparison.logRatio;
  if (logLoss <= 0) return rate;
  const loss = Math.expm1(Math.min(logLoss, 10)) / HALF_AT_LOSS;
  return rate * Math.max(FLOOR, 1 / (1 + loss * loss));
}

/** Probability of taking the other lane where estimates decide: `learning/exploration.ts`, within the learner's limits. */
export function informedProbability(
  rate: number,
  goal: Goal,
  chosen: Method,
  comparison: LaneComparison,
  learner: CostModelSnapshot | undefined,
): number {
  if (!(rate > 0)) return 0;
  const limits = learner?.explorationLimits?.();
  const aboutTotalTime = goal === 'maximize_throughput' || goal === 'balanced';
  const dearer = Math.max(comparison.grpc.meanLatencyUs, comparison.zeroCopy.meanLatencyUs);
  const affordable = !aboutTotalTime || limits === undefined || dearer <= limits.meanLatencyUs;
  const { logRatio, logRatioStandardError } = comparison;
  // chooseLane draws; with a draw that never explores it only says how probable the greedy lane is.
  return (
    1 -
    chooseLane({
      logRatio: chosen === 'zero_copy' ? Math.max(logRatio, EVEN) : Math.min(logRatio, -EVEN),
      logRatioStandardError,
      explorationRate: rate,
      allowed: (limits?.mayExplore ?? true) && affordable,
      random: 1,
    }).propensity
  );
}
