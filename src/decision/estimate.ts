/**
 * Both lanes' expected cost for one request, from whatever learned most: the model where it may serve, else the cost model.
 */
import { normalCdf } from '../learning/exploration.ts';
import type { CostModelSnapshot, Features, LaneComparison } from '../learning/types.ts';
import type { PoolSnapshot } from './types.ts';

export type EstimateSource = 'model' | 'cost_model';

/** What a learner says of both lanes, side by side. */
export function compareBy(learner: CostModelSnapshot, features: Features): LaneComparison {
  if (learner.compare !== undefined) return learner.compare(features);
  const grpc = learner.estimate('grpc', features);
  const zeroCopy = learner.estimate('zero_copy', features);
  return {
    grpc,
    zeroCopy,
    logRatio: Math.log(grpc.latencyUs / zeroCopy.latencyUs),
    logRatioStandardError: Math.hypot(grpc.standardError, zeroCopy.standardError),
  };
}

/** Finite and positive: a learner that says anything else is not followed. */
export function isSane({ grpc, zeroCopy, logRatio }: LaneComparison): boolean {
  return grpc.latencyUs > 0 && zeroCopy.latencyUs > 0 && Number.isFinite(logRatio);
}

/** Records that the lane known less must have before its estimate outweighs the configured threshold. */
export const MINIMUM_SAMPLES = 8;

/** The trained model, where the rollout stage lets it serve and it is as sure of the order of the lanes as the stage asks for. */
export function compareByModel(pool: PoolSnapshot, features: Features): LaneComparison | undefined {
  const { model } = pool;
  if (model === undefined || pool.rolloutStage === 'observe') return undefined;
  const comparison = compareBy(model, features);
  return isSane(comparison) && orderConfidence(comparison) >= model.requiredConfidence ? comparison : undefined;
}

/** Enough is known about both lanes to follow the comparison instead of the threshold. */
export function isReliable(comparison: LaneComparison, source: EstimateSource): boolean {
  if (!isSane(comparison)) return false;
  const { grpc, zeroCopy } = comparison;
  return source === 'model' || Math.min(grpc.effectiveSamples, zeroCopy.effectiveSamples) >= MINIMUM_SAMPLES;
}

/**
 * How sure it is which lane has the lower median, 0.5..1: the normal distribution function of |log ratio| over its standard error
 * (both log medians being estimates with normal errors).
 */
export function orderConfidence(comparison: LaneComparison): number {
  const { logRatio, logRatioStandardError } = comparison;
  if (!(logRatioStandardError > 0)) return logRatio === 0 ? 0.5 : 1;
  return normalCdf(Math.abs(logRatio) / logRatioStandardError);
}
