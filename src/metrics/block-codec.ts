/**
 * Records are stored in blocks: up to 4096 records of one pool and one minute, column by column.
 *
 *   ┌──────┬─────────┬────────┬───────┬──────┬───────────────────────────────────────┐
 *   │ 0xB1 │ version │ crc32  │ rows  │ pool │ columns: id, byte length, content ... │
 *   │  u8  │   u8    │  u32   │varint │string│ varint, varint, see column-codec.ts   │
 *   └──────┴─────────┴────────┴───────┴──────┴───────────────────────────────────────┘
 *                       └── of everything after it
 *
 * Measured against one LMDB entry a record: a quarter of the bytes, and the transaction cost of one put in thousands.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, corrupt } from './byte-buffer.ts';
import { DERIVED, readNumbers, readTexts, type TextColumn, writeNumbers, writeTexts } from './column-codec.ts';
import { type IdRange, idRangesOf, MAX_ID_RANGES } from './id-ranges.ts';
import type { TransferRecord } from './record.ts';
import {
  ID_RANGES_FIELD,
  NUMERIC_FIELDS,
  type NumericField,
  type NumericFieldName,
  predictionErrorOf,
  TEXT_FIELDS,
  type TextField,
  type TextFieldName,
  TRANSFER_ID_FIELD,
  throughputOf,
} from './record-fields.ts';
import { sketchKey } from './sketch.ts';
import type { Steps } from './slices.ts';

const MAGIC = 0xb1;
const VERSION = 1;
const HEADER = 6;
export const MAX_BLOCK_ROWS = 4096;
export const MINUTE_US = 60_000_000;

/** One block, encoded, with what its key needs. */
export interface EncodedBlock {
  readonly pool: string;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly rows: number;
  /** Which transfer ids are within, for finding one later. */
  readonly ids: readonly IdRange[];
  readonly bytes: Uint8Array;
}

/** Encodes records; keeps its scratch memory between calls, so use one per thread. */
export class BlockEncoder {
  readonly #writer = new ByteWriter(1 << 16);
  readonly #column = new ByteWriter(1 << 15);
  readonly #numbers = new Float64Array(MAX_BLOCK_ROWS);
  readonly #indices = new Uint16Array(MAX_BLOCK_ROWS);

  /** Splits valid records by pool and minute, sorts each part by time, and encodes it. A step is a block. */
  *encodeAll(records: readonly TransferRecord[]): Steps<EncodedBlock[]> {
    const blocks: EncodedBlock[] = [];
    for (const group of groupByPoolMinute(records)) {
      for (let from = 0; from < group.length; from += MAX_BLOCK_ROWS) {
        blocks.push(this.encode(group.length <= MAX_BLOCK_ROWS ? group : group.slice(from, from + MAX_BLOCK_ROWS)));
        yield;
      }
    }
    return blocks;
  }

  /** Encodes 1..4096 records of one pool and one minute, sorted by time. */
  encode(records: readonly TransferRecord[]): EncodedBlock {
    const first = records[0];
    const last = records[records.length - 1];
    if (first === undefined || last === undefined || records.length > MAX_BLOCK_ROWS)
      throw corrupt('a block of no size');
    const writer = this.#writer;
    writer.reset();
    writer.u8(MAGIC);
    writer.u8(VERSION);
    writer.u32(0);
    writer.varint(records.length);
    writer.string(first.pool);
    for (const field of NUMERIC_FIELDS) this.#numeric(field, records);
    for (const field of TEXT_FIELDS) this.#text(field, records);
    const ids = idRangesOf(records);
    this.#idRanges(ids);
    this.#transferIds(records);
    const bytes = writer.finish();
    new DataView(bytes.buffer).setUint32(2, crc32(bytes.subarray(HEADER)), true);
    return { pool: first.pool, firstUs: first.timestampUs, lastUs: last.timestampUs, rows: records.length, ids, bytes };
  }

