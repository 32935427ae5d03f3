/** The vocabulary of a benchmark: what is to be measured, what was. Types only; everything but the scenario's functions is plain and serializable. */
import type { Method } from '../../../decision/types.ts';

/** Whether zero-copy writes into memory that is mapped and faulted in on both sides, or into pages that are not there yet. */
export type Memory = 'warm' | 'cold';

export interface PayloadKind {
  readonly dataType: string;
  readonly format: string;
}

/** One configuration that both lanes are measured under. */
export interface BenchmarkCell extends PayloadKind {
  /** Bytes of the payload, about. */
  readonly dataSize: number;
  /** gzip on the gRPC lane; shared memory has no wire. */
  readonly compression: boolean;
  /** Transfers in flight at a time, all by one lane. */
  readonly concurrency: number;
  readonly memory: Memory;
}

/**
 * What to measure. Everything has a default: both lanes, six sizes from 4 KiB to 16 MiB, tensors, one transfer at a time, warm memory, thirty rounds at
 * 5 % of one core.
 */
export interface BenchmarkScenario<D = unknown> {
  /** Pool whose production transfers are watched meanwhile. Default: those of every pool. */
  readonly pool?: string | undefined;
  /** Bytes. Default 4 KiB, 64 KiB, 256 KiB, 1 MiB, 4 MiB, 16 MiB. */
  readonly sizes?: readonly number[] | undefined;
  /** `tensor`, `dataframe`, `json`, `text`, `binary`; or type and format of a host's own, with `payload`. Default `['tensor']`. */
  readonly types?: readonly (string | PayloadKind)[] | undefined;
  /** Default `[false]`. */
  readonly compression?: readonly boolean[] | undefined;
  /** Default `[1]`. */
  readonly concurrency?: readonly number[] | undefined;
  /** Default both. */
  readonly lanes?: readonly Method[] | undefined;
  /** Default `['warm']`. */
  readonly memory?: readonly Memory[] | undefined;
  /** Rounds; each measures every configuration once by every lane. Default 30. */
  readonly repetitions?: number | undefined;
  /** Milliseconds that it runs at most. Default 60 000. */
  readonly timeLimitMs?: number | undefined;
  /** Rounds before the first that counts. Default 2. */
  readonly warmUp?: number | undefined;
  /** Of the order and of the resampling. Default 1. */
  readonly seed?: number | undefined;
  /** Share of one core, and of the lanes, that the benchmark takes at most, 0..1; 1: no rest. Default 0.05. */
  readonly share?: number | undefined;
  /** Of the intervals, 0..1. Default 0.95. */
  readonly confidence?: number | undefined;
  /**
   * What production's latency may rise to before the benchmark stops itself: 0.1 is 10 % above what it was before the start. `false`: it does not
   * look. Default 0.1.
   */
  readonly impactTolerance?: number | false | undefined;
  /** Makes the payload of a configuration, of about `dataSize` bytes. Default: made up, seeded. */
  readonly payload?: ((cell: BenchmarkCell) => D | PromiseLike<D>) | undefined;
}

/** A scenario, checked, with all its defaults. */
export interface BenchmarkPlan {
  readonly pool: string | undefined;
  readonly sizes: readonly number[];
  readonly kinds: readonly PayloadKind[];
  readonly compression: readonly boolean[];
  readonly concurrency: readonly number[];
  readonly lanes: readonly Method[];
  readonly memory: readonly Memory[];
  readonly repetitions: number;
  readonly timeLimitMs: number;
  readonly warmUp: number;
  readonly seed: number;
  readonly share: number;
  readonly confidence: number;
  readonly impactTolerance: number | false;
}

/** One visit of a configuration by one lane: a burst of `concurrency` transfers. */
export interface Visit {
  /** Index in the plan's cells. */
  readonly cell: number;
  readonly lane: Method;
  /** Counted from 0 where it counts; warm-up rounds are negative. */
  readonly round: number;
}

/** What a visit came to. */
export interface Measured extends Visit {
  /** Median over the burst's transfers that went well; undefined where none did. */
  readonly latencyUs: number | undefined;
  readonly failed: number;
  readonly errorCode: string | undefined;
  /** Transfers whose memory was not what the cell says. */
  readonly otherMemory: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface QuantileEstimate {
  /** 0..1. */
  readonly q: number;
  readonly us: number;
  /** undefined where there are too few measurements for the confidence asked for. */
  readonly interval: Interval | undefined;
}

export interface LaneResult {
  readonly lane: Method;
  /** Visits that were measured. */
  readonly count: number;
  /** Transfers that failed. */
  readonly failed: number;
  /** Of the first failure. */
  readonly errorCode: string | undefined;
  /** P50, P90, P99; empty where nothing was measured. */
  readonly quantiles: readonly QuantileEstimate[];
  readonly minUs: number | undefined;
  readonly meanUs: number | undefined;
  readonly maxUs: number | undefined;
  /** Measurements that stand out; they are counted in, not left out. */
  readonly outliers: number;
  /** Transfers that found warm memory where the cell says cold, or cold where it says warm; 0 where the lane does not tell. */
  readonly otherMemory: number;
  /** 10^6 bytes per second at the median, of the whole burst. */
  readonly throughputMBps: number | undefined;
}

export interface CellResult extends BenchmarkCell {
  /** In the order of the plan's lanes. */
  readonly lanes: readonly LaneResult[];
  /** Median of zero-copy over that of gRPC: below 1 zero-copy is faster. undefined where one was not measured. */
  readonly ratio: number | undefined;
  readonly ratioInterval: Interval | undefined;
  /** The lane that is faster beyond doubt: its interval leaves 1 out. */
  readonly faster: Method | undefined;
}

/** From which size on zero-copy is faster, all else equal. */
export interface Crossover extends Omit<BenchmarkCell, 'dataSize'> {
  /** Bytes; undefined where one lane is faster at every size measured. */
  readonly bytes: number | undefined;
  /** That lane. */
  readonly faster: Method | undefined;
  /** undefined: below the smallest size measured. */
  readonly lowBytes: number | undefined;
  /** undefined: above the largest. */
  readonly highBytes: number | undefined;
}

export type EndReason = 'complete' | 'time_limit' | 'cancelled' | 'production_impact' | 'failing' | 'shutdown';

/** What production did meanwhile. */
export interface ProductionImpact {
  /** Transfers seen before the start, and compared while it ran. */
  readonly before: number;
  readonly during: number;
  /** Median over the compared of latency / what transfers like it took before; undefined where nothing could be compared. */
  readonly medianRatio: number | undefined;
  /** The sequential test's evidence that the tolerance was passed, and the bar at which the benchmark stops. */
  readonly evidence: number;
  readonly bar: number;
}

export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory: number;
}

export interface BenchmarkReport {
  readonly version: 1;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  readonly plan: BenchmarkPlan;
  readonly machine: Machine;
  readonly ended: { readonly reason: EndReason; readonly detail: string | undefined };
  readonly rounds: number;
  readonly transfers: { readonly measured: number; readonly warmUp: number; readonly failed: number };
  /** Milliseconds of lane time and preparation, and their share of the time that it ran. */
  readonly busyMs: number;
  readonly busyShare: number;
  readonly cells: readonly CellResult[];
  readonly crossovers: readonly Crossover[];
  /** undefined where it was not watched. */
  readonly production: ProductionImpact | undefined;
}
