/** Where a transfer's time goes, and which part made it slower. Pure. */
import type { TransferRecord } from '../record.ts';
import { type MedianInterval, medianInterval } from './robust.ts';
import { laneName, percent, spaced } from './words.ts';

export const PARTS = ['setup', 'serialize', 'transport', 'worker', 'cleanup', 'wait'] as const;
/** `wait` is what no part accounts for: queueing, and what the transport does not report. */
export type Part = (typeof PARTS)[number];

export interface Bottleneck {
  /** The part with the largest share of the time. */
  readonly part: Part;
  /** Its share of the median latency, 0..1. */
  readonly share: number;
  /** 95 % interval of the share. */
  readonly low: number;
  readonly high: number;
  readonly shares: Readonly<Record<Part, number>>;
  readonly transfers: number;
}

/** The time of transfers split into parts; undefined where no transfer reports any part. */
export function bottleneck(records: readonly TransferRecord[]): Bottleneck | undefined {
  const timed = records.filter(
    (record) => record.outcome === 'success' && record.latencyUs > 0 && reportsParts(record),
  );
  if (timed.length === 0) return undefined;
  const intervals = PARTS.map((part) => ({ part, share: shareOf(timed, part) }));
  const [first] = [...intervals].sort((a, b) => b.share.median - a.share.median);
  if (first === undefined) return undefined;
  const { median: share, low, high } = first.share;
  return { part: first.part, share, low, high, shares: sharesOf(timed), transfers: timed.length };
}

/**
 * `serialize is 61 % of gRPC's time at 4 MiB..8 MiB (1 203 transfers)`.
 * @param of the lane, or any name of what was measured
 * @param where of what size or type; left out where empty
 */
export function describeBottleneck({ part, share, transfers }: Bottleneck, of: string, where = ''): string {
  const at = where === '' ? '' : ` at ${where}`;
  return `${part} is ${percent(share)} of ${laneName(of)}'s time${at} (${spaced(transfers)} transfers)`;
}

export interface PartChange {
  readonly part: Part;
  /** Microseconds that the median of this part rose by. */
  readonly risenUs: number;
  /** 95 % interval of the rise: it is beyond doubt where the lower end is above 0. */
  readonly lowUs: number;
  readonly highUs: number;
  /** Its share of the whole rise, 0..1. */
  readonly share: number;
}

/** Which part of the time made transfers slower than they were, the largest rise first; empty where none rose. */
export function explainRise(before: readonly TransferRecord[], now: readonly TransferRecord[]): PartChange[] {
  const rises = PARTS.map((part) => riseOf(part, medianPart(before, part), medianPart(now, part))).filter(
    ({ risenUs }) => risenUs > 0,
  );
  const total = rises.reduce((sum, { risenUs }) => sum + risenUs, 0);
  return rises.map((rise) => ({ ...rise, share: rise.risenUs / total })).sort((a, b) => b.risenUs - a.risenUs);
}

function reportsParts({ setupUs, serializeUs, transportUs, workerUs, cleanupUs }: TransferRecord): boolean {
  return [setupUs, serializeUs, transportUs, workerUs, cleanupUs].some((part) => part !== undefined);
}

function partUs(record: TransferRecord, part: Part): number {
  switch (part) {
    case 'setup':
      return record.setupUs ?? 0;
    case 'serialize':
      return record.serializeUs ?? 0;
    case 'transport':
      return record.transportUs ?? 0;
    case 'worker':
      return record.workerUs ?? 0;
    case 'cleanup':
      return record.cleanupUs ?? 0;
    case 'wait':
      return Math.max(
        0,
        record.latencyUs - PARTS.reduce((sum, other) => (other === 'wait' ? sum : sum + partUs(record, other)), 0),
      );
    default:
      return part satisfies never;
  }
}

function shareOf(records: readonly TransferRecord[], part: Part): MedianInterval {
  return medianInterval(records.map((record) => Math.min(1, partUs(record, part) / record.latencyUs)));
}

function sharesOf(records: readonly TransferRecord[]): Record<Part, number> {
  const share = (part: Part) => shareOf(records, part).median;
  return {
    setup: share('setup'),
    serialize: share('serialize'),
    transport: share('transport'),
    worker: share('worker'),
    cleanup: share('cleanup'),
    wait: share('wait'),
  };
}

function medianPart(records: readonly TransferRecord[], part: Part): MedianInterval {
  return medianInterval(records.filter(({ outcome }) => outcome === 'success').map((record) => partUs(record, part)));
}

/** Difference of two medians; errors read off their order statistics (R. M. Price, D. G. Bonett, J. Stat. Comput. Simul. 72, 2002). */
function riseOf(part: Part, before: MedianInterval, now: MedianInterval): Omit<PartChange, 'share'> {
  const of = ({ count, median }: MedianInterval) => (count === 0 ? 0 : median);
  const risenUs = of(now) - of(before);
  const half = (each: MedianInterval) => (each.count === 0 ? 0 : (each.high - each.low) / 2);
  const reach = Math.hypot(half(before), half(now));
  return { part, risenUs, lowUs: risenUs - reach, highUs: risenUs + reach };
}