  #numeric(field: NumericField, records: readonly TransferRecord[]): void {
    const { get, derive } = field;
    if (field.sparse === true && records.every((record) => get(record) === undefined)) return;
    const numbers = this.#numbers;
    const rows = records.length;
    this.#column.reset();
    if (derive !== undefined && records.every((record) => Object.is(get(record), derive(record))))
      this.#column.u8(DERIVED);
    else {
      for (let row = 0; row < rows; row += 1) numbers[row] = get(records[row] as TransferRecord) ?? Number.NaN; // in range
      writeNumbers(this.#column, numbers, rows);
    }
    this.#append(field.id);
  }

  #text(field: TextField, records: readonly TransferRecord[]): void {
    if (field.sparse === true && records.every((record) => field.get(record) === undefined)) return;
    const dictionary: (string | undefined)[] = [];
    const known = new Map<string | undefined, number>();
    let previous: string | undefined;
    let previousIndex = -1;
    for (let row = 0; row < records.length; row += 1) {
      const text = field.get(records[row] as TransferRecord); // in range
      if (previousIndex < 0 || text !== previous) {
        let index = known.get(text);
        if (index === undefined) {
          index = dictionary.length;
          known.set(text, index);
          dictionary.push(text);
        }
        previous = text;
        previousIndex = index;
      }
      this.#indices[row] = previousIndex;
    }
    this.#column.reset();
    writeTexts(this.#column, dictionary, this.#indices, records.length);
    this.#append(field.id);
  }

  #idRanges(ids: readonly IdRange[]): void {
    this.#column.reset();
    this.#column.varint(ids.length);
    for (const { origin, low, high } of ids) {
      this.#column.string(origin);
      this.#column.varint(low);
      this.#column.varint(high);
    }
    this.#append(ID_RANGES_FIELD);
  }

  /** Ids that follow each other share most of their characters: each is what it shares with the one before, and the rest. */
  #transferIds(records: readonly TransferRecord[]): void {
    const column = this.#column;
    column.reset();
    let previous = '';
    for (const { transferId } of records) {
      const most = Math.min(previous.length, transferId.length, 127);
      let shared = 0;
      while (shared < most && previous.charCodeAt(shared) === transferId.charCodeAt(shared)) shared += 1;
      // A surrogate pair is one character in UTF-8: it is not cut in two.
      if (shared > 0 && (transferId.charCodeAt(shared - 1) & 0xfc00) === 0xd800) shared -= 1;
      column.u8(shared);
      column.string(shared === 0 ? transferId : transferId.slice(shared));
      previous = transferId;
    }
    this.#append(TRANSFER_ID_FIELD);
  }

  #append(id: number): void {
    this.#writer.varint(id);
    this.#writer.varint(this.#column.length);
    this.#writer.raw(this.#column.bytes.subarray(0, this.#column.length));
  }
}

function groupByPoolMinute(records: readonly TransferRecord[]): TransferRecord[][] {
  const pools = new Map<string, Map<number, TransferRecord[]>>();
  for (const record of records) {
    let minutes = pools.get(record.pool);
    if (minutes === undefined) {
      minutes = new Map();
      pools.set(record.pool, minutes);
    }
    const minute = Math.floor(record.timestampUs / MINUTE_US);
    const group = minutes.get(minute);
    if (group === undefined) minutes.set(minute, [record]);
    else group.push(record);
  }
  const groups: TransferRecord[][] = [];
  for (const minutes of pools.values()) {
    for (const group of minutes.values()) groups.push(sortedByTime(group));
  }
  return groups;
}

function sortedByTime(records: TransferRecord[]): TransferRecord[] {
  for (let row = 1; row < records.length; row += 1) {
    const before = records[row - 1]?.timestampUs ?? 0;
    const here = records[row]?.timestampUs ?? 0;
    if (before > here) return records.sort((a, b) => a.timestampUs - b.timestampUs);
  }
  return records;
}

/** A block as read: columns are decoded when first asked for. */
export class BlockView {
  readonly rows: number;
  readonly pool: string;
  readonly #bytes: Uint8Array;
  readonly #columns = new Map<number, readonly [start: number, end: number]>();
  readonly #numbers = new Map<NumericFieldName, Float64Array>();
  readonly #sketchKeys = new Map<NumericFieldName, Int16Array>();
  readonly #texts = new Map<TextFieldName, TextColumn>();

