/** Step 4 as a report (C1, C5): both lanes' costs, which is recommended, how sure, and why, in words made of the same numbers. */
import type { CostBenefitAnalysis, Method, MethodEstimate, Warmth } from './types.ts';

export interface AnalysisFactors {
  readonly dataSize: number;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  readonly warmth: Warmth;
}

/**
 * Compares two lanes whose costs are known. The latency improvement is the other lane's latency over the total of the recommended one (in the
 * seed's sample 500 000 / 17 700 = 28x), the memory saving 1 - memory / memory of the other lane (1 - 1/3 = 67 %).
 *
 * @param recommendation default: the lane with the smaller total cost
 */
export function analyzeCosts(
  methods: Readonly<Record<Method, MethodEstimate>>,
  factors: AnalysisFactors,
  confidence: number,
  recommendation: Method = cheaper(methods),
): CostBenefitAnalysis {
  return {
    recommendation,
    confidence,
    methods,
    rationale: rationaleOf(methods, recommendation),
    factors: { ...factors, historicalPerformance: history(methods) },
  };
}

function cheaper(methods: Readonly<Record<Method, MethodEstimate>>): Method {
  return methods.zero_copy.totalCost < methods.grpc.totalCost ? 'zero_copy' : 'grpc';
}

function rationaleOf({ zero_copy: zeroCopy, grpc }: Readonly<Record<Method, MethodEstimate>>, chosen: Method): string {
  // Learned latencies are end to end; the seed's are the wire alone, so there the overheads belong to the comparison.
  const ownLatency = (estimate: MethodEstimate): number =>
    estimate.source === 'prior' ? estimate.totalCost : estimate.estimatedLatencyUs;
  if (chosen === 'zero_copy') {
    const factor = grpc.estimatedLatencyUs / ownLatency(zeroCopy);
    const saving = 1 - zeroCopy.estimatedMemory / grpc.estimatedMemory;
    return `Zero-copy provides ${times(factor)} latency improvement and ${percent(saving)} memory savings`;
  }
  const factor = zeroCopy.estimatedLatencyUs / grpc.estimatedLatencyUs;
  return factor > 1.005
    ? `gRPC is expected to be ${times(factor)} as fast as zero-copy for this payload`
    : `gRPC is the simpler way; zero-copy is not expected to gain enough (${times(1 / factor)})`;
}

/** `28x` from ten on, `1.4x` below: more digits than are known would lie. */
function times(factor: number): string {
  if (!Number.isFinite(factor)) return 'unknown';
  return factor >= 10 ? `${Math.round(factor)}x` : `${factor.toFixed(factor < 2 ? 2 : 1)}x`;
}

function percent(share: number): string {
  return `${Math.round(Math.max(0, share) * 100)}%`;
}

/** How well transfers like this are known: by records, and by how wide their interval is. */
function history({
  zero_copy,
  grpc,
}: Readonly<Record<Method, MethodEstimate>>): CostBenefitAnalysis['factors']['historicalPerformance'] {
  const samples = Math.min(zero_copy.effectiveSamples, grpc.effectiveSamples);
  const interval = zero_copy.intervalUs ?? grpc.intervalUs;
  if (samples < 1 || interval === undefined) return 'unknown';
  const width = interval[1] / Math.max(1, interval[0]);
  if (width > 16) return 'poor';
  return width > 4 ? 'fair' : 'good';
}
