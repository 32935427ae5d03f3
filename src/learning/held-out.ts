/**
 * Whether one chooser is better than another, judged on rows where only the taken lane's latency is known: the doubly robust estimate of each one's
 * cost (Dudík, Langford, Li, ICML 2011), which stays unbiased if either the propensities or the cost model are right. Weights are capped, as in
 * practice they must be (Swaminathan & Joachims, JMLR 16, 2015), at a little bias.
 */
import { laneBy } from './live-evidence.ts';
import { confirms, type SecondLayer } from './second-layer.ts';
import type { Lane, LaneComparison, Observation } from './types.ts';

export interface HeldOutRow {
  readonly observation: Observation;
  readonly comparison: LaneComparison | undefined;
  /** Mean residual of each lane before the row. */
  readonly recent: Readonly<Record<Lane, number>>;
}

/** What following one chooser instead of another is estimated to cost. */
export interface Contest {
  readonly rows: number;
  /**
   * Relative: -0.01 is 1 % less (of total time under goals about total time, of the geometric mean under others), with its standard error.
   */
  readonly difference: number;
  readonly standardError: number;
  /** Share of rows where both choose differently. */
  readonly disagreement: number;
}

export interface HeldOutScore extends Contest {
  /** Median of |actual - predicted| / predicted in the lane that was taken. */
  readonly medianError: { readonly costModel: number; readonly withModel: number };
}

const MAX_WEIGHT = 20;

/** A layer against the cost model alone. */
export function scoreHeldOut(
  rows: readonly HeldOutRow[],
  layer: SecondLayer,
  statistic: 'median' | 'mean',
): HeldOutScore {
  const errors = { costModel: [] as number[], withModel: [] as number[] };
  for (const { observation, comparison, recent } of rows) {
    if (comparison === undefined) continue;
    const { method } = observation;
    const predicted = (method === 'grpc' ? comparison.grpc : comparison.zeroCopy).latencyUs;
    errors.costModel.push(Math.abs(observation.latencyUs - predicted) / predicted);
    const corrected = predicted * Math.exp(layer.correction(method, observation, recent));
    errors.withModel.push(Math.abs(observation.latencyUs - corrected) / corrected);
  }
  return {
    ...contest(rows, layer, undefined, statistic),
    medianError: { costModel: median(errors.costModel), withModel: median(errors.withModel) },
  };
}

/** @param challenger undefined: the cost model alone; so `incumbent` */
export function contest(
  rows: readonly HeldOutRow[],
  challenger: SecondLayer | undefined,
  incumbent: SecondLayer | undefined,
  statistic: 'median' | 'mean',
): Contest {
  const cost = statistic === 'mean' ? (us: number) => us : Math.log;
  const differences: number[] = [];
  let base = 0;
  let disagreed = 0;
  for (const { observation, comparison, recent } of rows) {
    if (comparison === undefined) continue;
    const before = choose(incumbent, observation, comparison, recent, statistic);
    const after = choose(challenger, observation, comparison, recent, statistic);
    const costBefore = costOf(before, observation, comparison, cost);
    if (before !== after) disagreed += 1;
    differences.push(before === after ? 0 : costOf(after, observation, comparison, cost) - costBefore);
    base += statistic === 'mean' ? costBefore : 1;
  }
  const count = Math.max(1, differences.length);
  const scale = base > 0 ? count / base : 1;
  const mean = differences.reduce((sum, value) => sum + value, 0) / count;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, count - 1);
  return {
    rows: differences.length,
    difference: mean * scale,
    standardError: Math.sqrt(variance / count) * scale,
    disagreement: disagreed / count,
  };
}

function choose(
  layer: SecondLayer | undefined,
  observation: Observation,
  comparison: LaneComparison,
  recent: HeldOutRow['recent'],
  statistic: 'median' | 'mean',
): Lane {
  if (layer === undefined) return laneBy(comparison, statistic);
  const { grpc, zeroCopy, logRatio } = comparison;
  const ratio = statistic === 'mean' ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : logRatio;
  const correction = layer.correction('grpc', observation, recent) - layer.correction('zero_copy', observation, recent);
  const before = laneBy(comparison, statistic);
  const after = ratio + correction > 0 ? 'zero_copy' : 'grpc';
  return after === before || confirms(layer, after, observation, recent) ? after : before;
}

/** Doubly robust: the cost model's word on the chosen lane, corrected by what was seen where that lane was taken. */
function costOf(
  lane: Lane,
  observation: Observation,
  comparison: LaneComparison,
  cost: (us: number) => number,
): number {
  const modelled = cost((lane === 'grpc' ? comparison.grpc : comparison.zeroCopy).latencyUs);
  if (lane !== observation.method) return modelled;
  const weight = Math.min(MAX_WEIGHT, 1 / Math.max(1e-6, observation.propensity));
  return modelled + weight * (cost(observation.latencyUs) - modelled);
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? 0;
}
