/**
 * The second layer in service: the cost model's estimate times the exponential of what the trained layer says. `BoostedModel` is mutable and belongs to the learner, which
 * feeds it each success (so that its intervals follow the present) and publishes `snapshot()`.
 */
import { chooseFrom } from './exploration.ts';
import { RollingResiduals } from './rolling-residuals.ts';
import {
  confirms,
  type LearnerKind,
  openSecondLayer,
  type RecentPerformance,
  type SecondLayer,
} from './second-layer.ts';
import type {
  CostModelSnapshot,
  ExplorationLimits,
  ExplorationRequest,
  ExploredChoice,
  Features,
  Lane,
  LaneComparison,
  LatencyEstimate,
  Observation,
} from './types.ts';

export interface BoostedModelOptions {
  readonly modelId: string;
  /** What the bytes are. Default `boosted_trees`. */
  readonly learner?: LearnerKind;
  /** Confidence in the order of the lanes that a decision must have to follow the model, unless `snapshot` is told another. */
  readonly requiredConfidence: number;
  /** Residuals per lane that intervals rest on. Default 200. */
  readonly residualWindow?: number;
  /** Residuals to go on from, as `residuals()` gave them. */
  readonly residuals?: StoredResiduals;
}

export interface StoredResiduals {
  readonly grpc: readonly number[];
  readonly zeroCopy: readonly number[];
}

/** Same shape as `ModelSnapshot` of the decision. */
export interface BoostedSnapshot extends CostModelSnapshot {
  readonly modelId: string;
  readonly learner: LearnerKind;
  readonly requiredConfidence: number;
}

export class BoostedModel {
  readonly #layer: SecondLayer;
  readonly #options: BoostedModelOptions;
  readonly #grpc: RollingResiduals;
  readonly #zeroCopy: RollingResiduals;

  /** @throws PitwallError `PITWALL_INVALID_MODEL` */
  constructor(buffer: ArrayBuffer, options: BoostedModelOptions) {
    this.#layer = openSecondLayer(options.learner ?? 'boosted_trees', buffer);
    this.#options = options;
    const window = options.residualWindow ?? 200;
    this.#grpc = new RollingResiduals(window, options.residuals?.grpc);
    this.#zeroCopy = new RollingResiduals(window, options.residuals?.zeroCopy);
  }