  /** Throws PITWALL_STORE_CORRUPT where the checksum or the structure does not hold. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const reader = new ByteReader(bytes);
    if (reader.u8() !== MAGIC) throw corrupt('it is not a block of records');
    if (reader.u8() !== VERSION) throw corrupt('a block has an unknown version');
    if (reader.u32() !== crc32(bytes.subarray(HEADER))) throw corrupt('the checksum of a block differs');
    this.rows = reader.varint();
    if (this.rows < 1 || this.rows > MAX_BLOCK_ROWS) throw corrupt('a block has an impossible number of rows');
    this.pool = reader.string();
    while (reader.remaining > 0) {
      const id = reader.varint();
      const length = reader.varint();
      this.#columns.set(id, [reader.position, reader.position + length]);
      reader.skip(length);
    }
  }

  /** A numeric column; undefined values are NaN. */
  numbers(name: NumericFieldName): Float64Array {
    const cached = this.#numbers.get(name);
    if (cached !== undefined) return cached;
    const field = NUMERIC_FIELDS.find((candidate) => candidate.name === name);
    const reader = field === undefined ? undefined : this.#reader(field.id);
    let values = reader === undefined ? new Float64Array(this.rows).fill(Number.NaN) : readNumbers(reader, this.rows);
    if (values === 'derived') values = this.#derived(name);
    this.#numbers.set(name, values);
    return values;
  }

  /** The bin of each value of a numeric column (`sketchKey`); of undefined values, anything. */
  sketchKeys(name: NumericFieldName): Int16Array {
    const cached = this.#sketchKeys.get(name);
    if (cached !== undefined) return cached;
    const values = this.numbers(name);
    const keys = new Int16Array(this.rows);
    for (let row = 0; row < this.rows; row += 1) keys[row] = sketchKey(values[row] as number); // in range
    this.#sketchKeys.set(name, keys);
    return keys;
  }

  texts(name: TextFieldName): TextColumn {
    const cached = this.#texts.get(name);
    if (cached !== undefined) return cached;
    const field = TEXT_FIELDS.find((candidate) => candidate.name === name);
    const reader = field === undefined ? undefined : this.#reader(field.id);
    const column =
      reader === undefined
        ? { dictionary: [undefined], indices: new Uint16Array(this.rows) }
        : readTexts(reader, this.rows);
    this.#texts.set(name, column);
    return column;
  }

  /** Ranges of transfer ids within, as they were when written. */
  idRanges(): IdRange[] {
    const reader = this.#reader(ID_RANGES_FIELD);
    const ranges: IdRange[] = [];
    const count = reader?.varint() ?? 0;
    for (let index = 0; index < Math.min(count, MAX_ID_RANGES) && reader !== undefined; index += 1) {
      ranges.push({ origin: reader.string(), low: reader.varint(), high: reader.varint() });
    }
    return ranges;
  }

  transferIds(): string[] {
    const reader = this.#reader(TRANSFER_ID_FIELD);
    const ids: string[] = [];
    let previous = '';
    for (let row = 0; row < this.rows; row += 1) {
      if (reader === undefined) ids.push('');
      else {
        const shared = reader.u8();
        previous = previous.slice(0, shared) + reader.string();
        ids.push(previous);
      }
    }
    return ids;
  }

  #reader(id: number): ByteReader | undefined {
    const range = this.#columns.get(id);
    return range === undefined ? undefined : new ByteReader(this.#bytes, range[0], range[1]);
  }

  #derived(name: NumericFieldName): Float64Array {
    const latency = this.numbers('latencyUs');
    const values = new Float64Array(this.rows);
    const other = this.numbers(name === 'throughputMBps' ? 'dataSize' : 'predictedLatencyUs');
    for (let row = 0; row < this.rows; row += 1) {
      const latencyUs = latency[row] ?? Number.NaN;
      const value = other[row] ?? Number.NaN;
      values[row] =
        name === 'throughputMBps'
          ? throughputOf(value, latencyUs)
          : (predictionErrorOf(latencyUs, Number.isNaN(value) ? undefined : value) ?? Number.NaN);
    }
    return values;
  }
}
