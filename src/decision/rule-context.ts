import type { CostModelSnapshot, LatencyEstimate } from '../learning/types.ts';
import type { Flow } from './flow.ts';
import { methodCosts } from './method-costs.ts';
import type { Method, MethodEstimate, RuleContext } from './types.ts';

/** What custom rules see of a decision on its way. Frozen: a rule that writes to it throws, and is disabled for that. */
export function ruleContext(flow: Flow): RuleContext {
  return Object.freeze({
    request: Object.freeze({ ...flow.request }),
    warmth: flow.warmth,
    thresholdBytes: flow.threshold.final,
    resources: flow.resources,
    estimates: Object.freeze({ zero_copy: estimateOf(flow, 'zero_copy'), grpc: estimateOf(flow, 'grpc') }),
  });
}

function estimateOf(flow: Flow, method: Method): MethodEstimate {
  const { comparison, request, warmth, pool, features } = flow;
  const compared = method === 'grpc' ? comparison?.grpc : comparison?.zeroCopy;
  const estimate = compared ?? fallback(pool.costModel, method, features);
  return Object.freeze(methodCosts(method, request, warmth, estimate, comparison?.source ?? 'prior'));
}

/** Where learning is off, the cost model still knows its prior; without one nothing is known. */
function fallback(
  costModel: CostModelSnapshot | undefined,
  method: Method,
  features: Flow['features'],
): LatencyEstimate {
  return costModel?.estimate(method, features) ?? UNKNOWN;
}

const UNKNOWN: LatencyEstimate = Object.freeze({
  latencyUs: Number.NaN,
  meanLatencyUs: Number.NaN,
  standardError: Number.POSITIVE_INFINITY,
  intervalUs: undefined,
  effectiveSamples: 0,
});
