/**
 * Encodes and decodes the messages of `proto/pitwall.proto` (protobuf wire format, https://protobuf.dev/programming-guides/encoding). By hand, since
 * a general library allocates the payload twice: here it is encoded straight into the message, and read as a view of it. A test holds
 * both directions against a general library.
 */

import { type Encodable, encodableOf, encodableText } from './encodable.ts';

export type FieldValue = string | boolean | number | Uint8Array | Encodable;

/** A field of a message: its number, how it is encoded, its value (left out where it is proto3's default). */
export interface Field {
  readonly number: number;
  readonly kind: 'string' | 'bytes' | 'bool' | 'uint64' | 'double';
  readonly value: FieldValue | undefined;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** One message, in one allocation. Fields are written in the given order. */
export function encodeMessage(fields: readonly Field[]): Buffer {
  const parts = fields.filter((field) => !isDefault(field.value)).map(prepare);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const target = Buffer.allocUnsafe(size);
  let offset = 0;
  for (const part of parts) {
    part.write(target, offset);
    offset += part.size;
  }
  return target;
}

interface Part {
  readonly size: number;
  write(target: Buffer, offset: number): void;
}

function isDefault(value: FieldValue | undefined): boolean {
  if (value === undefined || value === false || value === 0 || value === '') return true;
  return typeof value === 'object' && value.byteLength === 0;
}

function prepare({ number, kind, value }: Field): Part {
  if (kind === 'bool' || kind === 'uint64') {
    const tag = number * 8 + VARINT;
    const scalar = Number(value);
    return {
      size: varintSize(tag) + varintSize(scalar),
      write: (target, offset) => void writeVarint(target, writeVarint(target, offset, tag), scalar),
    };
  }
  if (kind === 'double') {
    const tag = number * 8 + FIXED64;
    return {
      size: varintSize(tag) + 8,
      write: (target, offset) => void target.writeDoubleLE(Number(value), writeVarint(target, offset, tag)),
    };
  }
  return prepareBytes(number, asEncodable(value));
}

function prepareBytes(number: number, content: Encodable): Part {
  const tag = number * 8 + LENGTH_DELIMITED;
  return {
    size: varintSize(tag) + varintSize(content.byteLength) + content.byteLength,
    write(target, offset) {
      const start = writeVarint(target, writeVarint(target, offset, tag), content.byteLength);
      content.writeTo(target, start);
    },
  };
}

function asEncodable(value: FieldValue | undefined): Encodable {
  if (value instanceof Uint8Array) return encodableOf(value);
  return typeof value === 'object' ? value : encodableText(String(value));
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    target[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    at += 1;
  }
  target[at] = rest;
  return at + 1;
}

/** A message's fields by number; the last one wins, as proto3 says. Values of bytes are views of the message. */
export class Decoded {
  readonly #numbers = new Map<number, number>();
  readonly #bytes = new Map<number, Buffer[]>();

  /** @throws RangeError for bytes that are no protobuf message */
  constructor(message: Buffer) {
    let at = 0;
    while (at < message.length) {
      const tag = readVarint(message, at);
      at = this.#read(message, tag.next, Math.floor(tag.value / 8), tag.value % 8);
    }
  }

  text(field: number): string {
    return this.#last(field)?.toString('utf8') ?? '';
  }

  texts(field: number): string[] {
    return (this.#bytes.get(field) ?? []).map((bytes) => bytes.toString('utf8'));
  }

  bytes(field: number): Buffer | undefined {
    return this.#last(field);
  }

  number(field: number): number {
    return this.#numbers.get(field) ?? 0;
  }

  #last(field: number): Buffer | undefined {
    return this.#bytes.get(field)?.at(-1);
  }

  #read(message: Buffer, at: number, field: number, wireType: number): number {
    switch (wireType) {
      case VARINT: {
        const { value, next } = readVarint(message, at);
        this.#numbers.set(field, value);
        return next;
      }
      case FIXED64:
        if (at + 8 > message.length) throw new RangeError('a number is cut off');
        this.#numbers.set(field, message.readDoubleLE(at));
        return at + 8;
      case LENGTH_DELIMITED: {
        const { value, next } = readVarint(message, at);
        if (next + value > message.length) throw new RangeError('a field is longer than its message');
        const list = this.#bytes.get(field);
        const bytes = message.subarray(next, next + value);
        if (list) list.push(bytes);
        else this.#bytes.set(field, [bytes]);
        return next + value;
      }
      case FIXED32:
        return at + 4;
      default:
        throw new RangeError(`wire type ${wireType} is unknown`);
    }
  }
}

function readVarint(message: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < start + 10; at += 1) {
    const byte = message[at];
    if (byte === undefined) break;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at + 1 };
    scale *= 0x80;
  }
  throw new RangeError('a number is cut off, or too long');
}
