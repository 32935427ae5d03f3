/**
 * What the cost model publishes: a frozen copy of its parameters that the hot path reads. What readers of one kind need (its costs, the
 * covariance of what they depend on) is worked out once, when that kind is first asked for.
 */
import {
  type KindCosts,
  kindCosts,
  Linearization,
  linearize,
  reduceCovariance,
  SHARED_PARAMETERS,
} from './cost-structure.ts';
import { chooseFrom } from './exploration.ts';
import { type KindIndex, slotOf } from './kind-table.ts';
import type {
  CostModelSnapshot,
  ExplorationLimits,
  ExplorationRequest,
  ExploredChoice,
  Features,
  Lane,
  LaneComparison,
  LatencyEstimate,
} from './types.ts';

/** What is known of a lane beside its parameters. */
export interface LaneScatter {
  /** The 90 % interval goes from median / factor to median * factor; undefined: nothing learned yet. */
  readonly intervalFactor: number | undefined;
  /** Mean over median. */
  readonly smearing: number;
  /** Mean of the last residuals. */
  readonly recent: number;
  /** By slot. */
  readonly effectiveSamples: readonly number[];
}

export interface SnapshotParts {
  readonly theta: Float64Array;
  readonly covariance: Float64Array;
  readonly index: KindIndex;
  readonly grpc: LaneScatter;
  readonly zeroCopy: LaneScatter;
  /** Mean latency of the pool's recent transfers. */
  readonly meanLatencyUs: number;
  /** False while the budget for exploration is spent. */
  readonly mayExplore: boolean;
  /** What exploration was expected to cost, as a share of the recent transfers' time; and how much it may. */
  readonly spent: number;
  readonly budget: number;
  readonly floorScale: number;
}

