/** What the page is told. Types only; all of it is plain JSON, and what is not known is left out or null. */
import type { Method } from '../decision/types.ts';
import type { ProcessTree } from '../otp/index.ts';

/** How a pool does now: a line of the overview. */
export interface PoolSummary {
  readonly pool: string;
  /** Decisions a second over the last seconds. */
  readonly ratePerS: number;
  /** Of all that is counted, 0..1; undefined without transfers. */
  readonly zeroCopyShare: number | undefined;
  readonly decisions: number | undefined;
  readonly failures: number;
  readonly fallbacks: number;
  readonly explored: number | undefined;
  readonly inFlight: number | undefined;
  readonly goal: string | undefined;
  readonly policyVersion: number | undefined;
  readonly breaker: string | undefined;
  readonly mode: string | undefined;
}

/** What one lane of a pool did in the window. */
export interface LaneFigures {
  readonly transfers: number;
  readonly failed: number;
  readonly fallbacks: number;
  readonly bytes: number;
  /** Undefined where nothing succeeded. */
  readonly latencyUs:
    | { readonly p50: number; readonly p90: number; readonly p95: number; readonly p99: number }
    | undefined;
}

/** Second by second, oldest first; the second under way is left out. */
export interface LaneSeries {
  readonly count: readonly number[];
  readonly p50Us: readonly (number | null)[];
  readonly p99Us: readonly (number | null)[];
}

export interface RecentTransfer {
  readonly transferId: string;
  readonly atMs: number;
  readonly method: Method;
  readonly reason: string;
  readonly outcome: string;
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
  readonly latencyUs: number;
  readonly predictedLatencyUs: number | undefined;
  readonly errorCode: string | undefined;
}

/** Transfers of a power of two of sizes: from `from` bytes to before twice that. */
export interface SizeShare {
  readonly from: number;
  readonly grpc: number;
  readonly zeroCopy: number;
}

/** The last minute of one pool. */
export interface PoolLive {
  readonly pool: string;
  readonly windowS: number;
  /** Unix seconds. */
  readonly seconds: readonly number[];
  readonly series: Readonly<Record<Method, LaneSeries>>;
  readonly lanes: Readonly<Record<Method, LaneFigures>>;
  readonly recent: readonly RecentTransfer[];
  readonly traffic: readonly SizeShare[];
  /** More came than is read: counts are right, latencies and sizes are those of a part. */
  readonly sampled: boolean;
  /** When the newest of them ended, Unix milliseconds. */
  readonly newestMs: number | undefined;
}

/** What both lanes cost at each size, for one kind of payload. Null where nothing is known. */
export interface CostCurve {
  readonly dataType: string;
  readonly format: string;
  /** Of the pool's recent transfers, 0..1. */
  readonly share: number;
  readonly sizes: readonly number[];
  readonly grpcUs: readonly number[];
  readonly zeroCopyWarmUs: readonly number[];
  readonly zeroCopyColdUs: readonly number[];
  /** Smallest size from which zero-copy is the faster lane, bytes; null where it never is. */
  readonly crossoverWarm: number | null;
  readonly crossoverCold: number | null;
  /** What decisions do, in words: sizes and lanes, into warm and into cold memory. */
  readonly decidedWarm: string;
  readonly decidedCold: string;
  /** Records that the lane known less rests on. */
  readonly effectiveSamples: number;
}

export interface ThresholdNow {
  /** Undefined: for types without one of their own. */
  readonly dataType: string | undefined;
  readonly bytes: number;
}

export interface ThresholdStep {
  readonly atMs: number;
  readonly dataType: string | null | undefined;
  readonly kind: 'threshold' | 'quick_path_minimum';
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly expectedGain: number;
}

/** What a pool has learned: changes slowly. */
export interface PoolKnowledge {
  readonly pool: string;
  readonly source: 'model' | 'cost_model' | 'prior';
  readonly curves: readonly CostCurve[];
  /** In words; undefined where working them out would hold up a host. */
  readonly lessons: readonly string[] | undefined;
  readonly thresholds: readonly ThresholdNow[];
  readonly quickPathMinimum: number | undefined;
  /** Newest last. */
  readonly history: readonly ThresholdStep[];
}

/** What concerns the whole host: changes slowly. Parts that did not answer are named in `missing`. */
export interface HostState {
  readonly tree: ProcessTree | undefined;
  readonly restarts: number | undefined;
  readonly refusals: Readonly<Record<string, number>> | undefined;
  readonly alerts: readonly object[];
  readonly advice: readonly object[];
  readonly tracked: readonly object[];
  readonly experiments: readonly object[];
  readonly missing: readonly string[];
}

export interface HostStatus {
  readonly state: string;
  readonly reasons: readonly string[];
}

/** One fact about a transfer. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

export interface Explanation {
  readonly transferId: string;
  /** Where it comes from: the decision that the host still has, or the record that was stored. */
  readonly source: 'decision' | 'record';
  readonly rationale: string;
  readonly facts: readonly Fact[];
}
