/**
 * Reads a range of time as summaries, from the coarsest that is stored down to single records at its edges:
 *
 *   fromUs                                                                                toUs
 *     ├─ records ─┼─ minutes ─┼────────────── hours (rolled up) ──────────────┼─ minutes ─┼─ records ─┤
 *                minute      hour                                            hour       minute
 */
import type { Method } from '../decision/types.ts';
import { type CellKey, Cells, mergeCellsPage, mergeSummaryPage, type Slice } from './aggregate.ts';
import { BlockView, MINUTE_US } from './block-codec.ts';
import type { KeyValueReader } from './key-value.ts';
import { aggregateKey, HOUR_S, type Level, MINUTE_S, parseBlockKey } from './keys.ts';
import { milestoneOf } from './progress.ts';
import type { ReadCounters } from './read-counters.ts';
import type { Steps } from './slices.ts';
import type { Summary } from './summary.ts';

/** Where what was read goes. */
export interface Target {
  /** Set where a whole slice is wanted: no cell is looked at. Else `cell` decides. */
  readonly slice: 'all' | Method | undefined;
  /** The summary that takes a cell whose time starts at `startUs`; undefined leaves it out. Of a slice: called without a key. */
  readonly summary: (startUs: number, key: CellKey | undefined) => Summary | undefined;
  /** Width of the buckets that `summary` tells apart, microseconds; Infinity for one. Coarser aggregates are then not used. */
  readonly bucketUs: number;
}

/** Pages are read this many at a time: a few megabytes where they hold cells. */
const CHUNK = 256;
const CHUNK_OF_CELLS = 16;

export class RangeReader {
  readonly #reader: KeyValueReader;
  readonly #counters: ReadCounters;

  constructor(reader: KeyValueReader, counters: ReadCounters) {
    this.#reader = reader;
    this.#counters = counters;
  }

  /** A step is a page. */
  *read(poolKey: string, fromUs: number, toUs: number, target: Target): Steps<void> {
    const firstMinuteS = Math.ceil(fromUs / MINUTE_US) * MINUTE_S;
    const lastMinuteS = Math.floor(toUs / MINUTE_US) * MINUTE_S;
    if (!fits(target, MINUTE_S) || firstMinuteS >= lastMinuteS) {
      this.#readRecords(poolKey, fromUs, toUs, target);
      return;
    }
    this.#readRecords(poolKey, fromUs, firstMinuteS * 1_000_000, target);
    yield* this.#readMinutes(poolKey, firstMinuteS, lastMinuteS, target);
    this.#readRecords(poolKey, lastMinuteS * 1_000_000, toUs, target);
  }

