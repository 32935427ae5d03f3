/** One decision on its way: what is known, and steps 4 to 8. Lives as long as the decision takes. */
import type { Goal } from '../config/types.ts';
import type { CostModelSnapshot, LaneComparison } from '../learning/types.ts';
import { Decision, type DecisionBasis } from './decision.ts';
import { compareBy, compareByModel, type EstimateSource, isReliable, isSane, orderConfidence } from './estimate.ts';
import { blindProbability, informedProbability } from './exploration.ts';
import { zeroCopyAdvantage } from './objective.ts';
import type { PolicyVerdict } from './policy-step.ts';
import { type Pressure, pressureOf, warmFor } from './resources.ts';
import type {
  DecisionReason,
  Method,
  PolicySnapshot,
  PoolSnapshot,
  ResourceSnapshot,
  Threshold,
  TransferRequest,
} from './types.ts';

const HOUR_MS = 3_600_000;

/** The lane that the flow chose so far, and why. */
interface Choice {
  readonly method: Method;
  readonly reason: DecisionReason;
  readonly confidence: number;
  /** Estimates were reliable enough to follow. */
  readonly informed: boolean;
}

export class Flow implements DecisionBasis {
  readonly transferId: string;
  readonly request: TransferRequest;
  readonly snapshot: PoolSnapshot;
  readonly resources: ResourceSnapshot | undefined;
  readonly pool: string;
  readonly policyVersion: number;
  readonly goal: Goal;
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly compression: boolean;
  readonly warm: boolean | undefined;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  readonly inFlight: number;
  readonly hourOfDay: number;
  comparison: LaneComparison | undefined = undefined;
  source: EstimateSource = 'cost_model';

  constructor(
    request: TransferRequest,
    snapshot: PoolSnapshot,
    resources: ResourceSnapshot | undefined,
    nowMs: number,
    transferId: string,
  ) {
    this.transferId = transferId;
    this.request = request;
    this.snapshot = snapshot;
    this.resources = resources;
    this.pool = snapshot.pool;
    this.policyVersion = snapshot.policy.version;
    this.goal = snapshot.policy.goal;
    this.dataSize = request.dataSize;
    this.dataType = request.dataType;
    this.format = request.format;
    this.compression = request.compression;
    this.warm = warmFor(snapshot, request.dataSize);
    this.systemLoad = resources?.systemLoad;
    this.availableMemory = resources?.availableMemory;
    this.inFlight = snapshot.inFlight + 1;
    this.hourOfDay = Math.floor(nowMs / HOUR_MS) % 24;
  }

  get threshold(): Threshold {
    const { thresholds, mode } = this.snapshot;
    const own = thresholds.byDataType.get(this.dataType) ?? thresholds.default;
    return mode === 'static_rules' ? configured(own) : own;
  }

  /** Both lanes, by the model where it may serve, else by the cost model. Undefined where learning is off or nothing was published. */
  compare(): LaneComparison | undefined {
    const { snapshot } = this;
    if (!snapshot.policy.learningEnabled || snapshot.mode !== 'enabled') return undefined;
    const byModel = compareByModel(snapshot, this);
    if (byModel !== undefined) this.source = 'model';
    this.comparison = byModel ?? (snapshot.costModel && compareBy(snapshot.costModel, this));
    return this.comparison;
  }

  /** Steps 4 to 6: estimates under the goal, the machine's state, the margin. */
  choose(): Choice {
    const { policy } = this.snapshot;
    const comparison = this.compare();
    const pressure = pressureOf(this.resources, policy);
    if (comparison === undefined || !isReliable(comparison, this.source)) {
      return this.#byThreshold(comparison, pressure);
    }
    const advantage = zeroCopyAdvantage(policy.goal, comparison, this.dataSize);
    const method: Method = advantage > 0 ? 'zero_copy' : 'grpc';
    const confidence = orderConfidence(comparison);
    const relieved = relieve(method, advantage, pressure, policy);
    if (relieved !== undefined) return { method: 'zero_copy', reason: relieved, confidence, informed: true };
    if (method === 'zero_copy' && advantage < policy.marginalBenefit) {
      return { method: 'grpc', reason: 'marginal_benefit', confidence, informed: true };
    }
    return { method, reason: this.source, confidence, informed: true };
  }

