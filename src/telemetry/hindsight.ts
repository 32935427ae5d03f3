/**
 * What decisions were worth, once their transfers are over: was it the faster lane, and what would one way for all have taken? The lane that was
 * not taken is not measured, so the cost model says what it is expected to have taken; what it says is told apart from what is known too little of.
 */
import type { CostModelSnapshot, Features, LaneComparison, LatencyEstimate } from '../learning/types.ts';
import { toObservation } from '../metrics/observation.ts';
import type { TransferRecord } from '../metrics/record.ts';

export type Verdict = 'right' | 'wrong' | 'unknown';
export type Strategy = 'pitwall' | 'always_grpc' | 'always_zero_copy';

/** One decision in hindsight. */
export interface Hindsight {
  readonly verdict: Verdict;
  /** Seconds, by strategy; undefined where a lane is not known. */
  readonly seconds: Readonly<Record<Strategy, number>> | undefined;
}

/** Records (weighted by recency) from which a lane counts as known; the card of a machine counts for 32, the constants for none. */
const KNOWN_FROM = 8;
/** Standard errors of the ratio from which its sign is certain at 95 %: a lane that lost clearly is tried no more, and its records fade. */
const SURE = 1.645;
/** A lane that is expected to take at most so much more than the faster one is as good. */
const TOLERANCE = 1.05;

/**
 * Judges the decision behind a record by a pool's cost model: its medians for the verdict, the ratio of its means for the time. A model judges by its own belief, so
 * read `pitwall.prediction.error` beside it. undefined for what teaches nothing (failures, built in place).
 */
export function inHindsight(record: TransferRecord, costModel: CostModelSnapshot | undefined): Hindsight | undefined {
  const observation = toObservation(record);
  if (observation === undefined || !(record.latencyUs > 0)) return undefined;
  if (costModel === undefined) return { verdict: 'unknown', seconds: undefined };
  const { comparison, certain } = compared(costModel, observation);
  const [taken, other] =
    record.method === 'grpc' ? [comparison.grpc, comparison.zeroCopy] : [comparison.zeroCopy, comparison.grpc];
  if (!isKnown(taken, KNOWN_FROM) || !isKnown(other, certain ? 0 : KNOWN_FROM)) {
    return { verdict: 'unknown', seconds: undefined };
  }
  const actual = record.latencyUs / 1e6;
  // What has nothing to do with the lane (a stall of the machine, a slow handler) would have come by the other one too: it cancels in the ratio.
  const expected = actual * (other.meanLatencyUs / taken.meanLatencyUs);
  const [grpc, zeroCopy] = record.method === 'grpc' ? [actual, expected] : [expected, actual];
  return {
    verdict: taken.latencyUs <= TOLERANCE * other.latencyUs ? 'right' : 'wrong',
    seconds: { pitwall: actual, always_grpc: grpc, always_zero_copy: zeroCopy },
  };
}

/** Both lanes, and whether the model is sure which is the faster one. */
function compared(
  costModel: CostModelSnapshot,
  features: Features,
): { comparison: Pick<LaneComparison, 'grpc' | 'zeroCopy'>; certain: boolean } {
  const comparison = costModel.compare?.(features);
  if (comparison === undefined) {
    const [grpc, zeroCopy] = [costModel.estimate('grpc', features), costModel.estimate('zero_copy', features)];
    return { comparison: { grpc, zeroCopy }, certain: false };
  }
  return { comparison, certain: Math.abs(comparison.logRatio) >= SURE * comparison.logRatioStandardError };
}

function isKnown({ effectiveSamples, latencyUs, meanLatencyUs }: LatencyEstimate, from: number): boolean {
  return effectiveSamples >= from && latencyUs > 0 && meanLatencyUs > 0 && Number.isFinite(meanLatencyUs);
}
