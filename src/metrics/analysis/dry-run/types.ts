/** What a dry run answers. Types only. */
import type { PolicyChange } from '../../../config/diff.ts';
import type { DecisionReason } from '../../../decision/types.ts';
import type { SkipReason } from './replay.ts';

/** A change of latency with its 95 % interval; below 0 is faster. */
export interface LatencyChange {
  readonly value: number;
  readonly interval: readonly [low: number, high: number];
}

/**
 * What the changed decisions are expected to be worth: policy in force against candidate, both over the same recorded transfers, by the doubly robust
 * estimator.
 *
 * - `measured`: the other lane was taken now and then, with a known probability, in every transfer whose decision would change
 * - `partly_modelled`: in some of them it never was; there the cost model's estimates stand alone, and the interval does not know how wrong they are
 * - `modelled`: in all of them
 */
export interface DryRunEffect {
  readonly basis: 'measured' | 'partly_modelled' | 'modelled';
  /** Each transfer counts alike: change of the geometric mean, as a share. */
  readonly perTransfer: LatencyChange;
  /** Large transfers count as much as they take: change of the total time, as a share of that under the policy in force. */
  readonly totalTime: LatencyChange;
  /** The same, microseconds a transfer. */
  readonly meanLatencyUs: LatencyChange;
}

/** How often decisions of one kind would change. */
export interface DryRunKind {
  readonly dataType: string;
  /** Of `sizeBand`, bytes, both included. */
  readonly sizes: readonly [low: number, high: number];
  readonly sizeBand: number;
  readonly transfers: number;
  readonly toZeroCopy: number;
  readonly toGrpc: number;
  /** Changed decisions whose other lane could have been taken when they were recorded. */
  readonly measurable: number;
  /** Each transfer of the kind counts alike; normal approximation. undefined where fewer than 30 changed ones are measurable. */
  readonly perTransfer: LatencyChange | undefined;
}

export interface DryRunReport {
  readonly pool: string;
  /** The version in force that the candidate was held against. */
  readonly version: number;
  /** What the candidate changes. */
  readonly changes: readonly PolicyChange[];
  /** Records that were read. */
  readonly records: number;
  /** Those that were decided again. */
  readonly replayed: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  /** Of the records, milliseconds since the epoch; undefined where there are none. */
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  /** Decisions that would change their lane. */
  readonly changed: number;
  readonly toZeroCopy: number;
  readonly toGrpc: number;
  /** Why the candidate decides as it does, by reason. */
  readonly reasons: Readonly<Partial<Record<DecisionReason, number>>>;
  /** By type and size band, those with most changes first; at most 200. */
  readonly kinds: readonly DryRunKind[];
  /** undefined where nothing was measured, or nothing can be known of what would change. */
  readonly effect: DryRunEffect | undefined;
  /** Changed decisions of which the effect was measured, and those where it never could have been (the lane was forced). */
  readonly support: { readonly measurable: number; readonly forced: number };
  /** Share of the recorded decisions, explored ones left out, that the policy in force would make again today: how much the records resemble the present. */
  readonly agreement: number | undefined;
  /** Custom rules of the candidate that failed in the dry run. */
  readonly ruleProblems: readonly { readonly rule: string; readonly problem: string; readonly detail: string }[];
  /** What these figures cannot tell, in sentences. */
  readonly caveats: readonly string[];
}
