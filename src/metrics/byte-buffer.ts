/** Growing byte writer and bounds-checked reader: the alphabet that blocks and aggregates are written in. Little-endian. */
import { PitwallError } from '../errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: false });

export class ByteWriter {
  bytes: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(initialBytes = 4096) {
    this.bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  reset(): void {
    this.length = 0;
  }

  /** Makes room for `count` more bytes, so that a caller may write into `bytes` directly. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.#view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  f32(value: number): void {
    this.reserve(4);
    this.#view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Unsigned LEB128, for integers up to 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** Signed integer, small magnitudes short. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  string(value: string): void {
    this.reserve(value.length * 3 + 8);
    let ascii = true;
    for (let index = 0; index < value.length; index += 1) {
      if (value.charCodeAt(index) >= 128) {
        ascii = false;
        break;
      }
    }
    if (ascii) {
      this.varint(value.length);
      for (let index = 0; index < value.length; index += 1) this.bytes[this.length++] = value.charCodeAt(index);
      return;
    }
    const encoded = encoder.encode(value);
    this.varint(encoded.length);
    this.raw(encoded);
  }

  raw(data: Uint8Array): void {
    this.reserve(data.length);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }

  /** Overwrites four bytes at a position that was written before. */
  patchU32(position: number, value: number): void {
    this.#view.setUint32(position, value, true);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

/** Reads what a ByteWriter wrote. Throws PITWALL_STORE_CORRUPT instead of reading past the end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.end = Math.min(end, bytes.length);
  }

  u8(): number {
    return this.bytes[this.#take(1)] ?? 0;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  varint(): number {
    const first = this.position < this.end ? this.bytes[this.position] : undefined;
    if (first !== undefined && first < 128) {
      this.position += 1;
      return first;
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 8; index += 1) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw corrupt('a number is longer than it may be');
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  string(): string {
    const length = this.varint();
    const start = this.#take(length);
    if (length < 48) {
      let text = '';
      for (let index = start; index < start + length; index += 1) {
        const code = this.bytes[index] ?? 0;
        if (code >= 128) return decoder.decode(this.bytes.subarray(start, start + length));
        text += String.fromCharCode(code);
      }
      return text;
    }
    return decoder.decode(this.bytes.subarray(start, start + length));
  }

  raw(length: number): Uint8Array {
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  get remaining(): number {
    return this.end - this.position;
  }

  #take(count: number): number {
    const start = this.position;
    if (!(count >= 0) || start + count > this.end) throw corrupt('it ends before its content does');
    this.position = start + count;
    return start;
  }
}

/** Stored bytes that do not say what they should. */
export function corrupt(detail: string): PitwallError {
  return new PitwallError('PITWALL_STORE_CORRUPT', `A stored value is damaged: ${detail}.`);
}
