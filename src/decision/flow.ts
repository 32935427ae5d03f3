/** One decision on its way: steps 4 to 8. */
import type { Features } from '../learning/types.ts';
import { Decision } from './decision.ts';
import { type Comparison, compareLanes, isReliable, orderConfidence } from './estimate.ts';
import { explorationProbability } from './exploration.ts';
import { zeroCopyAdvantage } from './objective.ts';
import type { PolicyVerdict } from './policy-step.ts';
import { type Pressure, pressureOf, warmthOf } from './resources.ts';
import type {
  DecisionReason,
  Method,
  PolicySnapshot,
  PoolSnapshot,
  ResourceSnapshot,
  Threshold,
  TransferRequest,
  Warmth,
} from './types.ts';

const HOUR_MS = 3_600_000;

/** The lane that the flow chose so far, and why. */
interface Choice {
  readonly method: Method;
  readonly reason: DecisionReason;
  readonly confidence: number;
}

/** One decision on its way: what is known, and the steps that need it. */
export class Flow {
  readonly request: TransferRequest;
  readonly pool: PoolSnapshot;
  readonly resources: ResourceSnapshot | undefined;
  readonly warmth: Warmth;
  readonly features: Features;
  readonly #transferId: string;
  #compared = false;
  #comparison: Comparison | undefined = undefined;

  constructor(
    request: TransferRequest,
    pool: PoolSnapshot,
    resources: ResourceSnapshot | undefined,
    nowMs: number,
    transferId: string,
  ) {
    this.request = request;
    this.pool = pool;
    this.resources = resources;
    this.warmth = warmthOf(pool, request);
    this.#transferId = transferId;
    this.features = {
      dataSize: request.dataSize,
      dataType: request.dataType,
      format: request.format,
      compression: request.compression,
      warm: this.warmth === 'unknown' ? undefined : this.warmth === 'warm',
      systemLoad: resources?.systemLoad,
      availableMemory: resources?.availableMemory,
      inFlight: pool.inFlight + 1,
      hourOfDay: Math.floor(nowMs / HOUR_MS) % 24,
    };
  }

  get comparison(): Comparison | undefined {
    if (!this.#compared) {
      this.#compared = true;
      this.#comparison = compareLanes(this.pool, this.features);
    }
    return this.#comparison;
  }

  get threshold(): Threshold {
    const { thresholds, mode } = this.pool;
    const own = thresholds.byDataType.get(this.request.dataType) ?? thresholds.default;
    return mode === 'static_rules' ? configured(own) : own;
  }

  /** Steps 4 to 6: estimates under the goal, the machine's state, the margin. */
  choose(): Choice {
    const { comparison, pool, request } = this;
    const pressure = pressureOf(this.resources, pool.policy);
    if (comparison === undefined || !isReliable(comparison)) return this.#byThreshold(comparison, pressure);
    const advantage = zeroCopyAdvantage(pool.policy.goal, comparison, request);
    const method: Method = advantage > 0 ? 'zero_copy' : 'grpc';
    const confidence = orderConfidence(comparison);
    const relieved = relieve(method, advantage, pressure, pool.policy);
    if (relieved !== undefined) return { method: 'zero_copy', reason: relieved, confidence };
    if (method === 'zero_copy' && advantage < pool.policy.marginalBenefit) {
      return { method: 'grpc', reason: 'marginal_benefit', confidence };
    }
    return { method, reason: comparison.source, confidence };
  }

  #byThreshold(comparison: Comparison | undefined, pressure: Pressure): Choice {
    const method: Method = this.request.dataSize >= this.threshold.final ? 'zero_copy' : 'grpc';
    const confidence = comparison === undefined || !comparison.sane ? 0.5 : orderConfidence(comparison);
    if (method === 'grpc' && comparison?.sane) {
      const advantage = zeroCopyAdvantage(this.pool.policy.goal, comparison, this.request);
      const relieved = relieve(method, advantage, pressure, this.pool.policy);
      if (relieved !== undefined) return { method: 'zero_copy', reason: relieved, confidence };
    }
    return { method, reason: 'threshold', confidence };
  }

  /** Step 7: an experiment's variant, then exploration. */
  vary(choice: Choice, random: () => number): Decision {
    const { experiment, policy } = this.pool;
    if (experiment !== undefined) {
      const variant = experiment.assign(this.request.sessionId, random());
      const method = experiment.method(variant, choice.method, this.request);
      if (method !== undefined && method !== choice.method) {
        return this.#decision(method, 'experiment', choice.confidence, 1, false, undefined, variant);
      }
      return this.#decision(choice.method, choice.reason, choice.confidence, 1, false, undefined, variant);
    }
    const explores = policy.learningEnabled && this.pool.mode === 'enabled';
    const probability = explores ? explorationProbability(policy.explorationRate, choice.method, this.comparison) : 0;
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

  byPolicy(verdict: PolicyVerdict): Decision {
    return this.#decision(verdict.method, verdict.reason, 1, 1, false, verdict, undefined);
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
    verdict: PolicyVerdict | undefined,
    variant: string | undefined,
  ): Decision {
    const { version, goal } = this.pool.policy;
    return new Decision({
      transferId: this.#transferId,
      pool: this.pool.pool,
      method,
      reason,
      confidence,
      propensity,
      explored,
      fallback: false,
      problem: undefined,
      variant,
      policy: {
        version,
        goal,
        rule: verdict?.reason === 'custom_rule' ? verdict.by : undefined,
        override: verdict?.reason === 'threshold_override' ? verdict.by : undefined,
      },
      request: this.request,
      features: this.features,
      warmth: this.warmth,
      threshold: this.threshold,
      comparison: this.#comparison,
    });
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
