/** What comes out of a decision, and how it explains itself. */
import type { Features } from '../learning/types.ts';
import { analyzeCosts } from './cost-benefit.ts';
import { type Comparison, orderConfidence } from './estimate.ts';
import { methodCosts } from './method-costs.ts';
import type {
  CostBenefitAnalysis,
  DecisionReason,
  Method,
  PolicyTrace,
  Threshold,
  TransferRequest,
  Warmth,
} from './types.ts';

/** What a decision is made of. */
export interface DecisionParts {
  readonly transferId: string;
  readonly pool: string | undefined;
  readonly method: Method;
  readonly reason: DecisionReason;
  /** Probability that this lane is the better one, 0..1; 1 where it was not a matter of estimates. */
  readonly confidence: number;
  /** Probability with which this lane was drawn; 1 where there was no draw. */
  readonly propensity: number;
  readonly explored: boolean;
  readonly fallback: boolean;
  /** What was wrong, for `invalid_request` and `decision_failed`. */
  readonly problem: string | undefined;
  readonly variant: string | undefined;
  readonly policy: PolicyTrace;
  readonly request: TransferRequest;
  readonly features: Features;
  readonly warmth: Warmth;
  readonly threshold: Threshold | undefined;
  readonly comparison: Comparison | undefined;
}

/** A decision: plain readonly fields, and an analysis that is only built when it is first read. */
export class Decision {
  readonly transferId: string;
  /** undefined where the request named none. */
  readonly pool: string | undefined;
  readonly method: Method;
  readonly reason: DecisionReason;
  readonly confidence: number;
  readonly propensity: number;
  readonly explored: boolean;
  readonly fallback: boolean;
  readonly problem: string | undefined;
  readonly variant: string | undefined;
  readonly policy: PolicyTrace;
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly compression: boolean;
  readonly warmth: Warmth;
  /** What the lanes were predicted from, and what a record of this transfer teaches. */
  readonly features: Features;
  readonly #threshold: Threshold | undefined;
  readonly #comparison: Comparison | undefined;
  readonly #request: TransferRequest;
  #analysis: CostBenefitAnalysis | undefined = undefined;

  constructor(parts: DecisionParts) {
    this.transferId = parts.transferId;
    this.pool = parts.pool;
    this.method = parts.method;
    this.reason = parts.reason;
    this.confidence = parts.confidence;
    this.propensity = parts.propensity;
    this.explored = parts.explored;
    this.fallback = parts.fallback;
    this.problem = parts.problem;
    this.variant = parts.variant;
    this.policy = parts.policy;
    this.dataSize = parts.request.dataSize;
    this.dataType = parts.request.dataType;
    this.format = parts.request.format;
    this.compression = parts.request.compression;
    this.warmth = parts.warmth;
    this.features = parts.features;
    this.#request = parts.request;
    this.#threshold = parts.threshold;
    this.#comparison = parts.comparison;
  }

  /** Expected latency of the chosen lane, microseconds; undefined where nothing was estimated. */
  get predictedLatencyUs(): number | undefined {
    const estimate = this.method === 'grpc' ? this.#comparison?.grpc : this.#comparison?.zeroCopy;
    return estimate?.latencyUs;
  }

  /** 90 % interval of that latency, microseconds. */
  get intervalUs(): readonly [low: number, high: number] | undefined {
    const estimate = this.method === 'grpc' ? this.#comparison?.grpc : this.#comparison?.zeroCopy;
    return estimate?.intervalUs;
  }

  /** Size from which this data type goes zero-copy where nothing better is known, bytes. */
  get thresholdBytes(): number | undefined {
    return this.#threshold?.final;
  }

