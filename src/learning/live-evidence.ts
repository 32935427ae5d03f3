/**
 * What live traffic says of a second layer: of following it as the stages of its rollout would, against the cost model alone. Nobody runs both on the same
 * transfer, so it is the doubly robust estimate (Dudík, Langford, Li, ICML 2011) by the logged propensities, over the rows where both would take
 * different lanes; in the others following one or the other is the same.
 *
 *   difference = mean of m(lane by the layer) - m(lane by the rules)                      m: the cost model's word
 *              + weighted mean of (actual - m) where the layer's lane was taken
 *              - weighted mean of (actual - m) where the rules' lane was taken            weights 1 / propensity
 *
 * Each weighted mean is divided by its own weights (self-normalised: Swaminathan & Joachims, NIPS 2015). With plain weights, before the rare lane had been
 * tried a few times, an interval was narrow around the cost model's own word, and good models were sent back.
 * Rows whose lane was not drawn, or hardly, say nothing about the other lane and are left out.
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
/** Both lanes must have been taken so often where the layer and the rules differ. */
const MINIMUM_TRIALS = 5;
/** An error beyond this factor (as a logarithm) is one stall. */
const CLIP = 2;
/** Of each bound of an interval, over all looks. */
const ALPHA = 0.01;
/** Scatter of a handful of transfers, as a share of what they take: a factor of 1.5. */
const PRIOR_SCATTER = 0.4;
const NOTHING: Interval = { mean: 0, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** Rows where the layer, followed at one required confidence, takes another lane. */
interface Differing {
  /** m(layer's lane) - m(rules' lane). */
  readonly modelled: Moments;
  /** actual - m, where that lane was taken. */
  readonly byLayer: Moments;
  readonly byRules: Moments;
}

export class LiveEvidence implements StageEvidence {
  readonly #statistic: 'median' | 'mean';
  readonly #differing: ReadonlyMap<number, Differing>;
  readonly #errors = new Moments();
  /** What the cost model expects of its own choices. */
  readonly #base = new Moments();
  #disagreed = 0;

  /** @param confidences required confidences that are looked at, each with its own estimate */
  constructor(statistic: 'median' | 'mean', confidences: readonly number[]) {
    this.#statistic = statistic;
    this.#differing = new Map(confidences.map((required) => [required, newDiffering()]));
  }

  /**
   * Takes a transfer that was chosen by estimates, and what both layers had said of it before.
   *
   * @param rules the cost model alone
   * @param layer with the second layer on top
   */
  add(observation: Observation, rules: LaneComparison, layer: LaneComparison): void {
    const { method, latencyUs, propensity } = observation;
    const told = estimateOf(rules, method);
    const corrected = estimateOf(layer, method);
    if (!(latencyUs > 0 && told > 0 && corrected > 0)) return;
    this.#errors.add(errorOf(latencyUs, corrected) - errorOf(latencyUs, told));
    if (!(propensity >= MINIMUM_PROPENSITY && propensity <= 1 - MINIMUM_PROPENSITY)) return;
    const byRules = laneBy(rules, this.#statistic);
    const byLayer = laneBy(layer, this.#statistic);
    this.#base.add(estimateOf(rules, byRules));
    if (byLayer === byRules) return;
    this.#disagreed += 1;
    const modelled = this.#scaled(estimateOf(rules, byLayer)) - this.#scaled(estimateOf(rules, byRules));
    const left = this.#scaled(latencyUs) - this.#scaled(told);
    const confidence = confidenceOf(layer);
    for (const [required, differing] of this.#differing) {
      if (confidence < required) continue;
      differing.modelled.add(modelled);
      (method === byLayer ? differing.byLayer : differing.byRules).add(left, 1 / propensity);
    }
  }

  get rows(): number {
    return this.#base.count;
  }

  /** Rows that accuracy rests on: drawn or not. */
  get errorRows(): number {
    return this.#errors.count;
  }

  get disagreement(): number {
    return this.rows === 0 ? 0 : this.#disagreed / this.rows;
  }

  at(requiredConfidence: number): Interval {
    const differing = this.#differing.get(requiredConfidence);
    if (differing === undefined || this.rows === 0) return NOTHING;
    const { modelled, byLayer, byRules } = differing;
    if (modelled.count === 0) return { mean: 0, low: 0, high: 0 };
    // Medians are compared as logarithms, whose differences are relative by themselves.
    const unit = this.#statistic === 'mean' ? Math.max(this.#base.mean, 1e-9) : 1;
    const options = {
      alpha: ALPHA,
      narrowestAt: 50,
      minimumRows: MINIMUM_TRIALS,
      priorVariance: (PRIOR_SCATTER * unit) ** 2,
    };
    const parts = [modelled, byLayer, byRules].map((moments) => meanInterval(moments, options));
    const mean = modelled.mean + byLayer.mean - byRules.mean;
    const reach = Math.hypot(...parts.map((part) => part.high - part.mean));
    const scale = modelled.count / this.rows / unit;
    return { mean: scale * mean, low: scale * (mean - reach), high: scale * (mean + reach) };
  }

  get accuracy(): Interval {
    return meanInterval(this.#errors, { alpha: ALPHA });
  }

  #scaled(us: number): number {
    return this.#statistic === 'mean' ? us : Math.log(us);
  }
}

function newDiffering(): Differing {
  return { modelled: new Moments(), byLayer: new Moments(), byRules: new Moments() };
}

function estimateOf(comparison: LaneComparison, lane: Lane): number {
  return (lane === 'grpc' ? comparison.grpc : comparison.zeroCopy).latencyUs;
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
