/**
 * What a chooser's choices on a paired trace are worth. Two scores (traces of real transfers showed that they ask for different choices):
 * regret = total time / total time of each row's faster lane; slowdown = geometric mean over the rows of latency / latency of the faster lane.
 * `bestStatic` is the best size threshold in hindsight, found for each score and span by itself: the rival that nobody can have.
 */
import type { TraceRow } from './trace.ts';
import type { Lane } from './types.ts';

/** One number for pitwall and each of its rivals. */
export interface Rivals {
  readonly pitwall: number;
  /** The faster lane of each row: knows the future. */
  readonly oracle: number;
  readonly grpc: number;
  readonly zeroCopy: number;
  /** The 10 MiB default threshold. */
  readonly default10Mb: number;
  readonly bestStatic: number;
}

export interface SpanScore {
  readonly regret: Rivals;
  readonly slowdown: Rivals;
}

const DEFAULT_THRESHOLD = 10 * 1024 * 1024;

/** Scores of a span of rows. `choices` has one lane per row; both must have the same length, at least 1. */
export function scoreSpan(rows: readonly TraceRow[], choices: readonly Lane[]): SpanScore & { totalUs: Rivals } {
  const totalUs = rivals(rows, choices, (latencyUs) => latencyUs);
  const logs = rivals(rows, choices, Math.log);
  return {
    totalUs,
    regret: mapRivals(totalUs, (total) => total / totalUs.oracle),
    slowdown: mapRivals(logs, (total) => Math.exp((total - logs.oracle) / rows.length)),
  };
}

/** Sum of a cost of the chosen latencies, per rival. */
function rivals(rows: readonly TraceRow[], choices: readonly Lane[], cost: (latencyUs: number) => number): Rivals {
  const sums = { pitwall: 0, oracle: 0, grpc: 0, zeroCopy: 0, default10Mb: 0 };
  for (const [index, row] of rows.entries()) {
    const grpc = cost(row.grpcUs);
    const zeroCopy = cost(row.zeroCopyUs);
    sums.pitwall += choices[index] === 'grpc' ? grpc : zeroCopy;
    sums.oracle += Math.min(grpc, zeroCopy);
    sums.grpc += grpc;
    sums.zeroCopy += zeroCopy;
    sums.default10Mb += row.dataSize > DEFAULT_THRESHOLD ? zeroCopy : grpc;
  }
  return { ...sums, bestStatic: bestThreshold(rows, cost).cost };
}

/** The threshold (payloads of at least that size go zero-copy) with the least summed cost, by one pass over the sorted sizes. */
export function bestThreshold(
  rows: readonly TraceRow[],
  cost: (latencyUs: number) => number,
): { threshold: number; cost: number } {
  const sorted = [...rows].sort((left, right) => left.dataSize - right.dataSize);
  let current = 0;
  for (const row of sorted) current += cost(row.zeroCopyUs);
  let best = { threshold: 0, cost: current };
  for (const [index, row] of sorted.entries()) {
    current += cost(row.grpcUs) - cost(row.zeroCopyUs);
    const next = sorted[index + 1]?.dataSize;
    // Rows of one size fall on the same side.
    if (next === row.dataSize) continue;
    if (current < best.cost) best = { threshold: next ?? Number.POSITIVE_INFINITY, cost: current };
  }
  return best;
}

function mapRivals(values: Rivals, map: (value: number) => number): Rivals {
  return {
    pitwall: map(values.pitwall),
    oracle: map(values.oracle),
    grpc: map(values.grpc),
    zeroCopy: map(values.zeroCopy),
    default10Mb: map(values.default10Mb),
    bestStatic: map(values.bestStatic),
  };
}
