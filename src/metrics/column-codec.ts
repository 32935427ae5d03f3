/**
 * One column of a block. The encoder takes the shortest form that gives every value back bit for bit:
 *
 *   byte 0   form: 0 all undefined · 1 constant · 2 derived · 3/4/5 integers as base + u8/u16/u32 · 6 float32 · 7 float64
 *            + 16 when some values are undefined: a bitmap of ceil(rows / 8) bytes follows (1 = present)
 *   then     constant: f64 · integers: f64 base, one integer a row · floats: one a row (0 where undefined)
 */
import { type ByteReader, type ByteWriter, corrupt } from './byte-buffer.ts';

const ABSENT = 0;
const CONSTANT = 1;
/** The reader recomputes the column from others of the same row. */
export const DERIVED = 2;
const U8 = 3;
const U16 = 4;
const U32 = 5;
const F32 = 6;
const F64 = 7;
const WITH_BITMAP = 16;

/** Writes `rows` values; NaN stands for undefined. */
export function writeNumbers(writer: ByteWriter, values: Float64Array, rows: number): void {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let present = 0;
  let integers = true;
  let singles = true;
  for (let row = 0; row < rows; row += 1) {
    const value = values[row] as number; // in range: rows <= values.length
    if (Number.isNaN(value)) continue;
    present += 1;
    if (value < low) low = value;
    if (value > high) high = value;
    if (integers && (value !== Math.floor(value) || (value === 0 && 1 / value < 0))) integers = false;
    if (singles && Math.fround(value) !== value) singles = false;
  }
  if (present === 0) {
    writer.u8(ABSENT);
    return;
  }
  const bitmap = present < rows ? WITH_BITMAP : 0;
  const form = chooseForm(low, high, integers, singles);
  writer.u8(form | bitmap);
  if (bitmap !== 0) writeBitmap(writer, values, rows);
  writeValues(writer, values, rows, form, low);
}

function chooseForm(low: number, high: number, integers: boolean, singles: boolean): number {
  if (low === high && (low !== 0 || integers)) return CONSTANT;
  const span = high - low;
  if (integers && Number.isSafeInteger(low) && Number.isSafeInteger(high)) {
    if (span <= 0xff) return U8;
    if (span <= 0xffff) return U16;
    if (span <= 0xffff_ffff) return U32;
  }
  return singles ? F32 : F64;
}

function writeBitmap(writer: ByteWriter, values: Float64Array, rows: number): void {
  const bytes = (rows + 7) >> 3;
  writer.reserve(bytes);
  const start = writer.length;
  writer.bytes.fill(0, start, start + bytes);
  for (let row = 0; row < rows; row += 1) {
    const value = values[row] as number; // in range
    if (!Number.isNaN(value))
      writer.bytes[start + (row >> 3)] = (writer.bytes[start + (row >> 3)] ?? 0) | (1 << (row & 7));
  }
  writer.length += bytes;
}

function writeValues(writer: ByteWriter, values: Float64Array, rows: number, form: number, low: number): void {
  if (form <= U32) writer.f64(low);
  if (form === CONSTANT) return;
  writer.reserve(rows * 8);
  for (let row = 0; row < rows; row += 1) {
    const value = values[row] as number; // in range
    if (form <= U32) {
      const offset = !Number.isNaN(value) ? value - low : 0;
      if (form === U8) writer.u8(offset);
      else if (form === U16) writer.u16(offset);
      else writer.u32(offset);
    } else if (form === F32) writer.f32(!Number.isNaN(value) ? value : 0);
    else writer.f64(!Number.isNaN(value) ? value : 0);
  }
}

/** Reads what writeNumbers wrote; undefined as NaN. The answer is the string 'derived' where the column is to be recomputed. */
export function readNumbers(reader: ByteReader, rows: number): Float64Array | 'derived' {
  const head = reader.u8();
  const form = head & 15;
  if (form === DERIVED) return 'derived';
  const values = new Float64Array(rows);
  if (form === ABSENT) return values.fill(Number.NaN);
  const bitmap = (head & WITH_BITMAP) === 0 ? undefined : reader.raw((rows + 7) >> 3);
  if (form === CONSTANT) values.fill(reader.f64());
  else if (form <= U32) readIntegers(reader, values, form);
  else if (form === F32) for (let row = 0; row < rows; row += 1) values[row] = reader.f32();
  else if (form === F64) for (let row = 0; row < rows; row += 1) values[row] = reader.f64();
  else throw corrupt(`unknown column form ${form}`);
  if (bitmap !== undefined) {
    for (let row = 0; row < rows; row += 1)
      if (((bitmap[row >> 3] ?? 0) & (1 << (row & 7))) === 0) values[row] = Number.NaN;
  }
  return values;
}

function readIntegers(reader: ByteReader, values: Float64Array, form: number): void {
  const base = reader.f64();
  const rows = values.length;
  if (form === U8) {
    const bytes = reader.raw(rows);
    for (let row = 0; row < rows; row += 1) values[row] = base + (bytes[row] as number); // raw() is exactly this long
  } else if (form === U16) for (let row = 0; row < rows; row += 1) values[row] = base + reader.u16();
  else for (let row = 0; row < rows; row += 1) values[row] = base + reader.u32();
}

/** Dictionary (0 stands for undefined, else length + 1 and the bytes), then one index a row unless all are equal. */
export function writeTexts(
  writer: ByteWriter,
  dictionary: readonly (string | undefined)[],
  indices: Uint16Array,
  rows: number,
): void {
  writer.varint(dictionary.length);
  for (const text of dictionary) {
    writer.u8(text === undefined ? 0 : 1);
    if (text !== undefined) writer.string(text);
  }
  if (dictionary.length <= 1) return;
  writer.reserve(rows * 2);
  for (let row = 0; row < rows; row += 1) {
    const index = indices[row] as number; // in range
    if (dictionary.length <= 256) writer.u8(index);
    else writer.u16(index);
  }
}

export interface TextColumn {
  readonly dictionary: readonly (string | undefined)[];
  readonly indices: Uint16Array;
}

export function readTexts(reader: ByteReader, rows: number): TextColumn {
  const size = reader.varint();
  if (size < 1 || size > rows) throw corrupt('a dictionary has an impossible size');
  const dictionary: (string | undefined)[] = [];
  for (let index = 0; index < size; index += 1) dictionary.push(reader.u8() === 0 ? undefined : reader.string());
  const indices = new Uint16Array(rows);
  if (size > 1) {
    for (let row = 0; row < rows; row += 1) {
      const index = size <= 256 ? reader.u8() : reader.u16();
      if (index >= size) throw corrupt('a dictionary index points nowhere');
      indices[row] = index;
    }
  }
  return { dictionary, indices };
}
