/** Weeks of a whole pool: many kinds at differing rates, none of which changes; then each becomes slower. */
import { type BaselineOptions, copyBaseline, newBaseline, observe } from '../../src/metrics/analysis/baseline.ts';
import { watchOptionsFor } from '../../src/metrics/analysis/watch-options.ts';
import { logNormal, Random, type Source, type Transfer } from './sources.ts';

export interface PoolShape {
  readonly kinds: number;
  /** Transfers a week of the rarest and of the busiest kind; those between are spaced evenly on the logarithm. */
  readonly rarest: number;
  readonly busiest: number;
  /** Each kind has one of these, in turn. */
  readonly scatters: readonly number[];
}

/** 40 kinds, 3 to 100 000 transfers a week: 427 000 a week in all. */
export const POOL: PoolShape = { kinds: 40, rarest: 3, busiest: 100_000, scatters: [0.1, 0.2, 0.3, 0.4] };

export interface Found {
  shifts: number;
  found: number;
  readonly delays: number[];
}

export interface PoolResult {
  weeks: number;
  alarms: number;
  /** Weeks with more than one alarm. */
  weeksAboveOne: number;
  worstWeek: number;
  transfers: number;
  readonly byScatter: Map<number, Found & { alarms: number; transfers: number }>;
}

export function emptyResult(): PoolResult {
  return { weeks: 0, alarms: 0, weeksAboveOne: 0, worstWeek: 0, transfers: 0, byScatter: new Map() };
}

export interface PoolRun {
  readonly seed: number;
  readonly weeks: number;
  /** Shifts tried on each kind that has learnt, each on a copy. */
  readonly shifts: number;
  readonly alarmsPerWeek?: number;
  readonly source?: (random: Random, scatter: number) => Source;
  readonly options?: BaselineOptions;
}

/** Adds one pool's weeks to `result`. */
export function simulatePool(shape: PoolShape, run: PoolRun, result: PoolResult): void {
  const rates = ratesOf(shape);
  const all = rates.reduce((sum, rate) => sum + rate, 0);
  const perWeek = new Int32Array(run.weeks);
  for (const [kind, rate] of rates.entries()) {
    // Turned by the seed, so that each rate meets each scatter.
    const scatter = shape.scatters[(kind + run.seed) % shape.scatters.length] ?? 0.2;
    const random = new Random(run.seed * 1009 + kind);
    const source = (run.source ?? logNormal)(random, scatter);
    const options = {
      ...watchOptionsFor({
        transfersPerWeek: rate,
        poolTransfersPerWeek: all,
        kinds: shape.kinds,
        alarmsPerWeek: run.alarmsPerWeek,
      }),
      ...run.options,
    };
    const tally = tallyOf(result, scatter);
    const transfer: Transfer = { latencyUs: 0 };
    const baseline = newBaseline();
    let lastCalm = copyBaseline(baseline);
    let due = 0;
    for (let week = 0; week < run.weeks; week += 1) {
      due += rate;
      for (; due >= 1; due -= 1) {
        source(transfer, 1);
        if (observe(baseline, transfer.latencyUs, options, transfer).regression === undefined) continue;
        perWeek[week] = (perWeek[week] ?? 0) + 1;
        tally.alarms += 1;
      }
      if (baseline.stage === 'watching') lastCalm = copyBaseline(baseline);
    }
    tally.transfers += baseline.count;
    result.transfers += baseline.count;
    if (lastCalm.stage !== 'learning') shiftEach(lastCalm, source, options, run.shifts, tally);
  }
  result.weeks += run.weeks;
  for (const alarms of perWeek) {
    result.alarms += alarms;
    if (alarms > 1) result.weeksAboveOne += 1;
    result.worstWeek = Math.max(result.worstWeek, alarms);
  }
}

function shiftEach(
  calm: ReturnType<typeof newBaseline>,
  source: Source,
  options: BaselineOptions,
  times: number,
  tally: Found,
): void {
  const transfer: Transfer = { latencyUs: 0 };
  for (let time = 0; time < times; time += 1) {
    const baseline = copyBaseline(calm);
    tally.shifts += 1;
    for (let index = 1; index <= 200; index += 1) {
      source(transfer, 1.2);
      if (observe(baseline, transfer.latencyUs, options, transfer).regression === undefined) continue;
      tally.found += 1;
      tally.delays.push(index);
      break;
    }
  }
}

function ratesOf({ kinds, rarest, busiest }: PoolShape): number[] {
  return Array.from({ length: kinds }, (_, kind) => rarest * (busiest / rarest) ** (kind / Math.max(1, kinds - 1)));
}

function tallyOf(result: PoolResult, scatter: number): Found & { alarms: number; transfers: number } {
  const known = result.byScatter.get(scatter);
  if (known !== undefined) return known;
  const tally = { shifts: 0, found: 0, delays: [], alarms: 0, transfers: 0 };
  result.byScatter.set(scatter, tally);
  return tally;
}
