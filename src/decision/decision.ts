/** What comes out of a decision, and how it explains itself. */
import type { Goal } from '../config/types.ts';
import type { Features, LaneComparison } from '../learning/types.ts';
import { analyzeLanes } from './cost-benefit.ts';
import type { EstimateSource } from './estimate.ts';
import type { Assignment } from './experiment.ts';
import { packComparison, unpackComparison, unpackEstimate } from './packed-comparison.ts';
import type {
  CostBenefitAnalysis,
  DecisionReason,
  Method,
  PolicyTrace,
  RuleFailure,
  Threshold,
  TransferRequest,
  Warmth,
} from './types.ts';

/** What a decision was made from: the flow that made it. Read once, not kept. */
export interface DecisionBasis extends Features {
  readonly transferId: string;
  readonly pool: string | undefined;
  readonly policyVersion: number;
  readonly goal: Goal;
  readonly threshold: Threshold | undefined;
  /** Both lanes' estimates, where they were compared. */
  readonly comparison: LaneComparison | undefined;
  readonly source: EstimateSource;
  /** Where `source` is `model`. */
  readonly modelId?: string | undefined;
  readonly ruleFailure: RuleFailure | undefined;
  readonly assigned?: Assignment | undefined;
}

/** What the flow came to. */
export interface Outcome {
  readonly method: Method;
  readonly reason: DecisionReason;
  readonly confidence: number;
  readonly propensity: number;
  readonly explored: boolean;
  /** The custom rule's name or the override's data type, where one decided. */
  readonly by: string | undefined;
}

/**
 * A decision: plain readonly fields, and an analysis that is made when it is read, of the numbers that decided. Little is kept of them (a flat
 * array of doubles), since the last thousands of decisions are: what survives costs the garbage collector more than what is thrown away.
 */
export class Decision {
  readonly transferId: string;
  /** undefined where the request named none. */
  readonly pool: string | undefined;
  readonly method: Method;
  readonly reason: DecisionReason;
  /**
   * Probability that this lane is the faster one, 0..1, as `laneConfidence` in `estimate.ts` states it: below 0.5 where a margin, a resource or
   * chance chose against the belief, 0.5 where nothing is known, 1 where it was not a matter of estimates.
   */
  readonly confidence: number;
  /** Probability with which this lane was drawn (by exploration, or an experiment), above 0; 1 where there was no draw. */
  readonly propensity: number;
  readonly explored: boolean;
  /** gRPC because something was missing or wrong. */
  readonly fallback: boolean;
  /** What was wrong, for `invalid_request` and `decision_failed`. */
  readonly problem: string | undefined;
  /** The experiment that the request is part of, its variant, and the slot of the split that it fell into. */
  readonly experiment: string | undefined;
  readonly variant: string | undefined;
  readonly experimentSlot: number | undefined;
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly compression: boolean;
  readonly warm: boolean | undefined;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  readonly inFlight: number;
  readonly hourOfDay: number;
  readonly policyVersion: number;
  /** The trained model whose estimates these are, as `runtime.learning.versions` names it; undefined where the cost model or nothing estimated. */
  readonly modelId: string | undefined;
  /** The first custom rule that could not be followed; the flow went on without it. */
  readonly ruleFailure: RuleFailure | undefined;
  readonly #goal: Goal;
  readonly #by: string | undefined;
  readonly #threshold: Threshold | undefined;
  readonly #estimates: readonly number[] | undefined;
  readonly #source: EstimateSource;

  constructor(basis: DecisionBasis, outcome: Outcome, problem?: string) {
    this.transferId = basis.transferId;
    this.pool = basis.pool;
    this.method = outcome.method;
    this.reason = outcome.reason;
    this.confidence = outcome.confidence;
    this.propensity = outcome.propensity;
    this.explored = outcome.explored;
    this.fallback = FALLBACKS.has(outcome.reason);
    this.problem = problem;
    this.experiment = basis.assigned?.experiment.id;
    this.variant = basis.assigned?.variant.name;
    this.experimentSlot = basis.assigned?.slot;
    this.dataSize = basis.dataSize;
    this.dataType = basis.dataType;
    this.format = basis.format;
    this.compression = basis.compression;
    this.warm = basis.warm;
    this.systemLoad = basis.systemLoad;
    this.availableMemory = basis.availableMemory;
    this.inFlight = basis.inFlight;
    this.hourOfDay = basis.hourOfDay;
    this.policyVersion = basis.policyVersion;
    this.modelId = basis.modelId;
    this.ruleFailure = basis.ruleFailure;
    this.#goal = basis.goal;
    this.#by = outcome.by;
    this.#threshold = basis.threshold;
    this.#estimates = basis.comparison && packComparison(basis.comparison);
    this.#source = basis.source;
  }

