/**
 * A comparison of both lanes as one flat array of doubles, 160 bytes instead of 430: decisions are kept by the thousand, and what is kept costs
 * more than what is thrown away.
 *
 *   0 latency  1 mean  2 low  3 high  4 samples  5 standard error     gRPC
 *   6 …                                                              zero-copy
 *   12 log ratio  13 its standard error                              (an interval that is not known is NaN)
 */
import type { LaneComparison, LatencyEstimate } from '../learning/types.ts';
import type { Method } from './types.ts';

export function packComparison(comparison: LaneComparison): readonly number[] {
  const { grpc, zeroCopy, logRatio, logRatioStandardError } = comparison;
  return [
    grpc.latencyUs,
    grpc.meanLatencyUs,
    grpc.intervalUs === undefined ? Number.NaN : grpc.intervalUs[0],
    grpc.intervalUs === undefined ? Number.NaN : grpc.intervalUs[1],
    grpc.effectiveSamples,
    grpc.standardError,
    zeroCopy.latencyUs,
    zeroCopy.meanLatencyUs,
    zeroCopy.intervalUs === undefined ? Number.NaN : zeroCopy.intervalUs[0],
    zeroCopy.intervalUs === undefined ? Number.NaN : zeroCopy.intervalUs[1],
    zeroCopy.effectiveSamples,
    zeroCopy.standardError,
    logRatio,
    logRatioStandardError,
  ];
}

export function unpackComparison(packed: readonly number[]): LaneComparison {
  return {
    grpc: unpackEstimate(packed, 'grpc'),
    zeroCopy: unpackEstimate(packed, 'zero_copy'),
    logRatio: at(packed, 12),
    logRatioStandardError: at(packed, 13),
  };
}

export function unpackEstimate(packed: readonly number[], method: Method): LatencyEstimate {
  const start = method === 'grpc' ? 0 : 6;
  const low = at(packed, start + 2);
  return {
    latencyUs: at(packed, start),
    meanLatencyUs: at(packed, start + 1),
    intervalUs: Number.isNaN(low) ? undefined : [low, at(packed, start + 3)],
    effectiveSamples: at(packed, start + 4),
    standardError: at(packed, start + 5),
  };
}

function at(packed: readonly number[], index: number): number {
  return packed[index] ?? Number.NaN;
}
