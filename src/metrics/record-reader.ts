/** Single records: in order of time, counted, or one by its id. */
import { BlockView, MINUTE_US } from './block-codec.ts';
import { recordsOf } from './block-records.ts';
import { parseTransferId } from './id-ranges.ts';
import type { KeyValueReader } from './key-value.ts';
import { blockKeyOfIdKey, idKey, keyOfName, parseBlockKey, type StoreKey } from './keys.ts';
import { decodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { rangeOf } from './query.ts';
import { rowAt } from './range-reader.ts';
import type { ReadCounters } from './read-counters.ts';
import type { TransferRecord } from './record.ts';
import type { CountQuery, RecordsQuery } from './store-types.ts';
import { validateRecord } from './validate-record.ts';

const KEYS_AT_ONCE = 1024;
/** Index entries and blocks that a search for one id looks at before it gives up. */
const MAX_ID_ENTRIES = 20_000;
const MAX_SEARCHED_BLOCKS = 20_000;

export class RecordReader {
  readonly #reader: KeyValueReader;
  readonly #counters: ReadCounters;
  readonly #refresh: () => void;

  constructor(reader: KeyValueReader, counters: ReadCounters, refresh: () => void) {
    this.#reader = reader;
    this.#counters = counters;
    this.#refresh = refresh;
  }

  *records(query: RecordsQuery): Generator<TransferRecord> {
    const [fromUs, toUs] = rangeOf(query);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    const pools = query.pool === undefined ? [...poolKeys(this.#reader, 'metrics')] : [keyOfName(query.pool)];
    for (const poolKey of pools) {
      for (const group of this.#overlapping(poolKey, fromUs, toUs, query.reverse === true)) {
        for (const record of this.#sorted(group, fromUs, toUs, query.reverse === true)) {
          if (query.method !== undefined && record.method !== query.method) continue;
          if (query.outcome !== undefined && record.outcome !== query.outcome) continue;
          if (left < 1) return;
          left -= 1;
          yield record;
        }
        this.#refresh();
      }
    }
  }

  count(query: CountQuery): number {
    const [fromUs, toUs] = rangeOf(query);
    const pools = query.pool === undefined ? poolKeys(this.#reader, 'metrics') : [keyOfName(query.pool)];
    let count = 0;
    for (const poolKey of pools) {
      for (const key of this.#keys(poolKey, fromUs, toUs, false)) {
        const block = parseBlockKey(key);
        if (block === undefined) continue;
        if (block.firstUs >= fromUs && block.lastUs < toUs) count += block.rows;
        else count += this.#rowsWithin(key, fromUs, toUs);
      }
    }
    return count;
  }

  find(transferId: string, pool: string | undefined): TransferRecord | undefined {
    const indexed = this.#findIndexed(transferId);
    if (indexed !== undefined || parseTransferId(transferId) !== undefined) return indexed;
    // Ids of another form (an imported record, a host's own): search, newest first, within a bound.
    let left = MAX_SEARCHED_BLOCKS;
    for (const poolKey of pool === undefined ? poolKeys(this.#reader, 'metrics') : [keyOfName(pool)]) {
      for (const key of this.#keys(poolKey, 0, Number.MAX_SAFE_INTEGER, true)) {
        if (left <= 0) return undefined;
        left -= 1;
        const found = this.#findInBlock(key, transferId);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  #findIndexed(transferId: string): TransferRecord | undefined {
    const id = parseTransferId(transferId);
    if (id === undefined) return undefined;
    let from = idKey(id.origin, id.sequence, []);
    const to = idKey(id.origin, Number.MAX_VALUE, []);
    for (let seen = 0; seen < MAX_ID_ENTRIES; ) {
      const entries = this.#reader.range('meta', { from, to, limit: 256 });
      for (const { key, value } of entries) {
        from = [...key, 0];
        if ((decodeNumber(value) ?? 0) > id.sequence) continue;
        const found = this.#findInBlock(blockKeyOfIdKey(key), transferId);
        if (found !== undefined) return found;
      }
      if (entries.length < 256) return undefined;
      seen += entries.length;
    }
    return undefined;
  }

  #findInBlock(key: StoreKey, transferId: string): TransferRecord | undefined {
    const block = this.#block(key);
    if (block === undefined) return undefined;
    try {
      const row = block.transferIds().indexOf(transferId);
      return row < 0 ? undefined : checked(recordsOf(block)(row));
    } catch (error) {
      this.#counters.corrupt(error);
      return undefined;
    }
  }

  #rowsWithin(key: StoreKey, fromUs: number, toUs: number): number {
    const block = this.#block(key);
    if (block === undefined) return 0;
    const times = block.numbers('timestampUs');
    return Math.max(0, rowAt(times, toUs) - rowAt(times, fromUs));
  }

  #block(key: StoreKey): BlockView | undefined {
    const bytes = this.#reader.get('metrics', key);
    if (bytes === undefined) return undefined;
    try {
      return new BlockView(bytes);
    } catch (error) {
      this.#counters.corrupt(error);
      return undefined;
    }
  }

  /** Keys of the blocks that reach into a range. */
  *#keys(poolKey: string, fromUs: number, toUs: number, reverse: boolean): Generator<StoreKey> {
    let from: StoreKey = [poolKey, Math.floor(fromUs / MINUTE_US) * MINUTE_US];
    let to: StoreKey = [poolKey, toUs];
    for (;;) {
      const keys = this.#reader.keys('metrics', { from, to, limit: KEYS_AT_ONCE, reverse });
      for (const key of keys) {
        const block = parseBlockKey(key);
        if (block !== undefined && block.lastUs >= fromUs) yield key;
        if (reverse) to = key;
        else from = [...key, 0];
      }
      if (keys.length < KEYS_AT_ONCE) return;
    }
  }

  /** Keys in groups whose times overlap: several writers, or batches that came in late. Groups follow each other in time. */
  *#overlapping(poolKey: string, fromUs: number, toUs: number, reverse: boolean): Generator<StoreKey[]> {
    let group: StoreKey[] = [];
    let lowUs = 0;
    let highUs = 0;
    for (const key of this.#keys(poolKey, fromUs, toUs, reverse)) {
      const block = parseBlockKey(key);
      if (block === undefined) continue;
      if (
        group.length > 0 &&
        (reverse ? block.lastUs < lowUs && !sameMinute(block.firstUs, lowUs) : block.firstUs > highUs)
      ) {
        yield group;
        group = [];
      }
      lowUs = group.length === 0 ? block.firstUs : Math.min(lowUs, block.firstUs);
      highUs = group.length === 0 ? block.lastUs : Math.max(highUs, block.lastUs);
      group.push(key);
    }
    if (group.length > 0) yield group;
  }

  *#sorted(keys: readonly StoreKey[], fromUs: number, toUs: number, reverse: boolean): Generator<TransferRecord> {
    const rows: { readonly timeUs: number; readonly get: (row: number) => TransferRecord; readonly row: number }[] = [];
    for (const key of keys) {
      const block = this.#block(key);
      if (block === undefined) continue;
      try {
        const times = block.numbers('timestampUs');
        const get = recordsOf(block);
        const end = rowAt(times, toUs);
        for (let row = rowAt(times, fromUs); row < end; row += 1) rows.push({ timeUs: times[row] ?? 0, get, row });
      } catch (error) {
        this.#counters.corrupt(error);
      }
    }
    if (keys.length > 1) rows.sort((a, b) => a.timeUs - b.timeUs);
    if (reverse) rows.reverse();
    for (const { get, row } of rows) {
      let record: TransferRecord | undefined;
      try {
        record = checked(get(row));
      } catch (error) {
        this.#counters.corrupt(error);
      }
      if (record !== undefined) yield record;
    }
  }
}

/** Keys are sorted by first time: going back, only the minute's end proves that nothing overlaps any more. */
function sameMinute(aUs: number, bUs: number): boolean {
  return Math.floor(aUs / MINUTE_US) === Math.floor(bUs / MINUTE_US);
}

function checked(record: TransferRecord): TransferRecord {
  validateRecord(record);
  return record;
}
