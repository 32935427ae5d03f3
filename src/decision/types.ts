/**
 * The vocabulary of a decision: what is asked, what is known, what comes out. Types only; imports nothing but types.
 *
 * Units: sizes and memory in bytes, times in microseconds (`…Us`), loads, rates, confidences and probabilities 0..1.
 */
import type { Goal, PoolLimits } from '../config/types.ts';
import type { LearnerKind } from '../learning/second-layer.ts';
import type { CostModelSnapshot } from '../learning/types.ts';

/** The two lanes. */
export type Method = 'zero_copy' | 'grpc';

/** What the payload is. Any short string is accepted; these are the ones pitwall itself recognizes. */
export type DataType = 'tensor' | 'dataframe' | 'json' | 'text' | 'binary' | (string & {});

/** How the payload is encoded. Any short string is accepted; these are the ones pitwall itself encodes. */
export type Format = 'numpy' | 'arrow' | 'json' | 'raw' | (string & {});

/** Attribute values that a host may attach to a request; policy rules see them, telemetry does not. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A request whose payload is described, and so one that can be decided. Made by `describe.ts`, valid by construction. */
export interface TransferRequest {
  readonly pool: string;
  readonly dataSize: number;
  readonly dataType: DataType;
  readonly format: Format;
  readonly compression: boolean;
  readonly sessionId: string | undefined;
  readonly attributes: Attributes | undefined;
  /** The payload was built in the pool's shared memory: zero-copy sends where it lies, whatever its size. */
  readonly inPlace?: boolean | undefined;
}

/** The machine as the resource monitor last saw it. `undefined` fields could not be measured on this platform. */
export interface ResourceSnapshot {
  /** When it was taken, milliseconds of the injected clock. A sample older than 2 s counts as unknown. */
  readonly atMs: number;
  /** Busy share of all cores, 0..1. */
  readonly systemLoad: number | undefined;
  /** Share of memory in use, 0..1 (of the cgroup's limit where there is one). */
  readonly memoryLoad: number | undefined;
  readonly availableMemory: number | undefined;
  /** Bytes that new shared memory may still take: least of statfs, cgroup and configuration. */
  readonly sharedMemoryRoom: number | undefined;
  /** 99th percentile of event-loop delay over the last sample, microseconds. */
  readonly eventLoopDelayUs: number | undefined;
}

/**
 * What a pool's zero-copy transport says of itself, replaced whenever it changes. Absent where a host brings its own lanes:
 * then zero-copy is taken to be possible and its warmth unknown.
 */
export interface TransportSnapshot {
  /** False while the lane cannot serve (no native code and no tmpfs, arena lost, worker restarting). */
  readonly zeroCopyReady: boolean;
  /** Why not, when not ready. */
  readonly reason: string | undefined;
  /** Largest free contiguous slice that is mapped and faulted in on both sides. */
  readonly warmBytes: number;
  /** Largest transfer the lane can take now, warm or cold. */
  readonly roomBytes: number;
}

/** Whether the slice a transfer would get is already mapped and faulted in on both sides. */
export type Warmth = 'warm' | 'cold' | 'unknown';

/** `final = base * adjustment * resource factor`, clamped to the pool's limits, one per data type. */
export interface Threshold {
  readonly base: number;
  readonly adjustmentFactor: number;
  readonly resourceFactor: number;
  /** Bytes: payloads of at least this size go zero-copy where nothing better is known. */
  readonly final: number;
}

export interface ThresholdsSnapshot {
  /** For data types without one of their own. */
  readonly default: Threshold;
  readonly byDataType: ReadonlyMap<string, Threshold>;
  /**
   * Size below which the quick path answers gRPC. Starts at the configured minimum, sinks on evidence (the quick path's evidence rule); never above it.
   */
  readonly quickPathMinimum: number;
}

/** How a lane of a pool did lately: over its last 256 transfers, none older than five minutes when the newest came. */
export interface LaneMetrics {
  /** Transfers that were measured: successes and failures. What says nothing about a lane (`ignored`) is not among them. */
  readonly count: number;
  readonly failed: number;
  /** failed / count; 0 where nothing was measured. */
  readonly errorRate: number;
  /** Of the successes; undefined where there are none. */
  readonly medianLatencyUs: number | undefined;
  readonly p95LatencyUs: number | undefined;
}

