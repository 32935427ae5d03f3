/**
 * Finding a transfer by its id without an index entry per record. Ids are `<origin>-<sequence in base 36>`, the origin naming the
 * runtime that made them, so the ids of one block are a few narrow ranges: those are indexed, a handful of entries per block of
 * thousands.
 */
import type { TransferRecord } from './record.ts';

export interface IdRange {
  readonly origin: string;
  readonly low: number;
  readonly high: number;
}

/** Blocks with more origins than this index the first ones only; the rest is found by searching. */
export const MAX_ID_RANGES = 8;

/** Origin and sequence number of an id; undefined for an id of another form. */
export function parseTransferId(id: string): { readonly origin: string; readonly sequence: number } | undefined {
  const match = /^([0-9A-Za-z_]{1,64})-([0-9a-z]{1,10})$/.exec(id);
  if (match === null) return undefined;
  const [, origin, digits] = match;
  if (origin === undefined || digits === undefined) return undefined;
  return { origin, sequence: Number.parseInt(digits, 36) };
}

/** The ranges of ids in a block. */
export function idRangesOf(records: readonly TransferRecord[]): IdRange[] {
  // Sequence numbers of one origin are compared as text (shorter is smaller): parsing each costs ten times as much.
  const extremes = new Map<string, { low: string; high: string }>();
  let origin = '';
  let current: { low: string; high: string } | undefined;
  for (const { transferId } of records) {
    if (current === undefined || !transferId.startsWith(origin) || transferId.indexOf('-', origin.length) >= 0) {
      const dash = transferId.indexOf('-');
      if (dash <= 0) continue;
      origin = transferId.slice(0, dash + 1);
      current = extremes.get(origin);
      if (current === undefined) {
        if (extremes.size >= MAX_ID_RANGES) continue;
        current = { low: transferId, high: transferId };
        extremes.set(origin, current);
      }
    }
    if (isLess(transferId, current.low)) current.low = transferId;
    else if (isLess(current.high, transferId)) current.high = transferId;
  }
  const ranges: IdRange[] = [];
  for (const { low, high } of extremes.values()) {
    const first = parseTransferId(low);
    const last = parseTransferId(high);
    if (first !== undefined && last !== undefined)
      ranges.push({ origin: first.origin, low: first.sequence, high: last.sequence });
  }
  return ranges;
}

function isLess(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
