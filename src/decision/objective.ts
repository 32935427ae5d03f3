/**
 * What a pool's goal is about, as one number: by how much, relatively, zero-copy is better than gRPC (negative: worse).
 *
 * - `minimize_latency`: each transfer counts the same, so medians are compared as a ratio.
 * - `maximize_throughput`: total time counts, so expected (mean) latencies are compared.
 * - `balanced`: total time; beside it the cpu time that other work of the host could have used, and the memory that is held meanwhile.
 * - `minimize_memory`: memory held, unless that would cost more than twice the latency.
 */
import type { Goal } from '../config/types.ts';
import type { LaneComparison } from '../learning/types.ts';
import { COPIES, type CostedPayload, cpuShare } from './method-costs.ts';
import type { ComparedStatistic, Method } from './types.ts';

/** What `balanced` counts a microsecond of cpu time, and of holding one copy of the payload, in microseconds. */
const CPU_WEIGHT = 0.1;
const COPY_WEIGHT = 0.03;
/** What `minimize_memory` accepts in latency for less memory. */
const MEMORY_PATIENCE = 2;
/** Below this many bytes a payload's copies do not matter. */
const MEMORY_MATTERS = 64 * 1024;
/** Share of gRPC's memory that shared memory does without. */
const MEMORY_SAVING = 1 - COPIES.zero_copy / COPIES.grpc;

/** Which statistic of the latencies a goal compares. */
export function comparedBy(goal: Goal): ComparedStatistic {
  return goal === 'maximize_throughput' || goal === 'balanced' ? 'mean' : 'median';
}

/** Relative advantage of zero-copy under `goal`: 0.2 is 20 % less cost than gRPC's. */
export function zeroCopyAdvantage(goal: Goal, comparison: LaneComparison, payload: CostedPayload): number {
  const { grpc, zeroCopy } = comparison;
  switch (goal) {
    case 'minimize_latency':
      return relative(grpc.latencyUs, zeroCopy.latencyUs);
    case 'maximize_throughput':
      return relative(grpc.meanLatencyUs, zeroCopy.meanLatencyUs);
    case 'balanced':
      return relative(
        grpc.meanLatencyUs * balancedWeight('grpc', payload),
        zeroCopy.meanLatencyUs * balancedWeight('zero_copy', payload),
      );
    case 'minimize_memory': {
      const latency = relative(grpc.latencyUs, zeroCopy.latencyUs);
      const patient = payload.dataSize >= MEMORY_MATTERS && zeroCopy.latencyUs <= MEMORY_PATIENCE * grpc.latencyUs;
      return patient ? Math.max(latency, MEMORY_SAVING) : latency;
    }
    default:
      return goal satisfies never;
  }
}

function balancedWeight(method: Method, payload: CostedPayload): number {
  return 1 + CPU_WEIGHT * cpuShare(method, payload) + COPY_WEIGHT * COPIES[method];
}

/** How much less the second is than the first, as a share of the larger: symmetric, within -1..1. */
export function relative(grpc: number, zeroCopy: number): number {
  return (grpc - zeroCopy) / Math.max(grpc, zeroCopy);
}