  get warmth(): Warmth {
    return warmthOf(this.warm);
  }

  /** The policy that took part. */
  get policy(): PolicyTrace {
    return {
      version: this.policyVersion,
      goal: this.#goal,
      rule: this.reason === 'custom_rule' ? this.#by : undefined,
      override: this.reason === 'threshold_override' ? this.#by : undefined,
    };
  }

  /** What the lanes were predicted from, and what a record of this transfer teaches. */
  get features(): Features {
    const { dataSize, dataType, format, compression, warm, systemLoad, availableMemory, inFlight, hourOfDay } = this;
    return { dataSize, dataType, format, compression, warm, systemLoad, availableMemory, inFlight, hourOfDay };
  }

  /** Expected (median) latency of the chosen lane, microseconds; undefined where nothing was estimated. */
  get predictedLatencyUs(): number | undefined {
    return this.#estimates && unpackEstimate(this.#estimates, this.method).latencyUs;
  }

  /** 90 % interval of that latency, microseconds. */
  get intervalUs(): readonly [low: number, high: number] | undefined {
    return this.#estimates && unpackEstimate(this.#estimates, this.method).intervalUs;
  }

  /** Size from which this data type goes zero-copy where nothing better is known, bytes. */
  get thresholdBytes(): number | undefined {
    return this.#threshold?.final;
  }

  /** Both lanes' costs, made of the numbers that decided; undefined where the lanes were not compared. Built at each reading. */
  get analysis(): CostBenefitAnalysis | undefined {
    return this.#estimates && analyzeLanes(unpackComparison(this.#estimates), this, this.#goal, this.#source);
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
    const {
      transferId,
      pool,
      method,
      reason,
      confidence,
      propensity,
      explored,
      fallback,
      problem,
      experiment,
      variant,
      experimentSlot,
      ruleFailure,
    } = this;
    const { policy, dataSize, dataType, format, compression, warmth, predictedLatencyUs, intervalUs } = this;
    const { thresholdBytes, features, analysis, rationale } = this;
    return {
      ...{
        transferId,
        pool,
        method,
        reason,
        confidence,
        propensity,
        explored,
        fallback,
        problem,
        experiment,
        variant,
        experimentSlot,
        ruleFailure,
      },
      ...{ policy, dataSize, dataType, format, compression, warmth, predictedLatencyUs, intervalUs },
      ...{ thresholdBytes, features, analysis, rationale },
    };
  }
}

export function warmthOf(warm: boolean | undefined): Warmth {
  if (warm === undefined) return 'unknown';
  return warm ? 'warm' : 'cold';
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
    `${lane} for ${bytes(dataSize)}, by the threshold that is set for "${policy.override}"`,
  in_place: () => 'zero-copy, since the payload was built where workers read it',
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

const FALLBACKS: ReadonlySet<DecisionReason> = new Set([
  'invalid_request',
  'decision_failed',
  'controller_unavailable',
] satisfies DecisionReason[]);

/** gRPC because something is missing or wrong. */
export function fallbackDecision(
  transferId: string,
  reason: 'invalid_request' | 'decision_failed' | 'controller_unavailable',
  problem?: string,
  request?: TransferRequest,
): Decision {
  const basis: DecisionBasis = {
    transferId,
    pool: request?.pool,
    policyVersion: 0,
    goal: 'balanced',
    threshold: undefined,
    comparison: undefined,
    source: 'cost_model',
    ruleFailure: undefined,
    dataSize: request?.dataSize ?? 0,
    dataType: request?.dataType ?? 'binary',
    format: request?.format ?? 'raw',
    compression: request?.compression ?? false,
    warm: undefined,
    systemLoad: undefined,
    availableMemory: undefined,
    inFlight: 1,
    hourOfDay: 0,
  };
  const outcome: Outcome = {
    method: 'grpc',
    reason,
    confidence: 1,
    propensity: 1,
    explored: false,
    by: undefined,
  };
  return new Decision(basis, outcome, problem);
}
