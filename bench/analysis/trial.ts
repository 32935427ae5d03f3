/** How often a baseline rings without cause, and how often it finds a rise: weeks of one kind. */
import { type BaselineOptions, copyBaseline, newBaseline, observe } from '../../src/metrics/analysis/baseline.ts';
import { Random, type Source, type Transfer } from './sources.ts';

export interface TrialOptions {
  /** Kinds simulated, each with a baseline of its own. */
  readonly kinds: number;
  /** Calm transfers of each, the first of which are learned from. */
  readonly calm: number;
  /** Transfers within which a rise should be found. */
  readonly within: number;
  readonly rise: number;
  readonly options?: BaselineOptions;
}

export interface TrialResult {
  readonly falseAlarms: number;
  /** Calm transfers, all kinds together. */
  readonly calmTransfers: number;
  /** Share of rises found in time, and transfers until found (median of those). */
  readonly found: number;
  readonly medianTransfers: number;
  /** Median of estimated over true ratio. */
  readonly estimate: number;
}

export function trial(
  make: (random: Random, kind: number) => Source,
  { kinds, calm, within, rise, options = {} }: TrialOptions,
): TrialResult {
  let falseAlarms = 0;
  const delays: number[] = [];
  const estimates: number[] = [];
  for (let kind = 0; kind < kinds; kind += 1) {
    const source = make(new Random(kind * 7919 + 17), kind);
    const transfer: Transfer = { latencyUs: 0 };
    let baseline = newBaseline();
    let lastCalm = copyBaseline(baseline);
    for (let index = 0; index < calm; index += 1) {
      source(transfer, 1);
      const { next, regression } = observe(baseline, transfer.latencyUs, options, transfer);
      baseline = next;
      if (regression !== undefined) falseAlarms += 1;
      if (baseline.stage === 'watching' && index % 256 === 0) lastCalm = copyBaseline(baseline);
    }
    if (baseline.stage !== 'watching') baseline = lastCalm;
    for (let index = 1; index <= within; index += 1) {
      source(transfer, rise);
      const { regression } = observe(baseline, transfer.latencyUs, options, transfer);
      if (regression === undefined) continue;
      delays.push(index);
      estimates.push(regression.ratio / rise);
      break;
    }
  }
  delays.sort((a, b) => a - b);
  estimates.sort((a, b) => a - b);
  return {
    falseAlarms,
    calmTransfers: kinds * calm,
    found: delays.length / kinds,
    medianTransfers: delays[delays.length >> 1] ?? Number.NaN,
    estimate: estimates[estimates.length >> 1] ?? Number.NaN,
  };
}