  #byThreshold(comparison: LaneComparison | undefined, pressure: Pressure): Choice {
    const method: Method = this.dataSize >= this.threshold.final ? 'zero_copy' : 'grpc';
    if (comparison === undefined || !isSane(comparison)) {
      return { method, reason: 'threshold', confidence: 0.5, informed: false };
    }
    const confidence = orderConfidence(comparison);
    if (method === 'grpc') {
      const advantage = zeroCopyAdvantage(this.goal, comparison, this.dataSize);
      const relieved = relieve(method, advantage, pressure, this.snapshot.policy);
      if (relieved !== undefined) return { method: 'zero_copy', reason: relieved, confidence, informed: false };
    }
    return { method, reason: 'threshold', confidence, informed: false };
  }

  /** Step 7: an experiment's variant, then exploration. */
  vary(choice: Choice, random: () => number): Decision {
    const { experiment } = this.snapshot;
    if (experiment !== undefined) {
      const variant = experiment.assign(this.request.sessionId, random());
      const method = experiment.method(variant, choice.method, this.request) ?? choice.method;
      const reason = method === choice.method ? choice.reason : 'experiment';
      return this.#decision(method, reason, choice.confidence, 1, false, undefined, variant);
    }
    const probability = this.#explorationProbability(choice);
    if (probability > 0 && random() < probability) {
      const other: Method = choice.method === 'grpc' ? 'zero_copy' : 'grpc';
      return this.#decision(other, 'exploration', choice.confidence, probability, true, undefined, undefined);
    }
    return this.#decision(
      choice.method,
      choice.reason,
      choice.confidence,
      1 - probability,
      false,
      undefined,
      undefined,
    );
  }

  #explorationProbability(choice: Choice): number {
    const { policy, mode, model, costModel } = this.snapshot;
    const { comparison } = this;
    if (!policy.learningEnabled || mode !== 'enabled') return 0;
    if (!choice.informed || comparison === undefined) {
      return blindProbability(policy.explorationRate, choice.method, comparison);
    }
    const learner: CostModelSnapshot | undefined = this.source === 'model' ? model : costModel;
    return informedProbability(policy.explorationRate, policy.goal, choice.method, comparison, learner);
  }

  byPolicy(verdict: PolicyVerdict): Decision {
    return this.#decision(verdict.method, verdict.reason, 1, 1, false, verdict.by, undefined);
  }

  /** The flow ends here: no estimate took part, nothing was drawn. */
  end(method: Method, reason: DecisionReason): Decision {
    return this.#decision(method, reason, 1, 1, false, undefined, undefined);
  }

  #decision(
    method: Method,
    reason: DecisionReason,
    confidence: number,
    propensity: number,
    explored: boolean,
    by: string | undefined,
    variant: string | undefined,
  ): Decision {
    return new Decision(this, { method, reason, confidence, propensity, explored, by, variant });
  }
}

function configured(threshold: Threshold): Threshold {
  return { base: threshold.base, adjustmentFactor: 1, resourceFactor: 1, final: threshold.base };
}

/** What zero-copy may be slower by when memory is short, as a share. */
const MEMORY_PATIENCE = 0.25;

/**
 * Under pressure the lane that spares the resource is taken, as long as it costs little: zero-copy holds a third of the memory and a fraction
 * of the cpu time. Memory is worth more patience than cpu: running out of it ends processes.
 */
function relieve(
  method: Method,
  advantage: number,
  pressure: Pressure,
  policy: PolicySnapshot,
): 'memory_pressure' | 'cpu_pressure' | undefined {
  if (pressure === 'none') return undefined;
  // A clear winner needs no second reason.
  if (method === 'zero_copy' && advantage >= policy.marginalBenefit) return undefined;
  if (pressure === 'memory') return advantage > -MEMORY_PATIENCE ? 'memory_pressure' : undefined;
  return advantage > -policy.marginalBenefit ? 'cpu_pressure' : undefined;
}
