/** One decision on its way: what is known, what was compared. Lives as long as the decision takes. */
import type { Goal } from '../config/types.ts';
import type { CostModelSnapshot, LaneComparison } from '../learning/types.ts';
import { Decision, type DecisionBasis } from './decision.ts';
import { compareBy, compareByModel, type EstimateSource, isSane, laneConfidence } from './estimate.ts';
import { type Assignment, drawnPropensity } from './experiment.ts';
import { type Choice, explorationProbability } from './exploration.ts';
import { comparedBy } from './objective.ts';
import { warmFor } from './resources.ts';
import type {
  DecisionReason,
  Method,
  PoolSnapshot,
  ResourceSnapshot,
  RuleFailure,
  Threshold,
  TransferRequest,
} from './types.ts';

/** What step 2 found. */
export interface PolicyVerdict {
  readonly method: Method;
  readonly reason: 'custom_rule' | 'threshold_override';
  /** The rule's name, or the override's data type. */
  readonly by: string;
}

const HOUR_MS = 3_600_000;

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
  readonly nowMs: number;
  /** The experiment's variant that the request belongs to. */
  readonly assigned: Assignment | undefined;
  comparison: LaneComparison | undefined = undefined;
  source: EstimateSource = 'cost_model';
  modelId: string | undefined = undefined;
  /** Whose comparison it is. */
  learner: CostModelSnapshot | undefined = undefined;
  ruleFailure: RuleFailure | undefined = undefined;

  constructor(
    request: TransferRequest,
    snapshot: PoolSnapshot,
    resources: ResourceSnapshot | undefined,
    nowMs: number,
    transferId: string,
    assigned?: Assignment,
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
    this.nowMs = nowMs;
    this.assigned = assigned;
  }

  get threshold(): Threshold {
    const { thresholds, mode } = this.snapshot;
    const own = thresholds.byDataType.get(this.dataType) ?? thresholds.default;
    return mode === 'static_rules' ? fixedThreshold(own.base) : own;
  }

  /**
   * Both lanes, by the trained model where its stage lets it serve and it is sure enough, else by the cost model. Undefined where learning is off
   * or nothing was published. The numbers stay for the explanation.
   */
  compare(): LaneComparison | undefined {
    const { snapshot } = this;
    if (this.comparison !== undefined) return this.comparison;
    if (!snapshot.policy.learningEnabled || snapshot.mode !== 'enabled') return undefined;
    const byModel = compareByModel(snapshot, this);
    if (byModel !== undefined) {
      this.source = 'model';
      this.modelId = snapshot.model?.modelId;
    }
    this.learner = byModel === undefined ? snapshot.costModel : snapshot.model;
    this.comparison = byModel ?? (snapshot.costModel && compareBy(snapshot.costModel, this));
    return this.comparison;
  }

  /** The flow ends here: no estimate took part, nothing was drawn. */
  end(method: Method, reason: DecisionReason): Decision {
    return this.#decision(method, reason, 1, this.#propensity(method, 1, reason), false, undefined);
  }

  byPolicy(verdict: PolicyVerdict): Decision {
    const propensity = this.#propensity(verdict.method, 1, verdict.reason);
    return this.#decision(verdict.method, verdict.reason, 1, propensity, false, verdict.by);
  }

  /** A variant of an experiment fixes the lane. `byPolicy`: with which probability the pool's own policy takes it too. */
  fixed(method: Method, byPolicy: number): Decision {
    const propensity = this.#propensity(method, byPolicy, 'experiment');
    return this.#decision(method, 'experiment', this.#confidence(method), propensity, false, undefined);
  }

  /** Step 7: now and then the other lane. Draws at most once. */
  vary(choice: Choice, random: () => number): Decision {
    const { snapshot, comparison, learner } = this;
    const probability = explorationProbability(choice, snapshot.policy, comparison, learner);
    if (probability > 0 && random() < probability) {
      const other: Method = choice.method === 'grpc' ? 'zero_copy' : 'grpc';
      const tried = this.#propensity(other, probability, 'exploration');
      return this.#decision(other, 'exploration', this.#confidence(other), tried, true, undefined);
    }
    const propensity = this.#propensity(choice.method, 1 - probability, choice.reason);
    return this.#decision(choice.method, choice.reason, this.#confidence(choice.method), propensity, false, undefined);
  }

  /** Over the draw of the variant too, where there was one. What no lane could change is no draw. */
  #propensity(method: Method, byPolicy: number, reason: DecisionReason): number {
    const { assigned } = this;
    if (assigned === undefined || assigned.variant.pool !== undefined || OBSTACLES.has(reason)) return byPolicy;
    return drawnPropensity(assigned.experiment, this.request, method, byPolicy);
  }

  #confidence(method: Method): number {
    const { comparison } = this;
    if (comparison === undefined || !isSane(comparison)) return 0.5;
    return laneConfidence(method, comparison, comparedBy(this.goal));
  }

  #decision(
    method: Method,
    reason: DecisionReason,
    confidence: number,
    propensity: number,
    explored: boolean,
    by: string | undefined,
  ): Decision {
    return new Decision(this, { method, reason, confidence, propensity, explored, by });
  }
}

/** gRPC whatever the variant. */
const OBSTACLES: ReadonlySet<DecisionReason> = new Set([
  'zero_copy_unavailable',
  'circuit_open',
  'shared_memory_exhausted',
]);

/** A threshold that nothing moves. */
function fixedThreshold(bytes: number): Threshold {
  return { base: bytes, adjustmentFactor: 1, resourceFactor: 1, final: bytes };
}
