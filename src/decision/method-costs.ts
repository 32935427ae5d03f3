/**
 * A lane's cost with every part named (C1). Latency is what a learner or the prior says, end to end; the parts say what it is made of and what
 * it takes besides time.
 *
 * The constants are medians over 4 000 paired transfers of real payloads (uncompressed, above 64 KB, one in flight; Node 20, two cores, a
 * virtual machine), cpu time being the host's. They are shares of a lane's latency, so that they move with the machine they run on.
 */
import type { LatencyEstimate } from '../learning/types.ts';
import type { ComparedStatistic, Method, MethodEstimate } from './types.ts';

/** What costs depend on beside the lane. A request on its way has it, and so has a decision. */
export interface CostedPayload {
  readonly dataSize: number;
  readonly dataType: string;
  readonly compression: boolean;
  /** Whether the slice is mapped and faulted in on both sides; undefined: unknown. */
  readonly warm: boolean | undefined;
}

/** Times that a lane holds a payload at once: gRPC encoded, framed and received, shared memory as such. */
export const COPIES: Readonly<Record<Method, number>> = { grpc: 3, zero_copy: 1 };

/** The named costs of one lane. `estimatedLatencyUs` is the statistic that the pool's goal compares. */
export function laneCosts(
  method: Method,
  payload: CostedPayload,
  estimate: LatencyEstimate,
  comparedBy: ComparedStatistic,
  source: MethodEstimate['source'],
): MethodEstimate {
  const latencyUs = comparedBy === 'mean' ? estimate.meanLatencyUs : estimate.latencyUs;
  return withTotal({
    method,
    estimatedLatencyUs: latencyUs,
    estimatedMemory: payload.dataSize * COPIES[method],
    estimatedCpuUs: latencyUs * cpuShare(method, payload),
    setupOverheadUs: method === 'grpc' ? 0 : setupUs(payload),
    cleanupOverheadUs: method === 'grpc' ? 0 : cleanupUs(payload),
    serializationOverheadUs: latencyUs * serializationShare(method, payload),
    source,
    intervalUs: estimate.intervalUs,
    effectiveSamples: estimate.effectiveSamples,
  });
}

/** Adds up what a method costs: latency + cpu + its overheads (the seed's sample: 15 000 + 2 000 + 500 + 200 = 17 700). */
export function withTotal(costs: Omit<MethodEstimate, 'totalCost'>): MethodEstimate {
  const totalCost =
    costs.estimatedLatencyUs +
    costs.estimatedCpuUs +
    costs.setupOverheadUs +
    costs.cleanupOverheadUs +
    costs.serializationOverheadUs;
  return { ...costs, totalCost };
}

/** Share of a lane's latency that is cpu time of the host. */
export function cpuShare(method: Method, payload: CostedPayload): number {
  if (method === 'grpc') return payload.compression ? 0.56 : 0.45;
  if (payload.warm === undefined) return 0.58;
  // Fresh pages are zeroed by the kernel, on the host's account.
  return payload.warm ? 0.5 : 0.66;
}

/** Share of a lane's latency that goes into making bytes of the payload; documents are encoded for shared memory too. */
function serializationShare(method: Method, payload: CostedPayload): number {
  if (method === 'grpc' && payload.compression) return 0.27;
  switch (payload.dataType) {
    case 'json':
      return method === 'grpc' ? 0.26 : 0.29;
    case 'dataframe':
      return method === 'grpc' ? 0.13 : 0.15;
    default:
      return method === 'grpc' ? 0.04 : 0.03;
  }
}

/** Getting a slice: taken from a mapped arena, or a region of its own that is made and mapped. */
function setupUs({ warm }: CostedPayload): number {
  if (warm === undefined) return 55;
  return warm ? 3 : 110;
}

/** Giving it back; a region of its own has its pages freed. What is unknown lies half-way. */
function cleanupUs({ warm, dataSize }: CostedPayload): number {
  if (warm === undefined) return 16 + 0.9e-4 * dataSize;
  return warm ? 2 : 30 + 1.8e-4 * dataSize;
}
