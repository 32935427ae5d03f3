/** The words of experiments. Types only; all of it is plain JSON. */
import type { Method } from '../../../decision/types.ts';
import type { JsonValue } from '../../../learning/types.ts';

/** What variants are compared by: `latency` is the geometric mean (each transfer counts the same), `total_time` the mean (large ones count). */
export type PrimaryMetric = 'latency' | 'total_time';
export type MetricName = PrimaryMetric | 'error_rate' | 'memory';

/** What a variant does otherwise than the pool: nothing (the control), a fixed lane, a fixed size from which zero-copy is taken, or another policy. */
export type VariantDifference =
  | { readonly type: 'none' }
  | { readonly type: 'lane'; readonly lane: Method }
  | { readonly type: 'threshold'; readonly thresholdMb: number }
  | {
      readonly type: 'policy';
      /** Without custom rules, which are code. */
      readonly patch: { readonly [key: string]: JsonValue };
      readonly hasRules: boolean;
    };

export interface VariantDefinition {
  readonly name: string;
  /** 0..1; those of an experiment add up to 1. */
  readonly share: number;
  readonly difference: VariantDifference;
}

/** How much worse than the control a variant may be: beyond it, once that is certain, the experiment is stopped. undefined: not watched. */
export interface Guardrails {
  /** Of the geometric mean of latency, as a share: 0.1 is 10 % slower. */
  readonly latency: number | undefined;
  /** Of the share of transfers whose lane failed, in absolute terms: 0.01 is one more in a hundred. */
  readonly errorRate: number | undefined;
  /** Of the mean memory of a transfer, as a share. */
  readonly memory: number | undefined;
}

/** An experiment as it was checked. The first variant is the control. */
export interface ExperimentDefinition {
  readonly name: string;
  readonly pool: string;
  readonly variants: readonly VariantDefinition[];
  readonly metric: PrimaryMetric;
  /** How often a difference is claimed where there is none, over all looks and variants. */
  readonly alpha: number;
  readonly guardrails: Guardrails;
  /** Transfers of each variant below which no fixed-horizon test is made, at least 10 000. */
  readonly minimumSamples: number;
  readonly stopOnVerdict: boolean;
  readonly maximumHours: number | undefined;
  /** Bytes, both included; all data types where none is named. */
  readonly scope: {
    readonly minimumSize: number;
    readonly maximumSize: number | null;
    readonly dataTypes: readonly string[] | null;
  };
  readonly salt: number;
}

/** `paused`: its custom rules are code that this process has not been given; `start` it again with them. */
export type ExperimentState = 'running' | 'paused' | 'stopped';

export interface VariantReport {
  readonly name: string;
  readonly share: number;
  readonly difference: VariantDifference;
  readonly transfers: number;
  readonly failed: number;
  readonly errorRate: number;
  /** Share of its transfers that went zero-copy, 0..1. */
  readonly zeroCopyShare: number;
  readonly geometricMeanUs: number | undefined;
  readonly meanUs: number | undefined;
  readonly p50Us: number | undefined;
  readonly p95Us: number | undefined;
  readonly p99Us: number | undefined;
  /** Bytes moved over the time that took, 10^6 bytes per second. */
  readonly throughputMBps: number | undefined;
  readonly meanMemory: number | undefined;
}

export interface MetricComparison {
  readonly metric: MetricName;
  /** Relative to the control: -0.05 is 5 % less. Of `error_rate` the difference itself. */
  readonly change: number;
  /** Always valid: holds however often it is looked at. null: nothing is known yet. */
  readonly low: number | null;
  readonly high: number | null;
  readonly verdict: 'better' | 'worse' | 'undecided';
  /** Valid at one look only, made beforehand; undefined below `minimumSamples`. */
  readonly fixedHorizon:
    | {
        /** Welch's t-test. */
        readonly pValue: number;
        readonly low: number;
        readonly high: number;
        /** Of latencies: Mann and Whitney's. */
        readonly rankPValue: number | undefined;
        /** Probability that a transfer of the variant takes longer than one of the control. */
        readonly superiority: number | undefined;
      }
    | undefined;
}

export interface VariantComparison {
  readonly variant: string;
  readonly metrics: readonly MetricComparison[];
}

/** Where the primary metric stood when so many transfers had been seen. */
export interface ProgressPoint {
  readonly transfers: number;
  readonly variant: string;
  readonly change: number;
  readonly low: number;
  readonly high: number;
}

export interface ExperimentVerdict {
  /** `invalid`: the variants did not get the traffic that the split says. */
  readonly type: 'undecided' | 'variant_better' | 'control_better' | 'invalid';
  /** The variant to take; undefined where that is open. */
  readonly winner: string | undefined;
  /** One sentence. */
  readonly text: string;
}

export interface ExperimentReport {
  readonly name: string;
  readonly pool: string;
  readonly state: ExperimentState;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  /** Why it ended, or rests. */
  readonly endedBecause: string | undefined;
  /** The policy version that promoted a variant, and the one before. */
  readonly promotion: Promotion | undefined;
  readonly definition: ExperimentDefinition;
  /** Splits so far: each change of the split starts the comparison anew. */
  readonly phase: number;
  readonly phaseStartedAtMs: number;
  readonly variants: readonly VariantReport[];
  readonly comparisons: readonly VariantComparison[];
  readonly sampleRatio: { readonly pValue: number; readonly mismatch: boolean };
  readonly verdict: ExperimentVerdict;
  readonly progress: readonly ProgressPoint[];
}

export interface Promotion {
  readonly variant: string;
  readonly version: number;
  readonly previousVersion: number;
  readonly atMs: number;
  readonly rolledBackAtMs: number | undefined;
}
