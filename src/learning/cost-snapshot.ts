/**
 * What the cost model publishes: a frozen copy of its parameters that the hot path reads. Costs are exponentiated once, when the copy is made.
 */
import { quadraticForm } from './cost-filter.ts';
import { type KindCosts, Linearization, linearize } from './cost-structure.ts';
import { type KindIndex, slotOf } from './kind-table.ts';
import type { CostModelSnapshot, Features, Lane, LaneComparison, LatencyEstimate } from './types.ts';

/** What is known of a lane beside its parameters. */
export interface LaneScatter {
  /** The 90 % interval goes from median / factor to median * factor; undefined: nothing learned yet. */
  readonly intervalFactor: number | undefined;
  /** Mean over median. */
  readonly smearing: number;
  /** By slot. */
  readonly effectiveSamples: readonly number[];
}

export interface SnapshotParts {
  readonly theta: Float64Array;
  readonly covariance: Float64Array;
  readonly costs: readonly KindCosts[];
  readonly index: KindIndex;
  readonly grpc: LaneScatter;
  readonly zeroCopy: LaneScatter;
}

export class FrozenCostModel implements CostModelSnapshot {
  readonly #theta: Float64Array;
  readonly #covariance: Float64Array;
  readonly #costs: readonly KindCosts[];
  readonly #shared: KindCosts;
  readonly #index: KindIndex;
  readonly #grpcScatter: LaneScatter;
  readonly #zeroCopyScatter: LaneScatter;
  // Room for the arithmetic, overwritten by each call; a snapshot stays in its thread.
  readonly #grpc = new Linearization();
  readonly #zeroCopy = new Linearization();

  constructor(parts: SnapshotParts, shared: KindCosts) {
    this.#theta = parts.theta;
    this.#covariance = parts.covariance;
    this.#costs = parts.costs;
    this.#shared = shared;
    this.#index = parts.index;
    this.#grpcScatter = parts.grpc;
    this.#zeroCopyScatter = parts.zeroCopy;
    Object.freeze(this);
  }

  estimate(method: Lane, features: Features): LatencyEstimate {
    const slot = slotOf(this.#index, features.dataType, features.format);
    const room = method === 'grpc' ? this.#grpc : this.#zeroCopy;
    const scatter = method === 'grpc' ? this.#grpcScatter : this.#zeroCopyScatter;
    linearize(room, this.#theta, this.#costs[slot] ?? this.#shared, method, features, true);
    return toEstimate(room, scatter, slot, quadraticForm(this.#covariance, this.#theta.length, room, room));
  }

  compare(features: Features): LaneComparison {
    const slot = slotOf(this.#index, features.dataType, features.format);
    const costs = this.#costs[slot] ?? this.#shared;
    const size = this.#theta.length;
    linearize(this.#grpc, this.#theta, costs, 'grpc', features, true);
    linearize(this.#zeroCopy, this.#theta, costs, 'zero_copy', features, true);
    const grpcVariance = quadraticForm(this.#covariance, size, this.#grpc, this.#grpc);
    const zeroCopyVariance = quadraticForm(this.#covariance, size, this.#zeroCopy, this.#zeroCopy);
    const shared = quadraticForm(this.#covariance, size, this.#grpc, this.#zeroCopy);
    return {
      grpc: toEstimate(this.#grpc, this.#grpcScatter, slot, grpcVariance),
      zeroCopy: toEstimate(this.#zeroCopy, this.#zeroCopyScatter, slot, zeroCopyVariance),
      logRatio: Math.log(this.#grpc.latencyUs / this.#zeroCopy.latencyUs),
      logRatioStandardError: Math.sqrt(Math.max(0, grpcVariance + zeroCopyVariance - 2 * shared)),
    };
  }

  crossover(features: Features, statistic: 'median' | 'mean' = 'median'): number {
    const slot = slotOf(this.#index, features.dataType, features.format);
    const costs = this.#costs[slot] ?? this.#shared;
    linearize(this.#grpc, this.#theta, costs, 'grpc', features, false);
    linearize(this.#zeroCopy, this.#theta, costs, 'zero_copy', features, false);
    const mean = statistic === 'mean';
    const grpcFactor = mean ? this.#grpcScatter.smearing : 1;
    const zeroCopyFactor = mean ? this.#zeroCopyScatter.smearing : 1;
    const extraFixed = zeroCopyFactor * this.#zeroCopy.fixedUs - grpcFactor * this.#grpc.fixedUs;
    const gainPerByte = grpcFactor * this.#grpc.usPerByte - zeroCopyFactor * this.#zeroCopy.usPerByte;
    if (gainPerByte > 0) return Math.max(0, extraFixed / gainPerByte);
    return gainPerByte === 0 && extraFixed <= 0 ? 0 : Number.POSITIVE_INFINITY;
  }
}

function toEstimate(at: Linearization, scatter: LaneScatter, slot: number, variance: number): LatencyEstimate {
  const latencyUs = at.latencyUs;
  const factor = scatter.intervalFactor;
  return {
    latencyUs,
    meanLatencyUs: latencyUs * scatter.smearing,
    standardError: Math.sqrt(variance),
    intervalUs: factor === undefined ? undefined : [latencyUs / factor, latencyUs * factor],
    effectiveSamples: scatter.effectiveSamples[slot] ?? 0,
  };
}
