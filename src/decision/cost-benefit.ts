/** Step 4 as a report (C1, C5): both lanes' costs, which is recommended, how sure, and why, in words made of the same numbers. */
import type { Goal } from '../config/types.ts';
import type { LaneComparison } from '../learning/types.ts';
import { laneConfidence } from './estimate.ts';
import { type CostedPayload, laneCosts } from './method-costs.ts';
import { comparedBy, relative, zeroCopyAdvantage } from './objective.ts';
import type { ComparedStatistic, CostBenefitAnalysis, Method, MethodEstimate, Warmth } from './types.ts';

export interface AnalysisFactors {
  readonly dataSize: number;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  readonly warmth: Warmth;
}

/** The report on a comparison that a pool with this goal makes. */
export function analyzeLanes(
  comparison: LaneComparison,
  payload: CostedPayload & AnalysisFactors,
  goal: Goal,
  source: MethodEstimate['source'],
): CostBenefitAnalysis {
  const statistic = comparedBy(goal);
  const advantage = zeroCopyAdvantage(goal, comparison, payload);
  const recommendation: Method = advantage > 0 ? 'zero_copy' : 'grpc';
  const methods = {
    zero_copy: laneCosts('zero_copy', payload, comparison.zeroCopy, statistic, source),
    grpc: laneCosts('grpc', payload, comparison.grpc, statistic, source),
  };
  const confidence = laneConfidence(recommendation, comparison, statistic);
  return report(methods, payload, { recommendation, advantage, confidence, comparedBy: statistic });
}

/**
 * The report on two lanes whose costs are known.
 *
 * @param recommendation default: the lane with the smaller total cost
 */
export function analyzeCosts(
  methods: Readonly<Record<Method, MethodEstimate>>,
  factors: AnalysisFactors,
  confidence: number,
  recommendation: Method = methods.zero_copy.totalCost < methods.grpc.totalCost ? 'zero_copy' : 'grpc',
): CostBenefitAnalysis {
  const advantage = relative(methods.grpc.totalCost, methods.zero_copy.totalCost);
  return report(methods, factors, { recommendation, advantage, confidence, comparedBy: 'median' });
}

interface Finding {
  readonly recommendation: Method;
  readonly advantage: number;
  readonly confidence: number;
  readonly comparedBy: ComparedStatistic;
}

function report(
  methods: Readonly<Record<Method, MethodEstimate>>,
  { dataSize, systemLoad, availableMemory, warmth }: AnalysisFactors,
  finding: Finding,
): CostBenefitAnalysis {
  return {
    ...finding,
    methods,
    rationale: rationaleOf(methods, finding.recommendation),
    factors: { dataSize, systemLoad, availableMemory, warmth, historicalPerformance: history(methods) },
  };
}

/**
 * The latency improvement is gRPC's latency over zero-copy's total (in the seed's sample 500 000 / 17 700 = 28x), or over its latency where that was
 * learned: then it is end to end already. The memory saving is 1 - memory / gRPC's memory (1 - 1/3 = 67 %).
 */
function rationaleOf({ zero_copy: zeroCopy, grpc }: Readonly<Record<Method, MethodEstimate>>, chosen: Method): string {
  const ownUs = zeroCopy.source === 'prior' ? zeroCopy.totalCost : zeroCopy.estimatedLatencyUs;
  const factor = grpc.estimatedLatencyUs / ownUs;
  const saving = 1 - zeroCopy.estimatedMemory / grpc.estimatedMemory;
  if (chosen === 'zero_copy') {
    return factor > 1
      ? `Zero-copy provides ${times(factor)} latency improvement and ${percent(saving)} memory savings`
      : `Zero-copy provides ${percent(saving)} memory savings at ${times(1 / factor)} the latency`;
  }
  return factor < 1
    ? `gRPC is expected to be ${times(1 / factor)} as fast as zero-copy for this payload`
    : `gRPC is the simpler way; zero-copy is not expected to gain enough (${times(factor)})`;
}

/** `28x` from ten on, `1.4x` below: more digits than are known would lie. */
function times(factor: number): string {
  if (!Number.isFinite(factor)) return 'unknown';
  return factor >= 10 ? `${Math.round(factor)}x` : `${factor.toFixed(factor < 2 ? 2 : 1)}x`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(Math.max(0, share) * 100)}%` : '0%';
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
