import type { LatencyEstimate } from '../learning/types.ts';
import { warmthOf } from './decision.ts';
import type { EstimateSource } from './estimate.ts';
import type { Flow } from './flow.ts';
import { laneCosts } from './method-costs.ts';
import { comparedBy } from './objective.ts';
import { priorEstimate } from './prior.ts';
import type { Method, MethodEstimate, RuleContext } from './types.ts';

/**
 * What custom rules see of a decision on its way: estimates by what learned most, by the prior where learning is off. A frozen copy: a rule that
 * writes to it throws, and reaches neither the snapshots nor the decision.
 */
export function ruleContext(flow: Flow): RuleContext {
  const comparison = flow.compare();
  return Object.freeze({
    request: Object.freeze({ ...flow.request }),
    warmth: warmthOf(flow.warm),
    thresholdBytes: flow.threshold.final,
    resources: flow.resources && Object.freeze({ ...flow.resources }),
    metrics: flow.snapshot.metrics,
    inFlight: flow.snapshot.inFlight,
    estimates: Object.freeze({
      zero_copy: estimateOf('zero_copy', flow, comparison?.zeroCopy),
      grpc: estimateOf('grpc', flow, comparison?.grpc),
    }),
  });
}

function estimateOf(method: Method, flow: Flow, learned: LatencyEstimate | undefined): MethodEstimate {
  const source: EstimateSource | 'prior' = learned === undefined ? 'prior' : flow.source;
  const costs = laneCosts(method, flow, learned ?? priorEstimate(method, flow), comparedBy(flow.goal), source);
  const { intervalUs } = costs;
  return Object.freeze({ ...costs, intervalUs: intervalUs && Object.freeze([intervalUs[0], intervalUs[1]] as const) });
}
