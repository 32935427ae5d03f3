/** A pool as it would be under another policy: what a dry run decides by. */
import type { PoolConfig } from '../config/types.ts';
import { lowerStage } from '../learning/rollout.ts';
import type { PolicySnapshot, PoolSnapshot, Threshold, ThresholdsSnapshot } from './types.ts';

/**
 * Everything that was learned stays as it is; what follows from the policy follows at once. What only time would bring is left out: a model that a
 * higher stage lets climb, thresholds that learning would move.
 *
 * @param before the pool's configuration in force
 * @param after the one to try
 * @param policy the snapshot of `after`, with its rules
 */
export function candidateSnapshot(
  pool: PoolSnapshot,
  before: PoolConfig,
  after: PoolConfig,
  policy: PolicySnapshot,
): PoolSnapshot {
  return {
    ...pool,
    policy,
    limits: after.limits,
    rolloutStage: lowerStage(pool.rolloutStage, after.rolloutStage),
    thresholds: thresholdsUnder(pool.thresholds, before, after),
  };
}

/** As the threshold manager does it: a new base starts anew, new bounds clamp. */
function thresholdsUnder(thresholds: ThresholdsSnapshot, before: PoolConfig, after: PoolConfig): ThresholdsSnapshot {
  const { minimumThreshold, maximumThreshold } = after.limits;
  const within = (threshold: Threshold): Threshold => {
    const { base, adjustmentFactor, resourceFactor } = threshold;
    const bytes = base * adjustmentFactor * resourceFactor;
    return { ...threshold, final: Math.round(Math.max(minimumThreshold, Math.min(maximumThreshold, bytes))) };
  };
  const anew = before.zeroCopyThreshold !== after.zeroCopyThreshold;
  const { resourceFactor } = thresholds.default;
  const first = { base: after.zeroCopyThreshold, adjustmentFactor: 1, resourceFactor, final: 0 };
  const own = anew ? [] : [...thresholds.byDataType];
  // Where nothing was learned about it, it is the configured one.
  const sunk = thresholds.quickPathMinimum !== before.limits.minimumThreshold;
  return {
    default: within(anew ? first : thresholds.default),
    byDataType: new Map(own.map(([dataType, threshold]) => [dataType, within(threshold)])),
    quickPathMinimum: sunk ? Math.min(thresholds.quickPathMinimum, minimumThreshold) : minimumThreshold,
  };
}
