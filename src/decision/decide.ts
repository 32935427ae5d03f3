/**
 * `decide`: request and snapshots in, decision out. Pure: time, chance and the id come as arguments, so that every decision can be replayed bit
 * for bit. The steps are those of the design, one line each.
 */
import type { Decision } from './decision.ts';
import { Flow } from './flow.ts';
import { applyPolicy, hasPolicyStep } from './policy-step.ts';
import { knownResources, zeroCopyObstacle } from './resources.ts';
import { ruleContext } from './rule-context.ts';
import type { PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';

/**
 * @param resources the last sample, however old; one older than 2 s counts as unknown
 * @param nowMs milliseconds since the epoch
 * @param random uniform in [0, 1); called at most once for the experiment and once for exploration
 */
export function decide(
  request: TransferRequest,
  pool: PoolSnapshot,
  resources: ResourceSnapshot | undefined,
  nowMs: number,
  random: () => number,
  transferId: string,
): Decision {
  const known = knownResources(resources, nowMs);
  const flow = new Flow(request, pool, known, nowMs, transferId);
  if (pool.mode === 'disabled') return flow.end('grpc', 'disabled');
  const obstacle = zeroCopyObstacle(pool, request, known);
  if (obstacle !== undefined) return flow.end('grpc', obstacle);
  if (hasPolicyStep(pool.policy, request)) {
    const verdict = applyPolicy(pool.policy, request, () => ruleContext(flow));
    if (verdict !== undefined) return flow.byPolicy(verdict);
  }
  if (request.dataSize < quickPathMinimum(pool)) return flow.end('grpc', 'below_minimum');
  if (request.dataSize > pool.limits.maximumThreshold) return flow.end('zero_copy', 'above_maximum');
  const choice = flow.choose();
  return flow.vary(choice, random);
}

/** Static rules use what is configured, not what was learned. */
function quickPathMinimum(pool: PoolSnapshot): number {
  return pool.mode === 'static_rules' ? pool.limits.minimumThreshold : pool.thresholds.quickPathMinimum;
}