  #readMinutes(poolKey: string, fromS: number, toS: number, target: Target): Steps<void> {
    if (!fits(target, HOUR_S)) return this.#readSingleMinutes(poolKey, fromS, toS, target);
    return target.slice === undefined
      ? this.#readHoursOfCells(poolKey, fromS, toS, target)
      : this.#readHoursOfLanes(poolKey, fromS, toS, target);
  }

  *#readHoursOfCells(poolKey: string, fromS: number, toS: number, target: Target): Steps<void> {
    const firstHourS = Math.min(toS, Math.ceil(fromS / HOUR_S) * HOUR_S);
    const rolledS = milestoneOf(this.#reader, 'rolled', poolKey);
    const lastHourS = Math.max(firstHourS, Math.min(Math.floor(toS / HOUR_S) * HOUR_S, rolledS));
    yield* this.#readSingleMinutes(poolKey, fromS, firstHourS, target);
    yield* this.#readPages(poolKey, HOUR_S, firstHourS, lastHourS, target);
    yield* this.#readSingleMinutes(poolKey, lastHourS, toS, target);
  }

  /** Pages of hours hold the minutes before the milestone `sealed`: the hour under way is read from its page and what came after. */
  *#readHoursOfLanes(poolKey: string, fromS: number, toS: number, target: Target): Steps<void> {
    const sealedS = milestoneOf(this.#reader, 'sealed', poolKey);
    const firstHourS = Math.min(toS, Math.ceil(fromS / HOUR_S) * HOUR_S);
    const endS = sealedS <= toS ? Math.ceil(sealedS / HOUR_S) * HOUR_S : Math.floor(toS / HOUR_S) * HOUR_S;
    const lastHourS = Math.max(firstHourS, endS);
    yield* this.#readPages(poolKey, MINUTE_S, fromS, firstHourS, target);
    yield* this.#readPages(poolKey, HOUR_S, firstHourS, lastHourS, target);
    yield* this.#readPages(poolKey, MINUTE_S, Math.max(firstHourS, Math.min(lastHourS, sealedS)), toS, target);
  }

  /** Cells exist for minutes that are sealed and not too old; elsewhere the records tell. */
  *#readSingleMinutes(poolKey: string, fromS: number, toS: number, target: Target): Steps<void> {
    if (target.slice !== undefined) {
      yield* this.#readPages(poolKey, MINUTE_S, fromS, toS, target);
      return;
    }
    const firstS = Math.min(toS, Math.max(fromS, milestoneOf(this.#reader, 'cells_from', poolKey)));
    const lastS = Math.max(firstS, Math.min(toS, milestoneOf(this.#reader, 'sealed', poolKey)));
    this.#readRecords(poolKey, fromS * 1_000_000, firstS * 1_000_000, target);
    yield* this.#readPages(poolKey, MINUTE_S, firstS, lastS, target);
    this.#readRecords(poolKey, lastS * 1_000_000, toS * 1_000_000, target);
  }

  *#readPages(poolKey: string, level: Level, fromS: number, toS: number, target: Target): Steps<void> {
    const slice: Slice = target.slice ?? 'cells';
    const limit = target.slice === undefined ? CHUNK_OF_CELLS : CHUNK;
    let from = fromS;
    while (from < toS) {
      const range = {
        from: aggregateKey(poolKey, slice, level, from),
        to: aggregateKey(poolKey, slice, level, toS),
        limit,
      };
      const pages = this.#reader.range('aggregates', range);
      for (const { key, value } of pages) {
        const bucketS = key[3];
        if (typeof bucketS !== 'number') continue;
        this.#readPage(value, bucketS * 1_000_000, target);
        from = bucketS + level;
        yield;
      }
      if (pages.length < limit) return;
    }
  }

  #readPage(bytes: Uint8Array, startUs: number, target: Target): void {
    this.#counters.aggregatesRead += 1;
    try {
      if (target.slice === undefined) mergeCellsPage(bytes, (key) => target.summary(startUs, key));
      else {
        const summary = target.summary(startUs, undefined);
        if (summary !== undefined) mergeSummaryPage(bytes, summary);
      }
    } catch (error) {
      this.#counters.corrupt(error);
    }
  }

  #readRecords(poolKey: string, fromUs: number, toUs: number, target: Target): void {
    if (!(fromUs < toUs)) return;
    for (const block of this.blocks(poolKey, fromUs, toUs)) {
      try {
        this.#readBlock(block, fromUs, toUs, target);
      } catch (error) {
        this.#counters.corrupt(error);
      }
    }
  }

  #readBlock(block: BlockView, fromUs: number, toUs: number, target: Target): void {
    const times = block.numbers('timestampUs');
    let row = rowAt(times, fromUs);
    const end = rowAt(times, toUs);
    while (row < end) {
      const startUs = times[row] ?? 0;
      const bucketEndUs = Number.isFinite(target.bucketUs)
        ? (Math.floor(startUs / target.bucketUs) + 1) * target.bucketUs
        : toUs;
      const bucketEnd = Math.min(end, rowAt(times, bucketEndUs));
      const cells = new Cells();
      cells.addBlock(block, row, bucketEnd);
      for (const { key, summary } of cells.values()) {
        if (target.slice !== undefined && target.slice !== 'all' && key.method !== target.slice) continue;
        target.summary(startUs, target.slice === undefined ? key : undefined)?.merge(summary);
      }
      row = bucketEnd;
    }
  }

  /** Blocks that have records in a range, in order of their first record; each chunk is one read. */
  *blocks(poolKey: string, fromUs: number, toUs: number): Generator<BlockView> {
    // No block crosses a minute: whatever reaches into the range starts in the minute of its start or later.
    let from: readonly (string | number)[] = [poolKey, Math.floor(fromUs / MINUTE_US) * MINUTE_US];
    for (;;) {
      const entries = this.#reader.range('metrics', { from, to: [poolKey, toUs], limit: 16 });
      for (const { key, value } of entries) {
        from = [...key, 0];
        const parts = parseBlockKey(key);
        if (parts === undefined || parts.lastUs < fromUs) continue;
        try {
          yield new BlockView(value);
        } catch (error) {
          this.#counters.corrupt(error);
        }
      }
      if (entries.length < 16) return;
    }
  }
}

/** Whether aggregates of a level can be told apart by the target's buckets. */
function fits(target: Target, level: Level): boolean {
  return !Number.isFinite(target.bucketUs) || target.bucketUs % (level * 1_000_000) === 0;
}

/** First row at or after a time; rows are sorted. */
export function rowAt(times: Float64Array, timeUs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < timeUs) low = middle + 1;
    else high = middle;
  }
  return low;
}
