/**
 * A lane's cost with every part named (C1). Latency is learned, end to end; the parts below say what it is made of and what it takes besides
 * time. Their constants come from paired transfers of real payloads through both lanes (Node 20, two cores, a virtual machine).
 */
import type { LatencyEstimate } from '../learning/types.ts';
import type { Method, MethodEstimate, Warmth } from './types.ts';

/** gRPC holds a payload about three times: encoded, framed, received. */
const GRPC_COPIES = 3;
/** Share of gRPC's latency that is cpu time of the host, and of it what goes into serialization. */
const GRPC_CPU_SHARE = 0.9;
const GRPC_SERIALIZATION_SHARE = 0.8;
/** Share of zero-copy's latency that is cpu time of the host: one copy into memory, one small message. */
const ZERO_COPY_CPU_SHARE = 0.13;
/** Getting and giving back a slice of a mapped arena. */
const SETUP_US = 20;
const CLEANUP_US = 5;
/** First touch of fresh pages: about a millisecond a mebibyte on a machine without huge pages. */
const FAULT_US_PER_BYTE = 1_000 / 2 ** 20;

/** The named costs of one lane for a payload of `dataSize` bytes. `totalCost` = latency + cpu + the overheads that the lane has. */
export function methodCosts(
  method: Method,
  dataSize: number,
  warmth: Warmth,
  estimate: LatencyEstimate,
  source: MethodEstimate['source'],
): MethodEstimate {
  const { latencyUs, intervalUs, effectiveSamples } = estimate;
  if (method === 'grpc') {
    const cpu = latencyUs * GRPC_CPU_SHARE;
    const serialization = latencyUs * GRPC_SERIALIZATION_SHARE;
    return withTotal({
      method,
      estimatedLatencyUs: latencyUs,
      estimatedMemory: dataSize * GRPC_COPIES,
      estimatedCpuUs: cpu,
      setupOverheadUs: 0,
      cleanupOverheadUs: 0,
      serializationOverheadUs: serialization,
      source,
      intervalUs,
      effectiveSamples,
    });
  }
  return withTotal({
    method,
    estimatedLatencyUs: latencyUs,
    // A warm slice is memory that is there already; the payload stands in it once.
    estimatedMemory: dataSize,
    estimatedCpuUs: latencyUs * ZERO_COPY_CPU_SHARE,
    setupOverheadUs: SETUP_US + (warmth === 'cold' ? dataSize * FAULT_US_PER_BYTE : 0),
    cleanupOverheadUs: CLEANUP_US,
    serializationOverheadUs: 0,
    source,
    intervalUs,
    effectiveSamples,
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
