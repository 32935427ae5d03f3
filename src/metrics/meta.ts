/** Small values: JSON or bytes, told apart by their first byte, and the entries of the `meta` database. */
import { InvalidArgumentError } from '../errors.ts';
import type { JsonValue } from '../learning/types.ts';
import { corrupt } from './byte-buffer.ts';

const JSON_VALUE = 1;
const BINARY_VALUE = 2;
/** Largest value of a named entry, bytes: models are well below. */
export const MAX_VALUE_BYTES = 256 * 1024 * 1024;

interface NamedJson {
  readonly key: string;
  readonly value: JsonValue;
}

/** `[1][JSON of {key, value}]` or `[2][key length u32][key][bytes]`: the key is kept because long names are hashed. */
export function encodeValue(key: string, value: JsonValue | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) {
    const name = Buffer.from(key, 'utf8');
    const bytes = Buffer.alloc(5 + name.length + value.length);
    bytes[0] = BINARY_VALUE;
    bytes.writeUInt32LE(name.length, 1);
    bytes.set(name, 5);
    bytes.set(value, 5 + name.length);
    return checkSize(bytes);
  }
  let text: string | undefined;
  try {
    text = JSON.stringify({ key, value } satisfies NamedJson);
  } catch {
    text = undefined;
  }
  if (text === undefined || value === undefined)
    throw new InvalidArgumentError('value', value, 'a JSON value or bytes');
  const body = Buffer.from(text, 'utf8');
  const bytes = Buffer.alloc(1 + body.length);
  bytes[0] = JSON_VALUE;
  bytes.set(body, 1);
  return checkSize(bytes);
}

/** Throws PITWALL_STORE_CORRUPT. Keys such as `__proto__` in JSON objects come back as plain own properties. */
export function decodeValue(bytes: Uint8Array): { readonly key: string; readonly value: JsonValue | Uint8Array } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] === BINARY_VALUE && buffer.length >= 5) {
    const length = buffer.readUInt32LE(1);
    if (5 + length > buffer.length) throw corrupt('a named value ends before its name does');
    return { key: buffer.toString('utf8', 5, 5 + length), value: new Uint8Array(buffer.subarray(5 + length)) };
  }
  if (buffer[0] !== JSON_VALUE) throw corrupt('a named value has an unknown form');
  let parsed: unknown;
  try {
    parsed = JSON.parse(buffer.toString('utf8', 1));
  } catch {
    throw corrupt('a named value is not JSON');
  }
  if (!isNamedJson(parsed)) throw corrupt('a named value lacks its name');
  return parsed;
}

function isNamedJson(value: unknown): value is NamedJson {
  return (
    typeof value === 'object' && value !== null && 'key' in value && typeof value.key === 'string' && 'value' in value
  );
}

function checkSize(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_VALUE_BYTES) {
    throw new InvalidArgumentError('value', `${bytes.length} bytes`, `at most ${MAX_VALUE_BYTES} bytes`);
  }
  return bytes;
}

export function encodeNumber(value: number): Uint8Array {
  return encodeValue('', value);
}

/** Undefined for what is missing or no number. */
export function decodeNumber(bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { value } = decodeValue(bytes);
    return typeof value === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
