/**
 * The contract between what learns (`learning/`) and what decides (`decision/`). Types only.
 */

/** The two lanes, as learners name them (the same strings as `Method` in `decision/types.ts`). */
export type Lane = 'zero_copy' | 'grpc';

/** What a prediction may depend on. All known before the transfer starts. */
export interface Features {
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly compression: boolean;
  /** True: slice mapped and faulted in; false: cold; undefined: unknown. Concerns zero-copy only. */
  readonly warm: boolean | undefined;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  /** Transfers of the pool in flight, this one included. */
  readonly inFlight: number;
  /** Hour of day, 0..23, UTC. */
  readonly hourOfDay: number;
}

/** One successful transfer, as the learners see it. */
export interface Observation extends Features {
  readonly method: Lane;
  readonly latencyUs: number;
  readonly cpuTimeUs: number | undefined;
  readonly atMs: number;
  /** Probability with which this lane was chosen, for off-policy estimates. */
  readonly propensity: number;
}

/** What a learner says of one lane. */
export interface LatencyEstimate {
  /** Median of the predicted distribution: what `minimize_latency` compares. */
  readonly latencyUs: number;
  /** Mean of the predicted distribution: what goals about total time compare. */
  readonly meanLatencyUs: number;
  /** Standard error of log latency's estimate (doubt about the median, not the scatter of transfers). */
  readonly standardError: number;
  /** 90 % prediction interval, microseconds; undefined where nothing was learned yet. */
  readonly intervalUs: readonly [low: number, high: number] | undefined;
  /** Records the estimate rests on, weighted by recency; 0 is the prior alone. */
  readonly effectiveSamples: number;
}

/** Both lanes side by side, with the doubt about their ratio: what the lanes share (type, load, machine state) cancels in it. */
export interface LaneComparison {
  readonly grpc: LatencyEstimate;
  readonly zeroCopy: LatencyEstimate;
  /** Natural log of gRPC's median over zero-copy's: positive where zero-copy is faster. */
  readonly logRatio: number;
  /** Standard error of `logRatio`; far below the root of the summed squares of both lanes' own, since doubts are shared. */
  readonly logRatioStandardError: number;
}

/** A published, immutable learner: readers call it on the hot path (no allocation beyond its result, no clock, no random source). */
export interface CostModelSnapshot {
  estimate(method: Lane, features: Features): LatencyEstimate;
  /**
   * Smallest size in bytes from which zero-copy is expected to be cheaper, other features held; Infinity where it never is, 0 where it
   * always is. Medians are compared unless `'mean'` is asked for (goals about total time).
   */
  crossover(features: Features, statistic?: 'median' | 'mean'): number;
  /** Both estimates and the doubt about their ratio, for exploration. Optional: a learner that keeps no joint doubt leaves it out. */
  compare?(features: Features): LaneComparison;
  /**
   * The lane to take, exploration included, with its propensity. Optional like `compare`. What was tried against the model's belief says
   * `explored`; with `explorationRate` 0 the answer is the belief.
   */
  choose?(features: Features, request: ExplorationRequest): ExploredChoice;
  /** Mean log(actual / predicted) of the lane's last transfers: above 0 where they took longer than predicted. A feature of the trees. */
  recentPerformance?(method: Lane): number;
  /** What bounds exploration in this pool now. */
  explorationLimits?(): ExplorationLimits;
}

export interface ExplorationLimits {
  /** False while the budget of expected extra time is spent. */
  readonly mayExplore: boolean;
  /** What exploration was expected to cost, as a share of the recent transfers' time; and how much it may. */
  readonly spent?: number;
  readonly budget?: number;
  /** What is left, 0..1, of the trials that are made however sure the belief is: probes make up for the rest. Default 1. */
  readonly floorScale?: number;
  /** Mean latency of recent transfers: where total time counts, nothing dearer is tried. */
  readonly meanLatencyUs: number;
}

export interface ExplorationRequest {
  /** `'median'` for goals about each transfer, `'mean'` for goals about total time. */
  readonly statistic: 'median' | 'mean';
  /** The policy's, 0..1. */
  readonly explorationRate: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

export interface ExploredChoice {
  readonly method: Lane;
  /** The lane that is expected to be cheaper. */
  readonly greedy: Lane;
  /** Probability with which `method` was chosen. */
  readonly propensity: number;
  /** True where `method` is not `greedy`. */
  readonly explored: boolean;
  readonly comparison: LaneComparison;
}

/** What can be stored as JSON: the persistent form of every learner. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
