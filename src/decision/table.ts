/**
 * A pool's table of size ranges per lane (C6): what `decide` would answer for one kind of payload, over all sizes, with nothing drawn. The idea
 * is UCX's, whose users can print which protocol serves which range.
 *
 * The pool's custom rules are asked for every size that is looked at (some two hundred).
 */
import { decide } from './decide.ts';
import { formatLane, formatRange } from './format-table.ts';
import type { DecisionReason, Method, PoolSnapshot, ResourceSnapshot, Warmth } from './types.ts';
import { NO_DRAW, supposedRequest, withoutDraws, withWarmth } from './what-if.ts';

/** Sizes from `from` to before `to`, bytes, that take one lane for one reason. `to` is Infinity for the last. */
export interface SizeRange {
  readonly from: number;
  readonly to: number;
  readonly method: Method;
  readonly reason: DecisionReason;
}

export interface PayloadKind {
  readonly dataType: string;
  readonly format: string;
  readonly compression?: boolean | undefined;
  /** As if all memory were warm, or none. Default: as the pool's transport says for each size. */
  readonly warmth?: Warmth | undefined;
}

/** Sizes looked at per doubling; a change between two of them is found to the byte by bisection. */
const PER_DOUBLING = 4;
const LARGEST_LOG2 = 41;

/**
 * @param resources the machine as it is to be taken; undefined: unknown
 * @param nowMs the time that decides whether `resources` is fresh. Default: its own
 */
export function sizeRanges(
  pool: PoolSnapshot,
  kind: PayloadKind,
  resources?: ResourceSnapshot,
  nowMs: number = resources?.atMs ?? 0,
): readonly SizeRange[] {
  const settled = withWarmth(withoutDraws(pool), kind.warmth, resources);
  const at = (dataSize: number): Answer => {
    const request = supposedRequest(pool.pool, { ...kind, dataSize });
    const { method, reason } = decide(request, settled, resources, nowMs, NO_DRAW, '');
    return { method, reason };
  };
  const ranges: SizeRange[] = [];
  let from = 0;
  let answer = at(0);
  let size = 0;
  for (let step = 0; step <= LARGEST_LOG2 * PER_DOUBLING; step += 1) {
    const next = Math.round(2 ** (step / PER_DOUBLING));
    const found = at(next);
    if (!same(found, answer)) {
      const to = firstOf((middle) => same(at(middle), found), size, next);
      ranges.push({ from, to, ...answer });
      from = to;
      answer = found;
    }
    size = next;
  }
  ranges.push({ from, to: Number.POSITIVE_INFINITY, ...answer });
  return ranges;
}

interface Answer {
  readonly method: Method;
  readonly reason: DecisionReason;
}

function same(a: Answer, b: Answer): boolean {
  return a.method === b.method && a.reason === b.reason;
}

/** E.g. `tensor | 0..88 KiB gRPC (below_minimum) | 88 KiB.. zero-copy (cost_model)`. */
export function formatRanges(name: string, ranges: readonly SizeRange[]): string {
  const parts = ranges.map((range) => `${formatRange(range)} ${formatLane(range.method)} (${range.reason})`);
  return [name, ...parts].join(' | ');
}

/** The smallest integer within (low, high] for which `holds`, which it does at `high` and not at `low`, if it changes once between them. */
export function firstOf(holds: (value: number) => boolean, low: number, high: number): number {
  let below = low;
  let above = high;
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}
