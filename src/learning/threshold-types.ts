/** What a threshold tuner takes and gives. Types only. */
import type { ResourcePressure } from './resource-factor.ts';
import type { CostModelSnapshot, Features } from './types.ts';

export interface TunedThreshold {
  readonly base: number;
  readonly adjustmentFactor: number;
  readonly resourceFactor: number;
  /** Bytes. */
  readonly final: number;
}

/** Same shape as `ThresholdsSnapshot` of the decision. */
export interface TunedThresholds {
  readonly default: TunedThreshold;
  readonly byDataType: ReadonlyMap<string, TunedThreshold>;
  readonly quickPathMinimum: number;
}

/** One step of one threshold, for the log and the history (T3). `dataType` undefined: the default for types without their own. */
export interface ThresholdChange {
  readonly atMs: number;
  readonly dataType: string | undefined;
  readonly kind: 'threshold' | 'quick_path_minimum';
  readonly from: number;
  readonly to: number;
  readonly adjustmentFactor: number;
  readonly resourceFactor: number;
  readonly reason: string;
  /** Share of the latency that payloads between `from` and `to` are expected to save, 0..1. */
  readonly expectedGain: number;
}

/** What the pool's traffic looks like: features (their size is ignored) and how much of the traffic they stand for. */
export interface ReferenceTraffic {
  readonly features: Features;
  readonly weight: number;
}

export interface TuningInput {
  readonly atMs: number;
  readonly costModel: CostModelSnapshot;
  readonly traffic: readonly ReferenceTraffic[];
  readonly pressure: ResourcePressure;
  /** Goals about total time compare means. Default `'median'`. */
  readonly statistic?: 'median' | 'mean';
}

export interface ThresholdTuningOptions {
  /** Bytes. */
  readonly base: number;
  readonly minimumThreshold: number;
  readonly maximumThreshold: number;
  readonly memoryPressureThreshold?: number;
  readonly cpuPressureThreshold?: number;
  /** Relative difference below which nothing moves. Default 0.25. */
  readonly band?: number;
  /** Weight of a new crossover in the smoothed one, 0..1. Default 0.1. */
  readonly smoothing?: number;
  /** Effective records that both lanes need before learning moves a threshold. Default 20. */
  readonly minimumSamples?: number;
  /** Least time between two learned moves of one data type, ms. Default 1000. */
  readonly minimumIntervalMs?: number;
  /** Data types with a threshold of their own, at most. Default 64; more are refused and counted. */
  readonly maxDataTypes?: number;
  /** Changes kept. Default 256. */
  readonly historyLimit?: number;
}
