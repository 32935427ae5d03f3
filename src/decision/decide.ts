/**
 * `decide`: request and snapshots in, decision out. Pure: time, chance and the id come as arguments, so that every decision can be replayed bit
 * for bit. The steps are those of the design, one line each; step 1, from whatever a host gave to a request, is `describe.ts`.
 */
import { choose } from './choice.ts';
import type { Decision } from './decision.ts';
import { type Assignment, assignedTo, fixedLane, isControl, SLOTS, slotOf, takesPart } from './experiment.ts';
import { Flow } from './flow.ts';
import { applyPolicy, hasPolicyStep } from './policy-step.ts';
import { quickPath } from './quick-path.ts';
import { knownResources, zeroCopyObstacle } from './resources.ts';
import type { Method, PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';

/**
 * What cannot serve is left out before anybody is asked: no rule and no override can send a payload into memory that is not there.
 *
 * @param resources the last sample, however old; one older than 2 s counts as unknown
 * @param nowMs milliseconds since the epoch
 * @param random uniform in [0, 1); called at most once, for the variant of an experiment and for exploration
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
  const { experiment } = pool;
  if (experiment === undefined || pool.mode !== 'enabled' || !takesPart(experiment, request)) {
    return follow(new Flow(request, pool, known, nowMs, transferId), random);
  }
  const { sessionId } = request;
  const draw = sessionId === undefined ? random() * SLOTS : slotOf(sessionId, experiment.salt);
  const slot = Math.floor(draw);
  const assigned = assignedTo(experiment, slot);
  const flow = new Flow(request, assigned?.variant.pool ?? pool, known, nowMs, transferId, assigned);
  const fixed = assigned && fixedLane(assigned.variant, request);
  if (assigned !== undefined && fixed !== undefined) return fix(flow, fixed, assigned);
  // What is left of a draw after its slot is as uniform as the draw was.
  return follow(flow, sessionId === undefined ? () => draw - slot : random);
}

/** By a variant that fixes the lane. What the pool's own policy would do is asked for the sake of the propensity, where another variant leaves it be. */
function fix(flow: Flow, lane: Method, { experiment }: Assignment): Decision {
  const { request, snapshot, resources, nowMs, transferId } = flow;
  const obstacle = zeroCopyObstacle(snapshot, request, resources);
  if (obstacle !== undefined) return flow.end('grpc', obstacle);
  flow.compare();
  if (!experiment.variants.some(isControl)) return flow.fixed(lane, 0);
  const believed = follow(new Flow(request, snapshot, resources, nowMs, transferId), NEVER);
  return flow.fixed(lane, believed.method === lane ? believed.propensity : 1 - believed.propensity);
}

/** A draw that tries nothing. */
const NEVER = (): number => 1;

function follow(flow: Flow, random: () => number): Decision {
  const { request, snapshot: pool } = flow;
  if (pool.mode === 'disabled') return flow.end('grpc', 'disabled');
  const obstacle = zeroCopyObstacle(pool, request, flow.resources);
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
