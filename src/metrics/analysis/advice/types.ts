/** What advice is made of. Types only. */
import type { PolicyPatch } from '../../../config/types.ts';

export type AdviceKind = 'threshold' | 'bounds' | 'format' | 'compression' | 'pool_setting';

/** What following it is expected to save, or has saved. */
export interface Gain {
  /** 0.2 is a fifth less; below 0 it is more. */
  readonly value: number;
  /** 95 %. */
  readonly interval: readonly [low: number, high: number];
  /** Of what: the total time of the pool's transfers under goals about total time, else the geometric mean of a transfer's. */
  readonly unit: 'share_of_total_latency' | 'share_of_typical_latency';
}

/** A policy patch without functions, so that it is JSON. */
export type PlainPatch = Omit<PolicyPatch, 'customRules'>;

/** What applying it does: keys of the policy that are set; or one data type's override that is set, or taken away (null). */
export type AdviceChange =
  | { readonly type: 'set'; readonly patch: PlainPatch }
  | { readonly type: 'override'; readonly dataType: string; readonly thresholdMb: number | null };

/** What an analysis found that could be better. */
export interface Recommendation {
  readonly kind: AdviceKind;
  readonly pool: string;
  /** What it is about, within pool and kind: one piece of advice per subject. */
  readonly subject: string;
  /** One line. */
  readonly title: string;
  /** The evidence, in figures. */
  readonly why: string;
  readonly expectedGain: Gain;
  /** What it takes: a call of `advice.apply`, another option in the host's configuration, or other code. */
  readonly effort: 'none' | 'config' | 'code';
  /** Probability that it is a gain at all, by the evidence, 0..1. */
  readonly confidence: number;
  /** What to write. */
  readonly snippet: string;
  /** Absent where it cannot be applied through the API. */
  readonly change: AdviceChange | undefined;
  /** Transfers that it rests on. */
  readonly transfers: number;
}

/** A recommendation that stands. Plain JSON. */
export interface Advice extends Recommendation {
  /** Names this very proposal; another one on the same subject has another id. */
  readonly id: string;
  readonly sinceMs: number;
  readonly updatedMs: number;
}
