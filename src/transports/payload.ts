/** From payloads to bytes and back. apache-arrow is loaded when the first table travels. */

import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import { InvalidArgumentError } from '../errors.ts';
import { decodeTensor, encodeTensor, isTensor, tensor } from './tensor.ts';
import { bytesEncodable, type Encodable } from './wire.ts';

/** A payload, ready to be written where it is wanted. */
export interface EncodedPayload extends Encodable {
  readonly dataType: string;
  readonly format: string;
}

const EMPTY = new Uint8Array(0);

/**
 * Tensors and typed arrays become `.npy`, Arrow tables an IPC stream, bytes stay bytes, text becomes UTF-8, everything else JSON.
 * @throws InvalidArgumentError for what JSON cannot say (functions, cycles, undefined)
 */
export async function encodePayload(payload: unknown): Promise<EncodedPayload> {
  if (payload instanceof Uint8Array) return withType('binary', 'raw', bytesEncodable(payload));
  if (payload instanceof ArrayBuffer) return withType('binary', 'raw', bytesEncodable(new Uint8Array(payload)));
  if (typeof payload === 'string') return withType('text', 'raw', bytesEncodable(Buffer.from(payload, 'utf8')));
  if (typeof payload === 'object' && payload !== null) {
    if (isTensor(payload)) return withType('tensor', 'numpy', encodeTensor(payload));
    const flat = { data: payload, shape: [lengthOf(payload)] };
    if (isTensor(flat)) return withType('tensor', 'numpy', encodeTensor(tensor(flat.data)));
    if (isTable(payload)) return withType('dataframe', 'arrow', bytesEncodable(await encodeTable(payload)));
  }
  return withType('json', 'json', bytesEncodable(encodeJson(payload)));
}

function withType(dataType: string, format: string, { byteLength, writeTo }: Encodable): EncodedPayload {
  return { dataType, format, byteLength, writeTo };
}

function lengthOf(value: object): number {
  return 'length' in value && typeof value.length === 'number' ? value.length : -1;
}

function isTable(value: object): boolean {
  return 'schema' in value && 'batches' in value && 'numRows' in value;
}

async function encodeTable(table: object): Promise<Uint8Array> {
  const { tableToIPC } = await import('apache-arrow');
  // The shape was checked; a table of another copy of apache-arrow has it too, and encodes the same.
  return tableToIPC(table as Parameters<typeof tableToIPC>[0], 'stream');
}

function encodeJson(value: unknown): Buffer {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new InvalidArgumentError(
      'payload',
      value,
      `a value that JSON can say (${error instanceof Error ? error.message : error})`,
    );
  }
  if (text === undefined)
    throw new InvalidArgumentError('payload', value, 'bytes, text, a tensor, a table or a JSON value');
  return Buffer.from(text, 'utf8');
}

/** What the other side gets: views of `bytes` where that is possible. @throws InvalidArgumentError, SyntaxError for bytes of another form */
export async function decodePayload(dataType: string, format: string, bytes: Uint8Array = EMPTY): Promise<unknown> {
  switch (format) {
    case 'numpy':
      return decodeTensor(bytes);
    case 'arrow': {
      const { tableFromIPC } = await import('apache-arrow');
      return tableFromIPC(bytes);
    }
    case 'json':
      return bytes.byteLength === 0
        ? undefined
        : JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    default: {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return dataType === 'text' ? view.toString('utf8') : view;
    }
  }
}

const gzipAsync = promisify(gzip);

/** Level 1: on a local wire more would cost more time than it saves. */
export async function compress(payload: Encodable): Promise<Buffer> {
  return gzipAsync(materialize(payload), { level: 1 });
}

/** Bounded: a small message must not grow to fill the worker's memory. @throws RangeError beyond `maxBytes` */
export function decompress(bytes: Uint8Array, maxBytes: number): Buffer {
  return gunzipSync(bytes, { maxOutputLength: maxBytes });
}

/** The bytes themselves, in one allocation. */
export function materialize(payload: Encodable): Buffer {
  const bytes = Buffer.allocUnsafe(payload.byteLength);
  payload.writeTo(bytes, 0);
  return bytes;
}
