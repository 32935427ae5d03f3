/**
 * Whether trees choose better than the cost model alone, judged on rows where only the taken lane's latency is known: the doubly robust estimate of
 * each chooser's cost (Dudík, Langford, Li, ICML 2011), which stays unbiased if either the propensities or the cost model are right. Weights are capped, as in
 * practice they must be (Swaminathan & Joachims, JMLR 16, 2015), at a little bias.
 */
import type { CompiledTrees } from './compiled-trees.ts';
import { FEATURE_COUNT, type TreeFeatures } from './tree-features.ts';
import type { Lane, LaneComparison, Observation } from './types.ts';

export interface HeldOutRow {
  readonly observation: Observation;
  readonly comparison: LaneComparison | undefined;
  readonly recent: number;
}

export interface HeldOutScore {
  readonly rows: number;
  /** Median of |actual - predicted| / predicted in the lane that was taken. */
  readonly medianError: { readonly costModel: number; readonly withTrees: number };
  /**
   * Estimated relative cost of following the trees instead of the cost model: -0.01 is 1 % less (of total time under goals about total time, of the
   * geometric mean under others), with its standard error.
   */
  readonly difference: number;
  readonly standardError: number;
  /** Share of rows where both choose differently. */
  readonly disagreement: number;
}

const MAX_WEIGHT = 20;

export function scoreHeldOut(
  rows: readonly HeldOutRow[],
  trees: CompiledTrees,
  features: TreeFeatures,
  statistic: 'median' | 'mean',
): HeldOutScore {
  const row = new Float64Array(FEATURE_COUNT);
  const errors = { costModel: [] as number[], withTrees: [] as number[] };
  const differences: number[] = [];
  let base = 0;
  let disagreed = 0;
  for (const { observation, comparison, recent } of rows) {
    if (comparison === undefined) continue;
    features.fill(row, observation, recent);
    const corrections = { grpc: trees.predict('grpc', row), zeroCopy: trees.predict('zero_copy', row) };
    const ofLane = observation.method === 'grpc' ? ('grpc' as const) : ('zeroCopy' as const);
    const predicted = comparison[ofLane].latencyUs;
    errors.costModel.push(Math.abs(observation.latencyUs - predicted) / predicted);
    const corrected = predicted * Math.exp(corrections[ofLane]);
    errors.withTrees.push(Math.abs(observation.latencyUs - corrected) / corrected);
    const cost = statistic === 'mean' ? (us: number) => us : Math.log;
    const before = costOf(choose(comparison, statistic, 0), observation, comparison, cost);
    const after = costOf(
      choose(comparison, statistic, corrections.grpc - corrections.zeroCopy),
      observation,
      comparison,
      cost,
    );
    if (before.lane !== after.lane) disagreed += 1;
    differences.push(after.cost - before.cost);
    base += statistic === 'mean' ? before.cost : 1;
  }
  const count = Math.max(1, differences.length);
  const scale = base > 0 ? count / base : 1;
  const mean = differences.reduce((sum, value) => sum + value, 0) / count;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, count - 1);
  return {
    rows: differences.length,
    medianError: { costModel: median(errors.costModel), withTrees: median(errors.withTrees) },
    difference: mean * scale,
    standardError: Math.sqrt(variance / count) * scale,
    disagreement: disagreed / count,
  };
}

function choose(comparison: LaneComparison, statistic: 'median' | 'mean', correction: number): Lane {
  const { grpc, zeroCopy, logRatio } = comparison;
  const ratio = statistic === 'mean' ? Math.log(grpc.meanLatencyUs / zeroCopy.meanLatencyUs) : logRatio;
  return ratio + correction > 0 ? 'zero_copy' : 'grpc';
}

/** Doubly robust: the cost model's word on the chosen lane, corrected by what was seen where that lane was taken. */
function costOf(
  lane: Lane,
  observation: Observation,
  comparison: LaneComparison,
  cost: (us: number) => number,
): { lane: Lane; cost: number } {
  const modelled = cost((lane === 'grpc' ? comparison.grpc : comparison.zeroCopy).latencyUs);
  if (lane !== observation.method) return { lane, cost: modelled };
  const weight = Math.min(MAX_WEIGHT, 1 / Math.max(1e-6, observation.propensity));
  return { lane, cost: modelled + weight * (cost(observation.latencyUs) - modelled) };
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? 0;
}
