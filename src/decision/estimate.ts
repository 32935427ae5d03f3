/**
 * Both lanes' expected cost for one request, from whatever learned most: the model where it may serve, else the cost model.
 */
import type { CostModelSnapshot, Features, LatencyEstimate } from '../learning/types.ts';
import { normalCdf } from './normal.ts';
import type { PoolSnapshot } from './types.ts';

/** Both estimates side by side, and how sure their order is. */
export class Comparison {
  readonly source: 'model' | 'cost_model';
  readonly grpc: LatencyEstimate;
  readonly zeroCopy: LatencyEstimate;
  /** Natural log of gRPC's median over zero-copy's: positive where zero-copy is faster. */
  readonly logRatio: number;
  readonly logRatioStandardError: number;

  constructor(source: 'model' | 'cost_model', learner: CostModelSnapshot, features: Features) {
    this.source = source;
    const joint = learner.compare?.(features);
    this.grpc = joint?.grpc ?? learner.estimate('grpc', features);
    this.zeroCopy = joint?.zeroCopy ?? learner.estimate('zero_copy', features);
    this.logRatio = joint?.logRatio ?? Math.log(this.grpc.latencyUs / this.zeroCopy.latencyUs);
    this.logRatioStandardError =
      joint?.logRatioStandardError ?? Math.hypot(this.grpc.standardError, this.zeroCopy.standardError);
  }

  /** Records behind the lane that is known less, weighted by recency. */
  get effectiveSamples(): number {
    return Math.min(this.grpc.effectiveSamples, this.zeroCopy.effectiveSamples);
  }

  /** Finite and positive: a learner that says anything else is not followed. */
  get sane(): boolean {
    return this.grpc.latencyUs > 0 && this.zeroCopy.latencyUs > 0 && Number.isFinite(this.logRatio);
  }
}

/** Records that the lane known less must have before its estimate outweighs the configured threshold. */
export const MINIMUM_SAMPLES = 8;

/**
 * The comparison that may decide, or undefined where too little is known. The model serves if it states the confidence that the rollout
 * stage asks for; `confidence` is that of the order of the lanes.
 */
export function compareLanes(pool: PoolSnapshot, features: Features): Comparison | undefined {
  if (!pool.policy.learningEnabled || pool.mode !== 'enabled') return undefined;
  const { model, costModel } = pool;
  if (model !== undefined && pool.rolloutStage !== 'observe') {
    const byModel = new Comparison('model', model, features);
    if (byModel.sane && orderConfidence(byModel) >= model.requiredConfidence) return byModel;
  }
  return costModel === undefined ? undefined : new Comparison('cost_model', costModel, features);
}

/** Enough is known about both lanes to follow the comparison instead of the threshold. */
export function isReliable(comparison: Comparison): boolean {
  return comparison.sane && (comparison.source === 'model' || comparison.effectiveSamples >= MINIMUM_SAMPLES);
}

/**
 * How sure it is which lane has the lower median, 0.5..1: the normal distribution function of |log ratio| over its standard error
 * (both log medians being estimates with normal errors).
 */
export function orderConfidence(comparison: Comparison): number {
  const { logRatio, logRatioStandardError } = comparison;
  if (!(logRatioStandardError > 0)) return logRatio === 0 ? 0.5 : 1;
  // The logistic curve with the same slope at 0 would do too; this one has a source and costs 20 ns.
  return normalCdf(Math.abs(logRatio) / logRatioStandardError);
}
