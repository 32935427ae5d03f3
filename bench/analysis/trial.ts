/** How often a baseline rings without cause, and how often and how soon it finds a rise: transfers of one kind, many times. */
import { type BaselineOptions, copyBaseline, newBaseline, observe } from '../../src/metrics/analysis/baseline.ts';
import type { Source, Transfer } from './sources.ts';

export interface TrialOptions {
  /** Calm transfers, the first of which are learned from. */
  readonly calm: number;
  readonly rise: number;
  /** Transfers after the rise that are waited for an alarm. */
  readonly patience: number;
  readonly options?: BaselineOptions;
}

export interface TrialResult {
  falseAlarms: number;
  calmTransfers: number;
  rises: number;
  /** Transfers until a rise was found, of each that was. */
  readonly delays: number[];
  /** Estimated over true ratio. */
  readonly estimates: number[];
}

export function emptyTrial(): TrialResult {
  return { falseAlarms: 0, calmTransfers: 0, rises: 0, delays: [], estimates: [] };
}

/** Adds one kind to `result`: a baseline learns and watches without change, then the source becomes slower. */
export function tryKind(source: Source, { calm, rise, patience, options }: TrialOptions, result: TrialResult): void {
  const transfer: Transfer = { latencyUs: 0 };
  let baseline = newBaseline();
  let lastCalm = copyBaseline(baseline);
  for (let index = 0; index < calm; index += 1) {
    source(transfer, 1);
    if (observe(baseline, transfer.latencyUs, options, transfer).regression !== undefined) result.falseAlarms += 1;
    if (baseline.stage === 'watching' && index % 256 === 0) lastCalm = copyBaseline(baseline);
  }
  result.calmTransfers += calm;
  result.rises += 1;
  if (baseline.stage !== 'watching') baseline = lastCalm;
  for (let index = 1; index <= patience; index += 1) {
    source(transfer, rise);
    const { regression } = observe(baseline, transfer.latencyUs, options, transfer);
    if (regression === undefined) continue;
    result.delays.push(index);
    result.estimates.push(regression.ratio / rise);
    return;
  }
}

export function foundWithin({ delays, rises }: TrialResult, transfers: number): number {
  return delays.filter((delay) => delay <= transfers).length / Math.max(1, rises);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