export class FrozenCostModel implements CostModelSnapshot {
  readonly #parts: SnapshotParts;
  readonly #kinds: (KindView | undefined)[] = [];
  // Room for the arithmetic, overwritten by each call; a snapshot stays in its thread.
  readonly #grpc = new Linearization();
  readonly #zeroCopy = new Linearization();
  readonly #difference = new Float64Array(SHARED_PARAMETERS);

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    Object.freeze(this);
  }

  estimate(method: Lane, features: Features): LatencyEstimate {
    const view = this.#view(features);
    const room = method === 'grpc' ? this.#grpc : this.#zeroCopy;
    linearize(room, this.#parts.theta, view.costs, method, features);
    return toEstimate(room, method === 'grpc' ? this.#parts.grpc : this.#parts.zeroCopy, view);
  }

  compare(features: Features): LaneComparison {
    const view = this.#view(features);
    linearize(this.#grpc, this.#parts.theta, view.costs, 'grpc', features);
    linearize(this.#zeroCopy, this.#parts.theta, view.costs, 'zero_copy', features);
    return {
      grpc: toEstimate(this.#grpc, this.#parts.grpc, view),
      zeroCopy: toEstimate(this.#zeroCopy, this.#parts.zeroCopy, view),
      logRatio: Math.log(this.#grpc.latencyUs / this.#zeroCopy.latencyUs),
      logRatioStandardError: Math.sqrt(this.#differenceVariance(view.covariance)),
    };
  }

  choose(features: Features, request: ExplorationRequest): ExploredChoice {
    return chooseFrom(this.compare(features), request, this.#parts);
  }

  explorationLimits(): ExplorationLimits {
    const { mayExplore, meanLatencyUs, spent, budget, floorScale } = this.#parts;
    return { mayExplore, meanLatencyUs, spent, budget, floorScale };
  }

  crossover(features: Features, statistic: 'median' | 'mean' = 'median'): number {
    const { costs } = this.#view(features);
    // Costs are linear in size: any size gives both terms.
    const at = features.dataSize > 0 ? features : { ...features, dataSize: 1 };
    linearize(this.#grpc, this.#parts.theta, costs, 'grpc', at);
    linearize(this.#zeroCopy, this.#parts.theta, costs, 'zero_copy', at);
    const grpcFactor = statistic === 'mean' ? this.#parts.grpc.smearing : 1;
    const zeroCopyFactor = statistic === 'mean' ? this.#parts.zeroCopy.smearing : 1;
    const extraFixed = zeroCopyFactor * this.#zeroCopy.fixedUs - grpcFactor * this.#grpc.fixedUs;
    const gainPerByte = grpcFactor * this.#grpc.usPerByte - zeroCopyFactor * this.#zeroCopy.usPerByte;
    if (gainPerByte > 0) return Math.max(0, extraFixed / gainPerByte);
    return gainPerByte === 0 && extraFixed <= 0 ? 0 : Number.POSITIVE_INFINITY;
  }

  recentPerformance(method: Lane): number {
    return method === 'grpc' ? this.#parts.grpc.recent : this.#parts.zeroCopy.recent;
  }

  #view(features: Features): KindView {
    const slot = slotOf(this.#parts.index, features.dataType, features.format);
    return this.#kinds[slot] ?? this.#addView(slot);
  }

  #addView(slot: number): KindView {
    const { theta, covariance, grpc } = this.#parts;
    const view = {
      slot: slot < grpc.effectiveSamples.length ? slot : 0,
      costs: kindCosts(theta, slot),
      covariance: reduceCovariance(covariance, theta.length, slot),
    };
    this.#kinds[slot] = view;
    return view;
  }

  /** Variance of log(gRPC) - log(zero-copy): what both depend on alike has cancelled. */
  #differenceVariance(covariance: Float64Array): number {
    const difference = this.#difference;
    difference.fill(0);
    addTo(difference, this.#grpc, 1);
    addTo(difference, this.#zeroCopy, -1);
    let total = 0;
    for (let row = 0; row < SHARED_PARAMETERS; row += 1) {
      const weight = difference[row] ?? 0;
      if (weight === 0) continue;
      let sum = (weight * (covariance[row * SHARED_PARAMETERS + row] ?? 0)) / 2;
      for (let column = 0; column < row; column += 1) {
        sum += (difference[column] ?? 0) * (covariance[row * SHARED_PARAMETERS + column] ?? 0);
      }
      total += 2 * weight * sum;
    }
    return Math.max(0, total);
  }
}

interface KindView {
  readonly slot: number;
  readonly costs: KindCosts;
  readonly covariance: Float64Array;
}

/** Doubt raises an expectation no further than this variance does. */
const MAX_DOUBT = 1;

function toEstimate(at: Linearization, scatter: LaneScatter, view: KindView): LatencyEstimate {
  const variance = varianceOf(at, view.covariance);
  const { latencyUs } = at;
  const factor = scatter.intervalFactor;
  return {
    latencyUs,
    // Mean of a log-normal with the scatter's and the doubt's variance: a lane that is little known may turn out dear.
    meanLatencyUs: latencyUs * scatter.smearing * Math.exp(Math.min(MAX_DOUBT, variance) / 2),
    standardError: Math.sqrt(variance),
    intervalUs: factor === undefined ? undefined : [latencyUs / factor, latencyUs * factor],
    effectiveSamples: scatter.effectiveSamples[view.slot] ?? 0,
  };
}

function varianceOf(at: Linearization, covariance: Float64Array): number {
  let total = 0;
  for (let i = 0; i < at.count; i += 1) {
    const row = (at.index[i] ?? 0) * SHARED_PARAMETERS;
    let sum = 0;
    for (let j = 0; j < at.count; j += 1) sum += (covariance[row + (at.index[j] ?? 0)] ?? 0) * (at.gradient[j] ?? 0);
    total += sum * (at.gradient[i] ?? 0);
  }
  return Math.max(0, total);
}

function addTo(sum: Float64Array, at: Linearization, sign: number): void {
  for (let i = 0; i < at.count; i += 1) {
    const index = at.index[i] ?? 0;
    sum[index] = (sum[index] ?? 0) + sign * (at.gradient[i] ?? 0);
  }
}
