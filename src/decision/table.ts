/**
 * A pool's table of size ranges per lane (C6): what `decide` would answer for one kind of payload, over all sizes, with nothing drawn. The idea
 * is UCX's, whose users can print which protocol serves which range.
 */
import { decide } from './decide.ts';
import type { DecisionReason, Method, PoolSnapshot, ResourceSnapshot, TransferRequest } from './types.ts';

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
  readonly compression?: boolean;
}

/** Sizes looked at per doubling; a change between two of them is found to the byte by bisection. */
const PER_DOUBLING = 4;
const LARGEST_LOG2 = 41;

/** Never explores: the table shows what is believed, not what is tried. */
const NO_DRAW = (): number => 1;

export function sizeRanges(
  pool: PoolSnapshot,
  kind: PayloadKind,
  resources: ResourceSnapshot | undefined,
  nowMs: number,
): readonly SizeRange[] {
  const at = (dataSize: number): Answer => {
    const request: TransferRequest = {
      pool: pool.pool,
      dataSize,
      dataType: kind.dataType,
      format: kind.format,
      compression: kind.compression ?? false,
      sessionId: undefined,
      attributes: undefined,
    };
    const { method, reason } = decide(request, pool, resources, nowMs, NO_DRAW, '');
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
      const to = firstOf(at, found, size, next);
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

/** The smallest size within (low, high] that gives `answer`; whatever lies between is the smaller range's. */
function firstOf(at: (size: number) => Answer, answer: Answer, low: number, high: number): number {
  let below = low;
  let above = high;
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (same(at(middle), answer)) above = middle;
    else below = middle;
  }
  return above;
}

/** E.g. `tensor | 0..88 KiB gRPC (below_minimum) | 88 KiB.. zero-copy (cost_model)`. */
export function formatRanges(dataType: string, ranges: readonly SizeRange[]): string {
  const parts = ranges.map(({ from, to, method, reason }) => {
    const end = to === Number.POSITIVE_INFINITY ? '' : formatSize(to);
    return `${formatSize(from)}..${end} ${method === 'grpc' ? 'gRPC' : 'zero-copy'} (${reason})`;
  });
  return [dataType, ...parts].join(' | ');
}

function formatSize(bytes: number): string {
  if (bytes < 1024) return String(bytes);
  if (bytes < 2 ** 20) return `${round(bytes / 1024)} KiB`;
  return bytes < 2 ** 30 ? `${round(bytes / 2 ** 20)} MiB` : `${round(bytes / 2 ** 30)} GiB`;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Math.round(value * 10) / 10);
}
