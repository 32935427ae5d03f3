/** Size ranges and lanes as text. */
import type { Method } from './types.ts';

/** Lanes alone, ranges of one lane in one piece: `tensor | 0..88 KiB gRPC | 88 KiB.. zero-copy`. */
export function formatLanes(name: string, ranges: readonly LaneRange[]): string {
  const parts = byLane(ranges).map((range) => `${formatRange(range)} ${formatLane(range.method)}`);
  return [name, ...parts].join(' | ');
}

/**
 * Warm and cold in one line: what they share once, then where they differ: `tensor | 0..88 KiB gRPC | 88 KiB.. zero-copy, warm | cold from 14 MiB`.
 */
export function formatWarmAndCold(name: string, warm: readonly LaneRange[], cold: readonly LaneRange[]): string {
  const lanes = byLane(warm);
  const coldLanes = byLane(cold);
  if (formatLanes('', lanes) === formatLanes('', coldLanes)) return formatLanes(name, lanes);
  const parts = lanes.map(
    (range) => `${formatRange(range)} ${formatLane(range.method)}${range.method === 'zero_copy' ? ', warm' : ''}`,
  );
  const coldParts = coldLanes.filter(({ method }) => method === 'zero_copy').map(formatColdRange);
  return [name, ...parts, `cold ${coldParts.length === 0 ? 'never' : coldParts.join(' and ')}`].join(' | ');
}

function formatColdRange({ from, to }: LaneRange): string {
  return to === Number.POSITIVE_INFINITY ? `from ${formatSize(from)}` : `${formatSize(from)}..${formatSize(to)}`;
}

export interface LaneRange {
  readonly from: number;
  readonly to: number;
  readonly method: Method;
}

/** Neighbours of one lane joined, whatever their reasons. */
function byLane(ranges: readonly LaneRange[]): readonly LaneRange[] {
  const joined: LaneRange[] = [];
  for (const { from, to, method } of ranges) {
    const last = joined.at(-1);
    if (last?.method === method) joined[joined.length - 1] = { from: last.from, to, method };
    else joined.push({ from, to, method });
  }
  return joined;
}

/** `88 KiB..14 MiB`; the last range has no end. */
export function formatRange({ from, to }: Pick<LaneRange, 'from' | 'to'>): string {
  return `${formatSize(from)}..${to === Number.POSITIVE_INFINITY ? '' : formatSize(to)}`;
}

export function formatLane(method: Method): string {
  return method === 'grpc' ? 'gRPC' : 'zero-copy';
}

/** Bytes in the unit that fits: `512`, `88 KiB`, `1.5 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return String(bytes);
  if (bytes < 2 ** 20) return `${round(bytes / 1024)} KiB`;
  return bytes < 2 ** 30 ? `${round(bytes / 2 ** 20)} MiB` : `${round(bytes / 2 ** 30)} GiB`;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Math.round(value * 10) / 10);
}
