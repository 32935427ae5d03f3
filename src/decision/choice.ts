/** Steps 4 to 6: estimates under the pool's goal, the machine's state, the margin. */
import { isReliable, isSane } from './estimate.ts';
import type { Choice } from './exploration.ts';
import type { Flow } from './flow.ts';
import { zeroCopyAdvantage } from './objective.ts';
import { relief } from './resources.ts';

export function choose(flow: Flow): Choice {
  const comparison = flow.compare();
  if (comparison === undefined || !isReliable(comparison, flow.source)) return chooseByThreshold(flow);
  const { policy } = flow.snapshot;
  const advantage = zeroCopyAdvantage(policy.goal, comparison, flow);
  // A clear winner needs no second reason.
  if (advantage > 0 && advantage >= policy.marginalBenefit) {
    return { method: 'zero_copy', reason: flow.source, informed: true, forced: false };
  }
  const relieved = relief(advantage, flow.resources, policy);
  if (relieved !== undefined) return { method: 'zero_copy', reason: relieved, informed: true, forced: true };
  return { method: 'grpc', reason: advantage > 0 ? 'marginal_benefit' : flow.source, informed: true, forced: false };
}

function chooseByThreshold(flow: Flow): Choice {
  if (flow.dataSize >= flow.threshold.final) {
    return { method: 'zero_copy', reason: 'threshold', informed: false, forced: false };
  }
  const { comparison, snapshot } = flow;
  if (comparison !== undefined && isSane(comparison)) {
    const advantage = zeroCopyAdvantage(snapshot.policy.goal, comparison, flow);
    const relieved = relief(advantage, flow.resources, snapshot.policy);
    if (relieved !== undefined) return { method: 'zero_copy', reason: relieved, informed: false, forced: true };
  }
  return { method: 'grpc', reason: 'threshold', informed: false, forced: false };
}
