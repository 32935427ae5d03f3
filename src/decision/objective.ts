/**
 * What a pool's goal is about, as one number: by how much, relatively, zero-copy is better than gRPC (negative: worse).
 *
 * - `minimize_latency`: each transfer counts the same, so medians are compared as a ratio.
 * - `maximize_throughput`: total time counts, so expected (mean) latencies are compared.
 * - `balanced`: total time, and a tenth of the cpu time that other work of the host could have used.
 * - `minimize_memory`: memory held, unless that would cost more than twice the latency.
 */
import type { Goal } from '../config/types.ts';
import type { LaneComparison } from '../learning/types.ts';

/** Share of cpu time that `balanced` counts as time. */
const CPU_WEIGHT = 0.1;
/** Shares of latency that are cpu time of the host; as in `method-costs.ts`. */
const GRPC_CPU = 0.9;
const ZERO_COPY_CPU = 0.13;
/** What `minimize_memory` accepts in latency for less memory. */
const MEMORY_PATIENCE = 2;
/** Below this many bytes a payload's copies do not matter. */
const MEMORY_MATTERS = 64 * 1024;

/** Relative advantage of zero-copy under `goal`: 0.2 is 20 % less cost than gRPC's. */
export function zeroCopyAdvantage(goal: Goal, comparison: LaneComparison, dataSize: number): number {
  const { grpc, zeroCopy } = comparison;
  switch (goal) {
    case 'minimize_latency':
      return relative(grpc.latencyUs, zeroCopy.latencyUs);
    case 'maximize_throughput':
      return relative(grpc.meanLatencyUs, zeroCopy.meanLatencyUs);
    case 'balanced':
      return relative(
        grpc.meanLatencyUs * (1 + CPU_WEIGHT * GRPC_CPU),
        zeroCopy.meanLatencyUs * (1 + CPU_WEIGHT * ZERO_COPY_CPU),
      );
    case 'minimize_memory': {
      const latency = relative(grpc.latencyUs, zeroCopy.latencyUs);
      // gRPC holds the payload three times, shared memory once: two thirds less.
      const patient = dataSize >= MEMORY_MATTERS && zeroCopy.latencyUs <= MEMORY_PATIENCE * grpc.latencyUs;
      return patient ? Math.max(latency, 2 / 3) : latency;
    }
    default:
      return goal satisfies never;
  }
}

/** How much less the second is than the first, as a share of the larger: symmetric, within -1..1. */
function relative(grpc: number, zeroCopy: number): number {
  return (grpc - zeroCopy) / Math.max(grpc, zeroCopy);
}
