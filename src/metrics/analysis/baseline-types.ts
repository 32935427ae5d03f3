/** What is asked of a baseline, and what it answers. Types only. */
import type { Baseline } from './baseline-state.ts';

export interface BaselineOptions {
  /** Relative rise of the median that is a regression. Default 0.2. */
  readonly threshold?: number | undefined;
  /** Transfers that a baseline is learned from, at least 30. Default 200. */
  readonly learnCount?: number | undefined;
  /** Transfers between two false alarms, on average, that are wanted at least; see `watchOptionsFor`. Default 1 million. */
  readonly runLength?: number | undefined;
  /** Transfers that a rise lasts at least before it is an alarm: a stall of a few is no regression. Default 40. */
  readonly minTransfers?: number | undefined;
  /** Transfers over which the baseline forgets. Default 5 000. */
  readonly memory?: number | undefined;
}

/** A level that is not that of the baseline, or is that again. */
export interface LevelChange {
  /** Estimated median now over that of the baseline, circumstances being equal: 1.2 is 20 % slower. */
  readonly ratio: number;
  /** Under usual circumstances. */
  readonly baselineUs: number;
  readonly currentUs: number;
  /** Transfers since it began, as far as can be told. */
  readonly transfers: number;
}

export interface Regression extends LevelChange {
  /** True where this kind was known to be slower already and became slower still. */
  readonly worsened: boolean;
}

/** A regression is over: the ratio is near 1. */
export type Recovery = LevelChange;

export interface Step {
  /** The baseline that was given, moved on. */
  readonly next: Baseline;
  /** Set with the transfer that raises the alarm. It rings once for a regression, and again only when it gets worse. */
  readonly regression: Regression | undefined;
  /** Set with the transfer that shows that a regression is over. */
  readonly recovered: Recovery | undefined;
  /** Set with the transfer from which on a lower level, seen for long enough, is the baseline. */
  readonly improved: LevelChange | undefined;
}
