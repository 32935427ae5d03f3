/** From payloads to bytes and back. */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { InvalidArgumentError } from '../errors.ts';
import { decodeTable, encodeTable, isTable } from './arrow.ts';
import { contiguous, type Encodable, encodableOf, encodableText } from './encodable.ts';
import { decodeTensor, encodeTensor, isTensor } from './tensor.ts';

/** A payload, ready to be written where it is wanted. */
export interface EncodedPayload {
  readonly dataType: string;
  readonly format: string;
  readonly content: Encodable;
}

/** What bytes are, where they are a payload that the caller encoded by itself. */
export interface PayloadLabel {
  readonly dataType?: string | undefined;
  readonly format?: string | undefined;
}

/**
 * Tensors and typed arrays become `.npy`, Arrow tables an IPC stream, bytes stay bytes, text becomes UTF-8, everything else JSON. `label` says what bytes
 * are that the caller encoded already (`{ format: 'arrow' }`).
 * @throws InvalidArgumentError for what JSON cannot say (functions, cycles, undefined), and for a label on anything but bytes
 */
export async function encodePayload(payload: unknown, label: PayloadLabel = {}): Promise<EncodedPayload> {
  const bytes = bytesOf(payload);
  if (bytes !== undefined) return labelled(bytes, label);
  if (label.format !== undefined || label.dataType !== undefined) {
    throw new InvalidArgumentError('payload', payload, 'bytes, since dataType or format say how they are encoded');
  }
  if (typeof payload === 'string') return { dataType: 'text', format: 'raw', content: encodableText(payload) };
  if (typeof payload === 'object' && payload !== null) {
    const tensor = isTensor(payload) ? payload : flatTensor(payload);
    if (tensor !== undefined) return { dataType: 'tensor', format: 'numpy', content: encodeTensor(tensor) };
    if (isTable(payload)) return { dataType: 'dataframe', format: 'arrow', content: await encodeTable(payload) };
  }
  return { dataType: 'json', format: 'json', content: encodableText(jsonOf(payload)) };
}

/** What the other side gets: views of `bytes` where that is possible. @throws InvalidArgumentError, SyntaxError for bytes of another form */
export async function decodePayload(dataType: string, format: string, bytes: Uint8Array): Promise<unknown> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'numpy':
      return decodeTensor(bytes);
    case 'arrow':
      return decodeTable(bytes);
    case 'json':
      return view.length === 0 ? undefined : JSON.parse(view.toString('utf8'));
    default:
      return dataType === 'text' ? view.toString('utf8') : view;
  }
}

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/** Level 1: on a local wire more would cost more time than it saves. */
export async function compress(content: Encodable): Promise<Encodable> {
  return encodableOf(await gzipAsync(contiguous(content), { level: 1 }));
}

/** Bounded by what the sender said: a small message must not grow to fill the worker's memory. @throws RangeError beyond `size` */
export async function decompress(bytes: Uint8Array, size: number): Promise<Buffer> {
  return gunzipAsync(bytes, { maxOutputLength: Math.max(1, size) });
}

function bytesOf(payload: unknown): Uint8Array | undefined {
  // A clamped array is a picture's pixels: numbers.
  if (payload instanceof Uint8Array) return payload;
  if (payload instanceof DataView) return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  return payload instanceof ArrayBuffer || payload instanceof SharedArrayBuffer ? new Uint8Array(payload) : undefined;
}

const TYPES_BY_FORMAT: ReadonlyMap<string, string> = new Map([
  ['numpy', 'tensor'],
  ['arrow', 'dataframe'],
  ['json', 'json'],
]);
const MAX_LABEL = 64;

function labelled(bytes: Uint8Array, label: PayloadLabel): EncodedPayload {
  const { format = 'raw', dataType = TYPES_BY_FORMAT.get(format) ?? 'binary' } = label;
  for (const [field, value] of Object.entries({ format, dataType })) {
    if (typeof value === 'string' && value !== '' && value.length <= MAX_LABEL) continue;
    throw new InvalidArgumentError(field, value, `a string of 1..${MAX_LABEL} characters`);
  }
  return { dataType, format, content: encodableOf(bytes) };
}

/** A typed array is a tensor of one axis. */
function flatTensor(value: object): Parameters<typeof encodeTensor>[0] | undefined {
  if (!ArrayBuffer.isView(value) || !('length' in value) || typeof value.length !== 'number') return undefined;
  const flat = { data: value, shape: [value.length] };
  return isTensor(flat) ? flat : undefined;
}

function jsonOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError('payload', value, `a value that JSON can say (${why})`);
  }
  if (text !== undefined) return text;
  throw new InvalidArgumentError('payload', value, 'bytes, text, a tensor, a table or a JSON value');
}