/** How a pool did lately, lane by lane. Published a moment (100 ms) behind what happens. */
export interface PoolMetrics {
  /** End of the newest transfer in it, milliseconds since the epoch: how old these figures are. */
  readonly atMs: number;
  readonly lanes: Readonly<Record<Method, LaneMetrics>>;
}

/** What custom rules may look at. Frozen; a rule that writes throws, and is disabled for it. */
export interface RuleContext {
  readonly request: TransferRequest;
  readonly warmth: Warmth;
  readonly thresholdBytes: number;
  readonly resources: ResourceSnapshot | undefined;
  readonly estimates: Readonly<Record<Method, MethodEstimate>>;
  /** How the pool did lately; undefined before its first record. */
  readonly metrics: PoolMetrics | undefined;
  /** Transfers of the pool in flight now, this one not included. */
  readonly inFlight: number;
}

/** A compiled custom rule. Returns a lane, or undefined to let the flow go on. */
export interface PolicyRule {
  readonly name: string;
  /** Higher goes first; equal priorities keep their order in the configuration. */
  readonly priority: number;
  readonly decide: (context: RuleContext) => Method | undefined;
}

export interface PolicySnapshot {
  /** Counts up with each change; every decision names it. */
  readonly version: number;
  readonly goal: Goal;
  /** Sorted by priority, highest first; without the disabled ones. */
  readonly rules: readonly PolicyRule[];
  /** Bytes, by data type; wins over learned thresholds AND over estimates: what an operator fixed is fixed. */
  readonly thresholdOverrides: ReadonlyMap<string, number>;
  /** Which wins where a custom rule and a threshold override disagree: first in the list. */
  readonly conflictOrder: readonly ('custom_rules' | 'threshold_overrides')[];
  readonly learningEnabled: boolean;
  /** Share of decisions that try the other lane, 0..1. */
  readonly explorationRate: number;
  /** Relative gain below which the simpler lane is taken, e.g. 0.05. */
  readonly marginalBenefit: number;
  readonly memoryPressureThreshold: number;
  readonly cpuPressureThreshold: number;
}

/** What the circuit breaker of a pool's zero-copy lane says. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** How far the learned model may steer. `rules`: thresholds and cost model only. */
export type RolloutStage = 'observe' | 'confident' | 'adaptive';

/** A trained model, compiled. Same estimate contract as the cost model. */
export interface ModelSnapshot extends CostModelSnapshot {
  readonly modelId: string;
  /** What kind of model. */
  readonly learner?: LearnerKind;
  /** Confidence it must state for a decision to follow it, from the rollout stage. */
  readonly requiredConfidence: number;
}

/** One arm of an experiment. */
export interface ExperimentVariant {
  readonly name: string;
  /** Share of the traffic, 0..1; those of an experiment add up to 1. */
  readonly share: number;
  /** Payloads from this size, bytes, go zero-copy, smaller ones by gRPC, whatever else is known: 0 is always, Infinity never. undefined: a policy decides. */
  readonly zeroCopyFrom: number | undefined;
  /** The pool under a policy of the variant's own; undefined: the pool's. */
  readonly pool: PoolSnapshot | undefined;
}

/** An A/B experiment that runs in a pool. The split is sticky by session. */
export interface ExperimentSnapshot {
  readonly id: string;
  /** Into the hash of sessions: experiments split them independently. */
  readonly salt: number;
  /** Index of the variant that each slot of the ring belongs to. */
  readonly slots: Uint8Array;
  readonly variants: readonly ExperimentVariant[];
  /** Requests that take part; the others are decided as ever. Bytes, both bounds included. */
  readonly scope: {
    readonly minimumSize: number;
    readonly maximumSize: number;
    readonly dataTypes: ReadonlySet<string> | undefined;
  };
}