  /** Notes how far off a prediction was. `cost`: a snapshot from before the cost model learned this transfer. */
  observe(observation: Observation, cost: CostModelSnapshot): void {
    const { method } = observation;
    const recent = recentOf(cost);
    const latencyUs =
      cost.estimate(method, observation).latencyUs * Math.exp(this.#layer.correction(method, observation, recent));
    if (!(observation.latencyUs > 0 && observation.latencyUs < 1e12) || !(latencyUs > 0)) return;
    (observation.method === 'grpc' ? this.#grpc : this.#zeroCopy).add(Math.log(observation.latencyUs / latencyUs));
  }

  /** What the intervals rest on, oldest first, to be stored beside the model. */
  residuals(): StoredResiduals {
    return { grpc: this.#grpc.toArray(), zeroCopy: this.#zeroCopy.toArray() };
  }

  get layer(): SecondLayer {
    return this.#layer;
  }

  /** A frozen view on a cost model's snapshot with the layer on top. */
  snapshot(cost: CostModelSnapshot, requiredConfidence = this.#options.requiredConfidence): BoostedSnapshot {
    const identity = { modelId: this.#options.modelId, requiredConfidence };
    return new FrozenBoostedModel(cost, this.#layer, identity, {
      grpc: factorOf(this.#grpc),
      zeroCopy: factorOf(this.#zeroCopy),
    });
  }
}

function recentOf(cost: CostModelSnapshot): RecentPerformance {
  return { grpc: cost.recentPerformance?.('grpc') ?? 0, zero_copy: cost.recentPerformance?.('zero_copy') ?? 0 };
}

function factorOf(residuals: RollingResiduals): number | undefined {
  const halfWidth = residuals.halfWidth();
  return halfWidth === undefined ? undefined : Math.exp(halfWidth);
}

class FrozenBoostedModel implements BoostedSnapshot {
  readonly modelId: string;
  readonly learner: LearnerKind;
  readonly requiredConfidence: number;
  readonly #cost: CostModelSnapshot;
  readonly #layer: SecondLayer;
  readonly #recent: RecentPerformance;
  readonly #factors: { readonly grpc: number | undefined; readonly zeroCopy: number | undefined };

  constructor(
    cost: CostModelSnapshot,
    layer: SecondLayer,
    identity: { readonly modelId: string; readonly requiredConfidence: number },
    factors: { readonly grpc: number | undefined; readonly zeroCopy: number | undefined },
  ) {
    this.#cost = cost;
    this.#layer = layer;
    this.#recent = recentOf(cost);
    this.#factors = factors;
    this.modelId = identity.modelId;
    this.learner = layer.kind;
    this.requiredConfidence = identity.requiredConfidence;
    Object.freeze(this);
  }

  estimate(method: Lane, features: Features): LatencyEstimate {
    if (this.#layer.zeroCopyProbability !== undefined) {
      const { grpc, zeroCopy } = this.compare(features);
      return method === 'grpc' ? grpc : zeroCopy;
    }
    return this.#corrected(method, this.#cost.estimate(method, features), this.#correction(method, features));
  }

  compare(features: Features): LaneComparison {
    const before = this.#cost.compare?.(features);
    const grpc = before?.grpc ?? this.#cost.estimate('grpc', features);
    const zeroCopy = before?.zeroCopy ?? this.#cost.estimate('zero_copy', features);
    const logRatio = before?.logRatio ?? Math.log(grpc.latencyUs / zeroCopy.latencyUs);
    let ofGrpc = this.#correction('grpc', features);
    let ofZeroCopy = this.#correction('zero_copy', features);
    const change = ofGrpc - ofZeroCopy;
    if (!(this.#mayTurn(logRatio, change, features) && this.#mayTurn(meanRatio(grpc, zeroCopy), change, features))) {
      ofGrpc = 0;
      ofZeroCopy = 0;
    }
    return {
      grpc: this.#corrected('grpc', grpc, ofGrpc),
      zeroCopy: this.#corrected('zero_copy', zeroCopy, ofZeroCopy),
      logRatio: logRatio + ofGrpc - ofZeroCopy,
      logRatioStandardError: before?.logRatioStandardError ?? Math.hypot(grpc.standardError, zeroCopy.standardError),
    };
  }

  choose(features: Features, request: ExplorationRequest): ExploredChoice {
    return chooseFrom(this.compare(features), request, this.explorationLimits());
  }

  explorationLimits(): ExplorationLimits {
    return this.#cost.explorationLimits?.() ?? { mayExplore: true, meanLatencyUs: Number.POSITIVE_INFINITY };
  }

  recentPerformance(method: Lane): number {
    return this.#cost.recentPerformance?.(method) ?? 0;
  }

  /** Not for the hot path: trees have steps, so the last crossing is searched for. */
  crossover(features: Features, statistic: 'median' | 'mean' = 'median'): number {
    const gain = (dataSize: number): number => {
      const { grpc, zeroCopy, logRatio } = this.compare({ ...features, dataSize });
      return statistic === 'mean' ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : logRatio;
    };
    if (gain(LARGEST) <= 0) return Number.POSITIVE_INFINITY;
    let cheaper = LARGEST;
    while (cheaper > 1 && gain(cheaper / STEP) > 0) cheaper /= STEP;
    if (cheaper <= 1) return 0;
    let dearer = cheaper / STEP;
    for (let i = 0; i < BISECTIONS; i += 1) {
      const middle = Math.sqrt(dearer * cheaper);
      if (gain(middle) > 0) cheaper = middle;
      else dearer = middle;
    }
    return cheaper;
  }

  #correction(method: Lane, features: Features): number {
    return this.#layer.correction(method, features, this.#recent);
  }

  /** Whether a change of the log ratio leaves the order as it is, or the layer stands by the other one. */
  #mayTurn(logRatio: number, change: number, features: Features): boolean {
    const after = logRatio + change;
    if (logRatio > 0 === after > 0) return true;
    return confirms(this.#layer, after > 0 ? 'zero_copy' : 'grpc', features, this.#recent);
  }

  #corrected(method: Lane, before: LatencyEstimate, correction: number): LatencyEstimate {
    const scale = Math.exp(correction);
    const latencyUs = before.latencyUs * scale;
    const factor = method === 'grpc' ? this.#factors.grpc : this.#factors.zeroCopy;
    return {
      latencyUs,
      meanLatencyUs: before.meanLatencyUs * scale,
      standardError: before.standardError,
      intervalUs: factor === undefined ? scaled(before.intervalUs, scale) : [latencyUs / factor, latencyUs * factor],
      effectiveSamples: before.effectiveSamples,
    };
  }
}

function meanRatio(grpc: LatencyEstimate, zeroCopy: LatencyEstimate): number {
  return Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs);
}

const LARGEST = 2 ** 40;
const STEP = Math.SQRT2;
const BISECTIONS = 20;

function scaled(interval: LatencyEstimate['intervalUs'], scale: number): LatencyEstimate['intervalUs'] {
  return interval === undefined ? undefined : [interval[0] * scale, interval[1] * scale];
}
