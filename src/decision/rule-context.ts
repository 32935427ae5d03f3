import type { CostModelSnapshot, LatencyEstimate } from '../learning/types.ts';
import type { Flow } from './flow.ts';
import { methodCosts } from './method-costs.ts';
import type { Method, MethodEstimate, RuleContext, Warmth } from './types.ts';

/** What custom rules see of a decision on its way. Frozen: a rule that writes to it throws, and is disabled for that. */
export function ruleContext(flow: Flow): RuleContext {
  flow.compare();
  return Object.freeze({
    request: Object.freeze({ ...flow.request }),
    warmth: warmthOf(flow),
    thresholdBytes: flow.threshold.final,
    resources: flow.resources,
    estimates: Object.freeze({ zero_copy: estimateOf(flow, 'zero_copy'), grpc: estimateOf(flow, 'grpc') }),
  });
}

function warmthOf({ warm }: Flow): Warmth {
  if (warm === undefined) return 'unknown';
  return warm ? 'warm' : 'cold';
}

function estimateOf(flow: Flow, method: Method): MethodEstimate {
  const { comparison, dataSize, snapshot, source } = flow;
  const compared = method === 'grpc' ? comparison?.grpc : comparison?.zeroCopy;
  const estimate = compared ?? fallback(snapshot.costModel, method, flow);
  return Object.freeze(methodCosts(method, dataSize, warmthOf(flow), estimate, comparison ? source : 'prior'));
}

/** Where learning is off, the cost model still knows its prior; without one nothing is known. */
function fallback(costModel: CostModelSnapshot | undefined, method: Method, flow: Flow): LatencyEstimate {
  return costModel?.estimate(method, flow) ?? UNKNOWN;
}

const UNKNOWN: LatencyEstimate = Object.freeze({
  latencyUs: Number.NaN,
  meanLatencyUs: Number.NaN,
  standardError: Number.POSITIVE_INFINITY,
  intervalUs: undefined,
  effectiveSamples: 0,
});
