/**
 * `decide`: request and snapshots in, decision out. Pure: time, chance and the id come as arguments, so that every decision can be replayed bit
 * for bit. The steps are those of the design, one line each; step 1, from whatever a host gave to a request, is `describe.ts`.
 */
import { choose } from './choice.ts';
import type { Decision } from './decision.ts';
import { Flow } from './flow.ts';
import { applyPolicy, hasPolicyStep } from './policy-step.ts';
import { quickPath } from './quick-path.ts';
import { knownResources, zeroCopyObstacle } from './resources.ts';
import type { PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';

/**
 * What cannot serve is left out before anybody is asked: no rule and no override can send a payload into memory that is not there.
 *
 * @param resources the last sample, however old; one older than 2 s counts as unknown
 * @param nowMs milliseconds since the epoch
 * @param random uniform in [0, 1); called at most once: for the experiment where one runs, else for exploration
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
    const verdict = applyPolicy(flow);
    if (verdict !== undefined) return flow.byPolicy(verdict);
  }
  // Nothing is left to weigh: the other lane would have to copy it out first.
  if (request.inPlace === true) return flow.end('zero_copy', 'in_place');
  const quick = quickPath(pool, request.dataSize);
  if (quick !== undefined) return flow.end(quick === 'below_minimum' ? 'grpc' : 'zero_copy', quick);
  const choice = choose(flow);
  return flow.vary(choice, random);
}
