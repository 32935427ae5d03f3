/**
 * Which lane to try, where it is not sure which is faster: Thompson sampling on the joint doubt about both lanes (Thompson, Biometrika 25, 1933;
 * Russo et al., A Tutorial on Thompson Sampling, 2018), with the posterior's width scaled by a temperature ("posterior reshaping", Chapelle & Li,
 * NIPS 2011). Since the ratio's doubt is normal in the logarithm, the probability of each lane is known exactly, and is the propensity.
 *
 * What makes it safe: it follows doubt, so nothing is tried where one lane is known to be dear; where total time counts, nothing longer
 * than the pool's mean transfer is tried at all (structure, not trials, teaches large transfers: the lanes share their parameters over all
 * sizes); and a budget bounds the expected extra time.
 */
import type { ExplorationLimits, ExplorationRequest, ExploredChoice, Lane, LaneComparison } from './types.ts';

export type LaneChoice = Omit<ExploredChoice, 'comparison'>;

export interface ChoiceInput {
  /** Log of gRPC's cost over zero-copy's, by the statistic that the goal compares. */
  readonly logRatio: number;
  readonly logRatioStandardError: number;
  /** 0..1; 0.05 gives about 5 % of choices against the present belief while there is doubt. */
  readonly explorationRate: number;
  /** False: nothing may be tried here. */
  readonly allowed: boolean;
  /** What is left of the floor, 0..1, where probes in idle time look at the other lane. Default 1. */
  readonly floorScale?: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/** Rate 0.05 means half the posterior's standard deviation: measured best or level on every trace (docs/learning.md). */
const TEMPERATURE_PER_RATE = 10;
const MAX_TEMPERATURE = 1;
/** Where trying is allowed, no lane's probability is below this: off-policy estimates divide by it. */
const PROPENSITY_FLOOR = 0.002;
/**
 * A lane that is believed dearer is tried at least this share of the rate, halved where it is expected to take 50 % longer (inverse gap weighting, Foster &
 * Rakhlin, ICML 2020, with a squared gap). Thompson sampling alone missed a machine whose unused lane had become the better one: 1.058 in
 * slowdown on the trace where it did, 1.012 with this floor.
 */
const FLOOR_SHARE = 0.25;
const HALF_AT_LOSS = 0.5;

/** Least probability of the lane that is believed dearer by a log ratio. */
function floorAt(distance: number, explorationRate: number, scale: number): number {
  const loss = Math.expm1(Math.min(distance, 10)) / HALF_AT_LOSS;
  return Math.max(PROPENSITY_FLOOR, (FLOOR_SHARE * scale * explorationRate) / (1 + loss * loss));
}

export function chooseLane(input: ChoiceInput): LaneChoice {
  const greedy: Lane = input.logRatio > 0 ? 'zero_copy' : 'grpc';
  const temperature = Math.min(MAX_TEMPERATURE, TEMPERATURE_PER_RATE * input.explorationRate);
  const deviation = temperature * input.logRatioStandardError;
  if (!input.allowed || !(deviation > 0)) return { method: greedy, greedy, propensity: 1, explored: false };
  const distance = Math.abs(input.logRatio);
  const other = Math.max(
    floorAt(distance, input.explorationRate, input.floorScale ?? 1),
    normalCdf(-distance / deviation),
  );
  if (input.random >= other) return { method: greedy, greedy, propensity: 1 - other, explored: false };
  return { method: greedy === 'grpc' ? 'zero_copy' : 'grpc', greedy, propensity: other, explored: true };
}

/** The choice that a comparison asks for, under the pool's limits. */
export function chooseFrom(
  comparison: LaneComparison,
  request: ExplorationRequest,
  limits: ExplorationLimits,
): ExploredChoice {
  const { grpc, zeroCopy } = comparison;
  const mean = request.statistic === 'mean';
  const logRatio = mean ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : comparison.logRatio;
  const dearer = Math.max(grpc.meanLatencyUs, zeroCopy.meanLatencyUs);
  const choice = chooseLane({
    logRatio,
    logRatioStandardError: comparison.logRatioStandardError,
    explorationRate: request.explorationRate,
    allowed: limits.mayExplore && (!mean || dearer <= limits.meanLatencyUs),
    ...(limits.floorScale !== undefined && { floorScale: limits.floorScale }),
    random: request.random,
  });
  return { ...choice, comparison };
}

/** Standard normal distribution, absolute error below 7.5e-8 (Abramowitz & Stegun 26.2.17). */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = 0.3989422804014327 * Math.exp((-z * z) / 2) * series;
  return z > 0 ? 1 - tail : tail;
}
