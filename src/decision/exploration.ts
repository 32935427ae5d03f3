/** Step 7: now and then the other lane, so that what is believed of it stays true; less often the dearer it is believed to be. */
import type { Comparison } from './estimate.ts';
import type { Method } from './types.ts';

/** Expected relative loss at which a trial is made half as often as the configured rate says. */
const HALF_AT_LOSS = 0.5;
/** Share of the rate that is left however dear the other lane seems: estimates that weigh by propensity need it above 0. */
const FLOOR = 0.01;

/**
 * Probability of taking the other lane: the rate, divided by 1 + (loss / 0.5)^2, where loss is the expected relative extra time of the other
 * lane (inverse gap weighting, Foster and Rakhlin 2020, with a squared gap). Where nothing is known the rate itself.
 */
export function explorationProbability(rate: number, chosen: Method, comparison: Comparison | undefined): number {
  if (!(rate > 0)) return 0;
  if (comparison === undefined || !comparison.sane) return rate;
  const logLoss = chosen === 'zero_copy' ? comparison.logRatio : -comparison.logRatio;
  if (logLoss <= 0) return rate;
  const loss = (Math.exp(Math.min(logLoss, 10)) - 1) / HALF_AT_LOSS;
  return rate * Math.max(FLOOR, 1 / (1 + loss * loss));
}