/** All that `decide` reads about a pool. Immutable: owners publish a new one, readers take the reference they find. */
export interface PoolSnapshot {
  readonly pool: string;
  /** False: the kill switch is pulled or configuration says so: gRPC at once. `static_rules`: thresholds only, nothing learned. */
  readonly mode: 'enabled' | 'disabled' | 'static_rules';
  readonly limits: PoolLimits;
  readonly policy: PolicySnapshot;
  readonly thresholds: ThresholdsSnapshot;
  readonly costModel: CostModelSnapshot | undefined;
  readonly model: ModelSnapshot | undefined;
  /** How far the model may steer now, the learner's word; never further than the configuration says. */
  readonly rolloutStage: RolloutStage;
  /** Confidence that a decision must have to follow the model, 0..1; 1 while none may steer. For people: decisions read the model's own. */
  readonly requiredConfidence?: number | undefined;
  readonly experiment: ExperimentSnapshot | undefined;
  readonly transport: TransportSnapshot | undefined;
  /** How the pool did lately, for its custom rules. Frozen. */
  readonly metrics?: PoolMetrics | undefined;
  readonly breaker: BreakerState;
  /** Transfers of this pool in flight, this one not included. A counter that is read when the decision is made. */
  readonly inFlight: number;
}

/** Estimated cost of one lane, with every part named. `totalCost` = latency + cpu + the overheads that are listed. */
export interface MethodEstimate {
  readonly method: Method;
  readonly estimatedLatencyUs: number;
  readonly estimatedMemory: number;
  readonly estimatedCpuUs: number;
  readonly setupOverheadUs: number;
  readonly cleanupOverheadUs: number;
  readonly serializationOverheadUs: number;
  readonly totalCost: number;
  /** Where the latency comes from. */
  readonly source: 'prior' | 'cost_model' | 'model';
  /** 90 % interval of the latency, microseconds; undefined where nothing was learned yet. */
  /** How the pool did lately, for its custom rules. Frozen. */
  readonly metrics?: PoolMetrics | undefined;
  readonly intervalUs: readonly [low: number, high: number] | undefined;
  /** How many records (weighted by recency) the estimate rests on. */
  readonly effectiveSamples: number;
}

/** Why a lane was chosen. Stable strings: telemetry attributes and users match them. */
export type DecisionReason =
  | 'invalid_request'
  | 'disabled'
  | 'controller_unavailable'
  | 'decision_failed'
  | 'zero_copy_unavailable'
  | 'circuit_open'
  | 'shared_memory_exhausted'
  | 'custom_rule'
  | 'threshold_override'
  | 'in_place'
  | 'below_minimum'
  | 'above_maximum'
  | 'model'
  | 'cost_model'
  | 'threshold'
  | 'memory_pressure'
  | 'cpu_pressure'
  | 'marginal_benefit'
  | 'experiment'
  | 'exploration';

/** Which number of a lane's latency distribution a goal compares: each transfer counts the same, or total time counts. */
export type ComparedStatistic = 'median' | 'mean';

/** Analysis of both lanes, as `costBenefit.analyze` returns it. */
export interface CostBenefitAnalysis {
  /** The lane that is better under the goal, before margins, pressure and chance. */
  readonly recommendation: Method;
  /** Probability that the recommended lane is the faster one, by `comparedBy`. */
  readonly confidence: number;
  /** By how much zero-copy is better under the goal, as a share of the dearer lane's cost, -1..1; negative: gRPC is. */
  readonly advantage: number;
  /** Which statistic `estimatedLatencyUs` is. */
  readonly comparedBy: ComparedStatistic;
  readonly methods: Readonly<Record<Method, MethodEstimate>>;
  /** E.g. "Zero-copy provides 28x latency improvement and 67% memory savings". */
  readonly rationale: string;
  readonly factors: {
    readonly dataSize: number;
    readonly systemLoad: number | undefined;
    readonly availableMemory: number | undefined;
    readonly warmth: Warmth;
    readonly historicalPerformance: 'unknown' | 'poor' | 'fair' | 'good';
  };
}

/** A custom rule that could not be followed. The flow went on without it; whoever owns the rules disables it and tells somebody. */
export interface RuleFailure {
  readonly rule: string;
  readonly problem: 'threw' | 'bad_result';
  readonly detail: string;
}

/** The policy that took part in a decision (acceptance P4). */
export interface PolicyTrace {
  readonly version: number;
  readonly goal: Goal;
  /** The custom rule that decided, if one did. */
  readonly rule: string | undefined;
  /** The override that decided, as its data type, if one did. */
  readonly override: string | undefined;
}
