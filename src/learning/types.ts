/**
 * The contract between what learns (`learning/`) and what decides (`decision/`). Types only.
 */

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
  readonly method: 'zero_copy' | 'grpc';
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

/** A published, immutable learner: readers call it on the hot path (no allocation beyond its result, no clock, no random source). */
export interface CostModelSnapshot {
  estimate(method: 'zero_copy' | 'grpc', features: Features): LatencyEstimate;
  /**
   * Smallest size in bytes from which zero-copy is expected to be cheaper, other features held; Infinity where it never is, 0 where it
   * always is.
   */
  crossover(features: Features): number;
}
