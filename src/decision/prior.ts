/**
 * What a lane is expected to cost where nothing was learned: the cost model's form (`learning/cost-structure.ts`) with its prior's constants, by
 * data type, compression, warmth, load and transfers in flight. Not for the hot path: a decision without a learner follows thresholds.
 */
import { type CostPrior, DEFAULT_COST_PRIOR } from '../learning/cost-prior.ts';
import {
  expand,
  kindCosts,
  kindPrior,
  Linearization,
  linearize,
  SparseVector,
  sharedPrior,
} from '../learning/cost-structure.ts';
import type { Features, LaneComparison, LatencyEstimate } from '../learning/types.ts';
import type { Method } from './types.ts';

/** One lane by the prior alone. */
export function priorEstimate(
  method: Method,
  features: Features,
  prior: CostPrior = DEFAULT_COST_PRIOR,
): LatencyEstimate {
  const { latencyUs, gradient, variance } = evaluate(method, features, prior);
  return toEstimate(latencyUs, spread(gradient, variance));
}

/** Both lanes by the prior alone; what they share cancels in the doubt about their ratio. */
export function priorComparison(features: Features, prior: CostPrior = DEFAULT_COST_PRIOR): LaneComparison {
  const grpc = evaluate('grpc', features, prior);
  const zeroCopy = evaluate('zero_copy', features, prior);
  const difference = grpc.gradient.map((value, index) => value - (zeroCopy.gradient[index] ?? 0));
  return {
    grpc: toEstimate(grpc.latencyUs, spread(grpc.gradient, grpc.variance)),
    zeroCopy: toEstimate(zeroCopy.latencyUs, spread(zeroCopy.gradient, zeroCopy.variance)),
    logRatio: Math.log(grpc.latencyUs / zeroCopy.latencyUs),
    logRatioStandardError: Math.sqrt(spread(difference, grpc.variance)),
  };
}

interface Evaluation {
  readonly latencyUs: number;
  /** d log latency / d parameter, over all parameters of the prior. */
  readonly gradient: Float64Array;
  readonly variance: Float64Array;
}

function evaluate(method: Method, features: Features, prior: CostPrior): Evaluation {
  const shared = sharedPrior(prior);
  const kind = kindPrior(prior, features.dataType);
  const theta = Float64Array.of(...shared.mean, ...kind.mean);
  const at = new Linearization();
  linearize(at, theta, kindCosts(theta, KIND_SLOT), method, features);
  const sparse = new SparseVector();
  expand(sparse, at, KIND_SLOT);
  const gradient = new Float64Array(theta.length);
  for (let i = 0; i < sparse.count; i += 1) {
    const index = sparse.index[i] ?? 0;
    gradient[index] = (gradient[index] ?? 0) + (sparse.value[i] ?? 0);
  }
  return { latencyUs: at.latencyUs, gradient, variance: Float64Array.of(...shared.variance, ...kind.variance) };
}

/** The one kind's block follows the shared parameters. */
const KIND_SLOT = 0;

/** Variance along a direction; the prior's parameters are independent. */
function spread(direction: Float64Array, variance: Float64Array): number {
  return direction.reduce((sum, value, index) => sum + value * value * (variance[index] ?? 0), 0);
}

/** Doubt raises an expectation no further than this variance does; as in the cost model. */
const MAX_DOUBT = 1;

function toEstimate(latencyUs: number, variance: number): LatencyEstimate {
  return {
    latencyUs,
    // Mean of a log-normal with the doubt's variance: the scatter of single transfers is not known yet.
    meanLatencyUs: latencyUs * Math.exp(Math.min(MAX_DOUBT, variance) / 2),
    standardError: Math.sqrt(variance),
    intervalUs: undefined,
    effectiveSamples: 0,
  };
}
