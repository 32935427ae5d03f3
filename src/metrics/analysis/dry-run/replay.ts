/** A recorded transfer, decided again: by what the record tells of it, and what the pool knows today. */
import type { Decision } from '../../../decision/decision.ts';
import { NOTHING_KNOWN } from '../../../decision/resources.ts';
import type { DecisionReason, Method, PoolMetrics, PoolSnapshot } from '../../../decision/types.ts';
import { decideWhatIf, warmthOf } from '../../../decision/what-if.ts';
import type { TransferRecord } from '../../record.ts';

/** Why a record is not decided again: no policy had a say in it. */
export type SkipReason = 'lane_could_not_serve' | 'was_not_decided' | 'second_leg' | 'mode_was_not_enabled';

const NOT_REPLAYED = new Map<DecisionReason, SkipReason>([
  ['zero_copy_unavailable', 'lane_could_not_serve'],
  ['circuit_open', 'lane_could_not_serve'],
  ['shared_memory_exhausted', 'lane_could_not_serve'],
  ['invalid_request', 'was_not_decided'],
  ['controller_unavailable', 'was_not_decided'],
  ['decision_failed', 'was_not_decided'],
  ['disabled', 'mode_was_not_enabled'],
]);

export function skipReason({ reason, fallback }: TransferRecord): SkipReason | undefined {
  return NOT_REPLAYED.get(reason) ?? (fallback ? 'second_leg' : undefined);
}

/** The pool as the replay takes it: in mode `enabled`, its lane ready, without experiments; explored or not is a probability here, not a draw. */
export function replayable(pool: PoolSnapshot): PoolSnapshot {
  return { ...pool, mode: 'enabled', experiment: undefined, breaker: 'closed', transport: undefined };
}

/**
 * The decision with nothing drawn; `propensity` is the probability of its lane.
 *
 * @param metrics how the pool did before this transfer, for custom rules
 */
export function decideAgain(record: TransferRecord, pool: PoolSnapshot, metrics: PoolMetrics | undefined): Decision {
  const atMs = record.timestampUs / 1000;
  const { dataSize, dataType, format, compression, systemLoad, availableMemory } = record;
  const payload = { dataSize, dataType, format, compression, inPlace: record.reason === 'in_place' };
  // A load of memory is not recorded: all that is known of it is that it was above the limit where it decided.
  const memoryLoad = record.reason === 'memory_pressure' ? 1 : undefined;
  const resources = { ...NOTHING_KNOWN, atMs, systemLoad, availableMemory, memoryLoad };
  const there = { warmth: warmthOf(record.warm), resources, inFlight: record.inFlight };
  return decideWhatIf({ ...pool, metrics }, payload, there, record.transferId);
}

/** Probability with which a decision of this kind takes the lane. */
export function probabilityOf(method: Method, decision: Decision): number {
  return method === decision.method ? decision.propensity : 1 - decision.propensity;
}

/** What the pool's cost model expects of both lanes, microseconds: the median, and the mean; undefined where it has learned nothing of one of them. */
export function expectedLatencies(
  decision: Decision,
  pool: PoolSnapshot,
): Readonly<Record<Method, { readonly medianUs: number; readonly meanUs: number }>> | undefined {
  const { costModel } = pool;
  if (costModel === undefined) return undefined;
  const { features } = decision;
  const [zeroCopy, grpc] = [costModel.estimate('zero_copy', features), costModel.estimate('grpc', features)];
  if (!(Math.min(zeroCopy.effectiveSamples, grpc.effectiveSamples) > 0)) return undefined;
  return {
    zero_copy: { medianUs: zeroCopy.latencyUs, meanUs: zeroCopy.meanLatencyUs },
    grpc: { medianUs: grpc.latencyUs, meanUs: grpc.meanLatencyUs },
  };
}
