/** Where a transfer's time goes, and which part made it slower. Pure. */
import type { TransferRecord } from '../record.ts';
import { median } from './robust.ts';

export const PARTS = ['setup', 'serialize', 'transport', 'worker', 'cleanup', 'wait'] as const;
/** `wait` is what no part accounts for: queueing, and what the transport does not report. */
export type Part = (typeof PARTS)[number];

export interface Bottleneck {
  /** The part with the largest share of the time. */
  readonly part: Part;
  /** Its share of the median latency, 0..1. */
  readonly share: number;
  readonly shares: Readonly<Record<Part, number>>;
  readonly transfers: number;
}

/** The time of transfers split into parts; undefined where no transfer reports any part. */
export function bottleneck(records: readonly TransferRecord[]): Bottleneck | undefined {
  const timed = records.filter(
    (record) => record.outcome === 'success' && record.latencyUs > 0 && reportsParts(record),
  );
  if (timed.length === 0) return undefined;
  const shares = sharesOf(timed);
  const [part] = [...PARTS].sort((a, b) => shares[b] - shares[a]);
  return part === undefined ? undefined : { part, share: shares[part], shares, transfers: timed.length };
}

export interface PartChange {
  readonly part: Part;
  /** Microseconds that the median of this part rose by. */
  readonly risenUs: number;
  /** Its share of the whole rise, 0..1. */
  readonly share: number;
}

/** Which part of the time made transfers slower than they were, the largest rise first; empty where none rose. */
export function explainRise(before: readonly TransferRecord[], now: readonly TransferRecord[]): PartChange[] {
  const rises = PARTS.map((part) => ({ part, risenUs: medianPart(now, part) - medianPart(before, part) })).filter(
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

function sharesOf(records: readonly TransferRecord[]): Record<Part, number> {
  const share = (part: Part) => median(records.map((record) => Math.min(1, partUs(record, part) / record.latencyUs)));
  return {
    setup: share('setup'),
    serialize: share('serialize'),
    transport: share('transport'),
    worker: share('worker'),
    cleanup: share('cleanup'),
    wait: share('wait'),
  };
}

function medianPart(records: readonly TransferRecord[], part: Part): number {
  const values = records.filter((record) => record.outcome === 'success').map((record) => partUs(record, part));
  return values.length === 0 ? 0 : median(values);
}
