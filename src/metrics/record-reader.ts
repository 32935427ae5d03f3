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
import { type BlockInTime, type BlockRows, type Cursor, type Direction, GONE, mergeByTime } from './record-merge.ts';
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
    if (!(left >= 1)) return;
    const pools = query.pool === undefined ? [...poolKeys(this.#reader, 'metrics')] : [keyOfName(query.pool)];
    for (const poolKey of pools) {
      for (const cursor of this.#inOrder(poolKey, { fromUs, toUs, reverse: query.reverse === true })) {
        const record = this.#recordAt(cursor);
        if (record === undefined) continue;
        if (query.method !== undefined && record.method !== query.method) continue;
        if (query.outcome !== undefined && record.outcome !== query.outcome) continue;
        yield record;
        left -= 1;
        if (left < 1) return;
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

  /** Rows of a pool in order of time. Where a listed block has gone (merged with others, or removed), the rest is listed again from there. */
  *#inOrder(poolKey: string, range: Direction): Generator<Cursor> {
    const place = new Place();
    let { fromUs, toUs } = range;
    const { reverse } = range;
    for (;;) {
      const blocks = reverse ? this.#backwards(poolKey, fromUs, toUs) : this.#forwards(poolKey, fromUs, toUs);
      const rows = mergeByTime(blocks, (key) => this.#open(key), { fromUs, toUs, reverse });
      place.begin();
      for (;;) {
        const next = rows.next();
        if (next.done === true) {
          if (next.value !== GONE) return;
          break;
        }
        if (place.isNew(next.value.times[next.value.row] ?? 0)) yield next.value;
      }
      if (place.timeUs === undefined) continue;
      if (reverse) toUs = Math.min(toUs, place.timeUs + 1);
      else fromUs = Math.max(fromUs, place.timeUs);
    }
  }

  /** Blocks by their first record. */
  *#forwards(poolKey: string, fromUs: number, toUs: number): Generator<BlockInTime<StoreKey>> {
    let order = 0;
    for (const key of this.#keys(poolKey, fromUs, toUs, false)) yield inTime(key, order++);
  }

  /** Blocks by their last record, downwards: keys are sorted by the first, but no block crosses a minute. */
  *#backwards(poolKey: string, fromUs: number, toUs: number): Generator<BlockInTime<StoreKey>> {
    let minute: BlockInTime<StoreKey>[] = [];
    let order = 0;
    for (const key of this.#keys(poolKey, fromUs, toUs, true)) {
      const block = inTime(key, order++);
      const [other] = minute;
      if (other !== undefined && !sameMinute(other.firstUs, block.firstUs)) {
        yield* minute.sort((a, b) => b.lastUs - a.lastUs);
        minute = [];
      }
      minute.push(block);
    }
    yield* minute.sort((a, b) => b.lastUs - a.lastUs);
  }

  #open(key: StoreKey): BlockRows | undefined | typeof GONE {
    const bytes = this.#reader.get('metrics', key);
    // The next look sees what was committed meanwhile, and no transaction stays open between two records.
    this.#refresh();
    if (bytes === undefined) return GONE;
    try {
      const block = new BlockView(bytes);
      return { times: block.numbers('timestampUs'), get: recordsOf(block) };
    } catch (error) {
      this.#counters.corrupt(error);
      return undefined;
    }
  }

  #recordAt({ get, row }: Cursor): TransferRecord | undefined {
    try {
      return checked(get(row));
    } catch (error) {
      this.#counters.corrupt(error);
      return undefined;
    }
  }
}

/** How far a reader has come, so that a second listing goes on behind the last row of the first. */
class Place {
  timeUs: number | undefined;
  /** Rows given at exactly that time. */
  #given = 0;
  #toPass = 0;

  begin(): void {
    this.#toPass = this.#given;
  }

  isNew(timeUs: number): boolean {
    if (timeUs === this.timeUs && this.#toPass > 0) {
      this.#toPass -= 1;
      return false;
    }
    this.#toPass = 0;
    this.#given = timeUs === this.timeUs ? this.#given + 1 : 1;
    this.timeUs = timeUs;
    return true;
  }
}

function inTime(key: StoreKey, order: number): BlockInTime<StoreKey> {
  const { firstUs = 0, lastUs = 0 } = parseBlockKey(key) ?? {};
  return { key, firstUs, lastUs, order };
}

function sameMinute(aUs: number, bUs: number): boolean {
  return Math.floor(aUs / MINUTE_US) === Math.floor(bUs / MINUTE_US);
}

function checked(record: TransferRecord): TransferRecord {
  validateRecord(record);
  return record;
}
