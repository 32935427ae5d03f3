/**
 * What live traffic says of a second layer: of following it as the stages of its rollout would, against the cost model alone. Nobody runs both on the same
 * transfer, so it is the doubly robust estimate (Dudík, Langford, Li, ICML 2011) by the logged propensities, as on held-out rows. Rows whose lane was
 * not drawn, or hardly, say nothing about the other lane and are left out; the others need no capped weight, so nothing is biased.
 *
 *   cost(lane) = m(lane) + [lane was taken] / propensity * (actual - m(lane))       m: the cost model's word
 *   difference = cost(lane by the layer) - cost(lane by the cost model alone)       0 where both take the same lane
 */
import { type Interval, Moments, meanInterval } from './confidence-sequence.ts';
import { normalCdf } from './exploration.ts';
import type { Lane, LaneComparison, Observation } from './types.ts';

export interface StageEvidence {
  /** Rows that say something, since it was last begun anew. */
  readonly rows: number;
  /** Share of them where the layer would take another lane, by itself. */
  readonly disagreement: number;
  /** Relative cost of following the layer at one required confidence; below 0 it is better than the cost model alone. */
  at(requiredConfidence: number): Interval;
  /** Mean absolute log error of the layer less the cost model's, in the lane that was taken: above 0 the layer is less accurate. All rows. */
  readonly accuracy: Interval;
}

/** A row is left out where one of its lanes had less probability than this: one such row would outweigh two hundred others. */
export const MINIMUM_PROPENSITY = 0.005;
/** An error beyond this factor (as a logarithm) is one stall. */
const CLIP = 2;
/** Of each bound of an interval, over all looks. */
const ALPHA = 0.01;

export class LiveEvidence implements StageEvidence {
  readonly #statistic: 'median' | 'mean';
  readonly #confidences: readonly number[];
  #differences: Moments[];
  #errors = new Moments();
  /** Cost of the cost model's own choices: what a difference of means is relative to. */
  #base = 0;
  #disagreed = 0;

  /** @param confidences required confidences that are looked at, each with its own estimate */
  constructor(statistic: 'median' | 'mean', confidences: readonly number[]) {
    this.#statistic = statistic;
    this.#confidences = confidences;
    this.#differences = confidences.map(() => new Moments());
  }

  /**
   * Takes a transfer that was chosen by estimates, and what both layers had said of it before.
   *
   * @param rules the cost model alone
   * @param layer with the second layer on top
   */
  add(observation: Observation, rules: LaneComparison, layer: LaneComparison): void {
    const actual = observation.latencyUs;
    const taken = observation.method === 'grpc' ? ('grpc' as const) : ('zeroCopy' as const);
    if (!(actual > 0 && rules[taken].latencyUs > 0 && layer[taken].latencyUs > 0)) return;
    this.#errors.add(errorOf(actual, layer[taken].latencyUs) - errorOf(actual, rules[taken].latencyUs));
    const { propensity } = observation;
    if (!(propensity >= MINIMUM_PROPENSITY && propensity <= 1 - MINIMUM_PROPENSITY)) return;
    const byRules = laneBy(rules, this.#statistic);
    const byLayer = laneBy(layer, this.#statistic);
    const base = this.#cost(byRules, observation, rules);
    const difference = byLayer === byRules ? 0 : this.#cost(byLayer, observation, rules) - base;
    const confidence = confidenceOf(layer);
    this.#base += base;
    if (byLayer !== byRules) this.#disagreed += 1;
    for (const [index, required] of this.#confidences.entries()) {
      this.#differences[index]?.add(confidence >= required ? difference : 0);
    }
  }

  get rows(): number {
    return this.#differences[0]?.count ?? 0;
  }

  /** Rows that accuracy rests on: drawn or not. */
  get errorRows(): number {
    return this.#errors.count;
  }

  get disagreement(): number {
    return this.rows === 0 ? 0 : this.#disagreed / this.rows;
  }

  at(requiredConfidence: number): Interval {
    const moments = this.#differences[this.#confidences.indexOf(requiredConfidence)] ?? new Moments();
    const { mean, low, high } = meanInterval(moments, ALPHA);
    // Medians are compared as logarithms, whose differences are relative by themselves.
    const unit = this.#statistic === 'mean' ? Math.max(this.#base / Math.max(1, moments.count), 1e-9) : 1;
    return { mean: mean / unit, low: low / unit, high: high / unit };
  }

  get accuracy(): Interval {
    return meanInterval(this.#errors, ALPHA);
  }

  /** What was seen is forgotten: a stage was entered, or the machine has changed. */
  reset(): void {
    this.#differences = this.#confidences.map(() => new Moments());
    this.#errors = new Moments();
    this.#base = 0;
    this.#disagreed = 0;
  }

  #cost(lane: Lane, { method, latencyUs, propensity }: Observation, rules: LaneComparison): number {
    const scale = this.#statistic === 'mean' ? identity : Math.log;
    const modelled = scale((lane === 'grpc' ? rules.grpc : rules.zeroCopy).latencyUs);
    return lane === method ? modelled + (scale(latencyUs) - modelled) / propensity : modelled;
  }
}

/** The lane that a comparison asks for. */
export function laneBy({ grpc, zeroCopy, logRatio }: LaneComparison, statistic: 'median' | 'mean'): Lane {
  const ratio = statistic === 'mean' ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : logRatio;
  return ratio > 0 ? 'zero_copy' : 'grpc';
}

/** How sure it is which lane has the lower median, 0.5..1: what a stage asks of a model. */
function confidenceOf({ logRatio, logRatioStandardError }: LaneComparison): number {
  return logRatioStandardError > 0 ? normalCdf(Math.abs(logRatio) / logRatioStandardError) : 1;
}

function errorOf(actualUs: number, predictedUs: number): number {
  return Math.min(CLIP, Math.abs(Math.log(actualUs / predictedUs)));
}

function identity(us: number): number {
  return us;
}
