/**
 * Aggregates of one pool over one minute (or hour): four values, "slices", so that a query reads no more than it needs.
 *
 *   all        one summary of everything          page: ┌──────┬─────────┬───────┬───────┬─────────────────┐
 *   grpc       one of that lane                         │ 0xA6 │ version │ stamp │ crc32 │ content         │
 *   zero_copy  one of that lane                         └──────┴─────────┴───────┴───────┴─────────────────┘
 *   cells      one per (method, type, format, size band)  content: a summary · cells: count, then key, length, summary
 *
 * The first three are rewritten with every batch. Cells are thirty times larger: they are written once, when their minute is over
 * ("sealed", sealing.ts); until then a query reads the records themselves. The stamp is new with every write: a writer that kept the
 * decoded page knows by it whether another process wrote since.
 */
import { crc32 } from 'node:zlib';
import type { Method } from '../decision/types.ts';
import { addRows } from './accumulate.ts';
import type { BlockView } from './block-codec.ts';
import { ByteReader, ByteWriter, corrupt } from './byte-buffer.ts';
import { sizeBand } from './size-band.ts';
import { Summary } from './summary.ts';

export type Slice = 'all' | 'grpc' | 'zero_copy' | 'cells';
export const LANE_SLICES = ['all', 'grpc', 'zero_copy'] as const satisfies readonly Slice[];
export const SLICES: readonly Slice[] = [...LANE_SLICES, 'cells'];

export interface CellKey {
  readonly method: Method;
  readonly dataType: string;
  readonly format: string;
  readonly sizeBand: number;
}

export interface Cell {
  readonly key: CellKey;
  readonly summary: Summary;
}

/** More combinations than this in one minute share one cell, named OTHER: a hostile name costs nothing. */
export const MAX_CELLS = 256;
export const OTHER = '(other)';

/** Aggregates in memory: the cells, from which the other slices follow by merging. */
export class Cells {
  readonly #cells = new Map<string, Cell>();

  get size(): number {
    return this.#cells.size;
  }

  values(): IterableIterator<Cell> {
    return this.#cells.values();
  }

  /** The cell of a key, made when there is room, else the lane's OTHER cell. */
  at(key: CellKey): Cell {
    const text = `${key.method}\u0000${key.dataType}\u0000${key.format}\u0000${key.sizeBand}`;
    const found = this.#cells.get(text);
    if (found !== undefined) return found;
    if (this.#cells.size >= MAX_CELLS && key.dataType !== OTHER)
      return this.at({ ...key, dataType: OTHER, format: OTHER, sizeBand: 0 });
    const cell = { key, summary: new Summary() };
    this.#cells.set(text, cell);
    return cell;
  }

  /** Adds rows of a block: all, or those from one to before another. */
  addBlock(block: BlockView, fromRow = 0, toRow = block.rows): void {
    addRows(block, this.#summaryOfRow(block, fromRow, toRow), fromRow);
  }

  merge(other: Cells): void {
    for (const cell of other.values()) this.at(cell.key).summary.merge(cell.summary);
  }

  /** All cells, or one lane's, in one summary. */
  total(method?: Method): Summary {
    const total = new Summary();
    for (const cell of this.#cells.values())
      if (method === undefined || cell.key.method === method) total.merge(cell.summary);
    return total;
  }

  #summaryOfRow(block: BlockView, fromRow: number, toRow: number): Summary[] {
    const method = block.texts('method');
    const dataType = block.texts('dataType');
    const format = block.texts('format');
    const sizes = block.numbers('dataSize');
    // Names are few and repeat: a number made of their indices finds the cell without building a string a row.
    const known = new Map<number, Summary>();
    const rows: Summary[] = [];
    for (let row = fromRow; row < toRow; row += 1) {
      const band = sizeBand(sizes[row] ?? 0);
      const types = (method.indices[row] ?? 0) * 65_536 + (dataType.indices[row] ?? 0);
      const code = (types * 65_536 + (format.indices[row] ?? 0)) * 64 + band;
      let summary = known.get(code);
      if (summary === undefined) {
        summary = this.at({
          method: method.dictionary[method.indices[row] ?? 0] === 'zero_copy' ? 'zero_copy' : 'grpc',
          dataType: dataType.dictionary[dataType.indices[row] ?? 0] ?? '',
          format: format.dictionary[format.indices[row] ?? 0] ?? '',
          sizeBand: band,
        }).summary;
        known.set(code, summary);
      }
      rows.push(summary);
    }
    return rows;
  }
}

const MAGIC = 0xa6;
const VERSION = 1;
const HEADER = 14;
const pageWriter = () => new ByteWriter(4096);

/** A page with one summary, or with cells. */
export function encodePage(content: Summary | Cells, stamp: number): Uint8Array {
  const writer = pageWriter();
  writer.u8(MAGIC);
  writer.u8(VERSION);
  writer.f64(stamp);
  writer.u32(0);
  if (content instanceof Summary) content.write(writer);
  else writeCells(writer, content);
  const bytes = writer.finish();
  new DataView(bytes.buffer).setUint32(10, crc32(bytes.subarray(HEADER)), true);
  return bytes;
}

function writeCells(writer: ByteWriter, cells: Cells): void {
  const part = new ByteWriter(1024);
  writer.varint(cells.size);
  for (const { key, summary } of cells.values()) {
    writer.u8(key.method === 'zero_copy' ? 1 : 0);
    writer.string(key.dataType);
    writer.string(key.format);
    writer.u8(key.sizeBand);
    part.reset();
    summary.write(part);
    writer.varint(part.length);
    writer.raw(part.bytes.subarray(0, part.length));
  }
}

/** The stamp of a page, without checking the rest; NaN for what is no page. */
export function pageStamp(bytes: Uint8Array): number {
  if (bytes.length < HEADER || bytes[0] !== MAGIC || bytes[1] !== VERSION) return Number.NaN;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(2, true);
}

/** Adds a page with one summary to `into`. Throws PITWALL_STORE_CORRUPT. */
export function mergeSummaryPage(bytes: Uint8Array, into: Summary): void {
  into.mergeFrom(openPage(bytes));
}

/** Adds a page of cells: `into(key)` says which summary takes a cell, undefined passes over it undecoded. */
export function mergeCellsPage(bytes: Uint8Array, into: (key: CellKey) => Summary | undefined): void {
  const reader = openPage(bytes);
  const count = reader.varint();
  if (count > MAX_CELLS * 2 + 2) throw corrupt('an aggregate has too many cells');
  for (let index = 0; index < count; index += 1) {
    const method = reader.u8() === 1 ? 'zero_copy' : 'grpc';
    const key: CellKey = { method, dataType: reader.string(), format: reader.string(), sizeBand: reader.u8() };
    const length = reader.varint();
    const summary = into(key);
    if (summary === undefined) reader.skip(length);
    else {
      const end = reader.position + length;
      summary.mergeFrom(new ByteReader(reader.bytes, reader.position, end));
      reader.skip(length);
    }
  }
}

function openPage(bytes: Uint8Array): ByteReader {
  if (Number.isNaN(pageStamp(bytes))) throw corrupt('it is not an aggregate');
  const reader = new ByteReader(bytes, 10);
  if (reader.u32() !== crc32(bytes.subarray(HEADER))) throw corrupt('the checksum of an aggregate differs');
  return reader;
}
