/**
 * Both lanes' expected cost for one request, from whatever learned most: the model where it may serve, else the cost model; and how sure it is.
 */
import { normalCdf } from '../learning/exploration.ts';
import type { CostModelSnapshot, Features, LaneComparison } from '../learning/types.ts';
import type { ComparedStatistic, Method, PoolSnapshot } from './types.ts';

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
    logRatioStandardError: Math.sqrt(grpc.standardError ** 2 + zeroCopy.standardError ** 2),
  };
}

/** Finite and positive: a learner that says anything else is not followed. */
export function isSane({ grpc, zeroCopy, logRatio, logRatioStandardError }: LaneComparison): boolean {
  return (
    grpc.latencyUs > 0 &&
    zeroCopy.latencyUs > 0 &&
    grpc.meanLatencyUs > 0 &&
    zeroCopy.meanLatencyUs > 0 &&
    grpc.meanLatencyUs < Number.POSITIVE_INFINITY &&
    zeroCopy.meanLatencyUs < Number.POSITIVE_INFINITY &&
    Number.isFinite(logRatio) &&
    logRatioStandardError >= 0
  );
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

/** Log of gRPC's cost over zero-copy's, by one statistic: positive where zero-copy is the faster one. */
export function logRatioBy(statistic: ComparedStatistic, { grpc, zeroCopy, logRatio }: LaneComparison): number {
  return statistic === 'mean' ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : logRatio;
}

/**
 * Probability that `method` is the faster lane, 0..1: both log latencies are estimates with normal errors, so it is the normal distribution
 * function of ±log(gRPC / zero-copy) over the standard error of that ratio. The scatter of single transfers is not in it: it says how sure it
 * is which lane is better, not how often the other one wins by luck.
 */
export function laneConfidence(method: Method, comparison: LaneComparison, statistic: ComparedStatistic): number {
  const logRatio = logRatioBy(statistic, comparison);
  return confidenceAt(method === 'zero_copy' ? logRatio : -logRatio, comparison.logRatioStandardError);
}

/** How sure it is which lane has the lower median, 0.5..1. */
export function orderConfidence({ logRatio, logRatioStandardError }: LaneComparison): number {
  return confidenceAt(Math.abs(logRatio), logRatioStandardError);
}

function confidenceAt(logRatio: number, standardError: number): number {
  if (standardError > 0) return normalCdf(logRatio / standardError);
  if (standardError !== 0 || !(Math.abs(logRatio) > 0)) return 0.5;
  return logRatio > 0 ? 1 : 0;
}
