/** What the cost model says about a threshold: where the lanes cross, how sure it is, and what a move would gain. */
import type { ReferenceTraffic, TuningInput } from './threshold-types.ts';
import type { CostModelSnapshot, Features } from './types.ts';

export interface Evidence {
  /** Bytes, the geometric mean over the traffic. */
  readonly crossover: number;
  /** Effective records behind the lane that is known less. */
  readonly samples: number;
  /** One lane is surely better at the present threshold, so the threshold is surely off. */
  readonly sure: boolean;
}

/** Standard errors beyond which one lane is taken to be better: 99 %, two-sided. */
const SURE = 2.576;

/** Weighted over the traffic. `clamp` brings a crossing into the pool's limits, since it may be 0 or infinite. */
export function weighEvidence(
  input: TuningInput,
  present: number,
  traffic: readonly ReferenceTraffic[],
  clamp: (bytes: number) => number,
): Evidence {
  let weights = 0;
  let logCrossover = 0;
  let samples = 0;
  let ratio = 0;
  let doubt = 0;
  for (const { features, weight } of traffic) {
    const at = { ...features, dataSize: present };
    const seen = compareLanes(input.costModel, at);
    weights += weight;
    logCrossover += weight * Math.log(clamp(input.costModel.crossover(at, input.statistic)));
    samples += weight * seen.samples;
    ratio += weight * seen.logRatio;
    doubt += weight * seen.standardError;
  }
  const crossover = Math.exp(logCrossover / weights);
  return { crossover, samples: samples / weights, sure: Math.abs(ratio) > SURE * doubt };
}

export function compareLanes(
  model: CostModelSnapshot,
  features: Features,
): { logRatio: number; standardError: number; samples: number } {
  const joint = model.compare?.(features);
  const grpc = joint?.grpc ?? model.estimate('grpc', features);
  const zeroCopy = joint?.zeroCopy ?? model.estimate('zero_copy', features);
  return {
    logRatio: joint?.logRatio ?? Math.log(grpc.latencyUs / zeroCopy.latencyUs),
    standardError: joint?.logRatioStandardError ?? Math.hypot(grpc.standardError, zeroCopy.standardError),
    samples: Math.min(grpc.effectiveSamples, zeroCopy.effectiveSamples),
  };
}

/** Share of the latency that payloads between two thresholds are expected to save, 0..1. */
export function gainBetween(
  input: TuningInput,
  traffic: readonly ReferenceTraffic[],
  from: number,
  to: number,
): number {
  let weights = 0;
  let gain = 0;
  for (const { features, weight } of traffic) {
    if (!(weight > 0)) continue;
    const { logRatio } = compareLanes(input.costModel, { ...features, dataSize: Math.sqrt(from * to) });
    // A threshold that sinks sends these through zero-copy: a gain where zero-copy is faster there, and the other way round.
    weights += weight;
    gain += weight * (to < from ? logRatio : -logRatio);
  }
  return weights > 0 && gain > 0 ? 1 - Math.exp(-gain / weights) : 0;
}