  /** Both lanes' costs, made of the numbers that decided; undefined where the lanes were not compared. Built when first read. */
  get analysis(): CostBenefitAnalysis | undefined {
    const comparison = this.#comparison;
    if (comparison === undefined) return undefined;
    this.#analysis ??= analyzeCosts(
      {
        zero_copy: methodCosts('zero_copy', this.#request, this.warmth, comparison.zeroCopy, comparison.source),
        grpc: methodCosts('grpc', this.#request, this.warmth, comparison.grpc, comparison.source),
      },
      {
        dataSize: this.dataSize,
        systemLoad: this.features.systemLoad,
        availableMemory: this.features.availableMemory,
        warmth: this.warmth,
      },
      orderConfidence(comparison),
      comparison.logRatio > 0 ? 'zero_copy' : 'grpc',
    );
    return this.#analysis;
  }

  /** Why, in a sentence or two. */
  get rationale(): string {
    const lane = this.method === 'zero_copy' ? 'zero-copy' : 'gRPC';
    const why = EXPLANATIONS[this.reason](this, lane);
    const analysis = this.analysis;
    return analysis === undefined ? why : `${why}. ${analysis.rationale}`;
  }

  /** A plain object: everything there is to know, for messages, logs and `explain`. */
  toJSON(): object {
    const { transferId, pool, method, reason, confidence, propensity, explored, fallback, problem, variant } = this;
    const { policy, dataSize, dataType, format, compression, warmth, predictedLatencyUs, intervalUs } = this;
    const { thresholdBytes, features, analysis, rationale } = this;
    return {
      ...{ transferId, pool, method, reason, confidence, propensity, explored, fallback, problem, variant },
      ...{ policy, dataSize, dataType, format, compression, warmth, predictedLatencyUs, intervalUs },
      ...{ thresholdBytes, features, analysis, rationale },
    };
  }
}

type Explanation = (decision: Decision, lane: string) => string;

const EXPLANATIONS: Readonly<Record<DecisionReason, Explanation>> = {
  invalid_request: ({ problem }) => `gRPC, since the request could not be read: ${problem}`,
  disabled: () => 'gRPC, since decisions are disabled',
  controller_unavailable: () => 'gRPC, since the controller is down',
  decision_failed: ({ problem }) => `gRPC, since the decision failed: ${problem}`,
  zero_copy_unavailable: () => 'gRPC, since the zero-copy lane is not ready',
  circuit_open: () => 'gRPC, since zero-copy failed repeatedly and rests for a while',
  shared_memory_exhausted: ({ dataSize }) => `gRPC, since shared memory has no room for ${bytes(dataSize)}`,
  custom_rule: ({ policy }, lane) => `${lane}, by the custom rule "${policy.rule}"`,
  threshold_override: ({ policy, dataSize }, lane) =>
    `${lane}, by the threshold that is set for "${policy.override}" (${bytes(dataSize)})`,
  below_minimum: ({ dataSize }) => `gRPC, since ${bytes(dataSize)} are below the size from which zero-copy can pay`,
  above_maximum: ({ dataSize }) => `zero-copy, since ${bytes(dataSize)} are above the maximum for gRPC`,
  model: ({ confidence }, lane) => `${lane}, by the trained model (confidence ${confidence.toFixed(2)})`,
  cost_model: ({ confidence }, lane) =>
    `${lane}, by the learned cost of both lanes (confidence ${confidence.toFixed(2)})`,
  threshold: ({ dataSize, thresholdBytes }, lane) =>
    `${lane}, since ${bytes(dataSize)} are ${lane === 'gRPC' ? 'below' : 'at or above'} the threshold of ${bytes(thresholdBytes ?? 0)}`,
  memory_pressure: (_decision, lane) => `${lane}, since memory is short and it holds fewer copies`,
  cpu_pressure: (_decision, lane) => `${lane}, since the cpu is busy and it serializes nothing`,
  marginal_benefit: () => 'gRPC, since the difference between the lanes is below the margin',
  experiment: ({ variant }, lane) => `${lane}, by the experiment's variant "${variant}"`,
  exploration: (_decision, lane) => `${lane}, to learn what it costs`,
};

function bytes(size: number): string {
  if (size < 1024) return `${size} bytes`;
  return size < 2 ** 20 ? `${(size / 1024).toFixed(0)} KiB` : `${(size / 2 ** 20).toFixed(1)} MiB`;
}

const NO_POLICY: PolicyTrace = Object.freeze({ version: 0, goal: 'balanced', rule: undefined, override: undefined });

const NO_REQUEST: TransferRequest = Object.freeze({
  pool: '',
  dataSize: 0,
  dataType: 'binary',
  format: 'raw',
  compression: false,
  sessionId: undefined,
  attributes: undefined,
});

/** gRPC because something is missing or wrong. */
export function fallbackDecision(
  transferId: string,
  reason: 'invalid_request' | 'decision_failed' | 'controller_unavailable',
  problem?: string,
  request?: TransferRequest,
): Decision {
  const known = request ?? NO_REQUEST;
  return new Decision({
    transferId,
    pool: request?.pool,
    method: 'grpc',
    reason,
    confidence: 1,
    propensity: 1,
    explored: false,
    fallback: true,
    problem,
    variant: undefined,
    policy: NO_POLICY,
    request: known,
    features: {
      dataSize: known.dataSize,
      dataType: known.dataType,
      format: known.format,
      compression: known.compression,
      warm: undefined,
      systemLoad: undefined,
      availableMemory: undefined,
      inFlight: 1,
      hourOfDay: 0,
    },
    warmth: 'unknown',
    threshold: undefined,
    comparison: undefined,
  });
}
