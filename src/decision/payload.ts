/** What a payload says of itself: size, type, format. Sizes of documents and long texts are estimates; all others are exact. */
import { estimateJsonBytes, estimateTextBytes } from './json-size.ts';

export interface PayloadDescription {
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
}

/** undefined: nothing that can be sent (a function, a symbol, undefined). May throw where a proxy or getter does. */
export function describePayload(data: unknown): PayloadDescription | undefined {
  switch (typeof data) {
    case 'string':
      return { dataSize: estimateTextBytes(data), dataType: 'text', format: 'raw' };
    case 'object':
      return data === null ? describeDocument(data) : describeObject(data);
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return describeDocument(data);
  }
}

function describeObject(data: object): PayloadDescription {
  if (ArrayBuffer.isView(data)) return describeView(data);
  return describeBuffer(data) ?? describeTensor(data) ?? describeTable(data) ?? describeDocument(data);
}

function describeDocument(data: unknown): PayloadDescription {
  return { dataSize: estimateJsonBytes(data), dataType: 'json', format: 'json' };
}

function describeView(data: ArrayBufferView): PayloadDescription {
  const isBytes = data instanceof Uint8Array || BYTE_VIEWS.has(tagOf(data));
  return isBytes
    ? { dataSize: data.byteLength, dataType: 'binary', format: 'raw' }
    : { dataSize: data.byteLength, dataType: 'tensor', format: 'numpy' };
}

function describeBuffer(data: object): PayloadDescription | undefined {
  if (!('byteLength' in data) || typeof data.byteLength !== 'number' || !BUFFERS.has(tagOf(data))) return undefined;
  return { dataSize: data.byteLength, dataType: 'binary', format: 'raw' };
}

/** By tag, since test runners and `node:vm` have classes of their own for each context, which `instanceof` does not know. */
function tagOf(data: object): string {
  return Object.prototype.toString.call(data);
}

const BYTE_VIEWS: ReadonlySet<string> = new Set(['[object Uint8Array]', '[object DataView]']);
const BUFFERS: ReadonlySet<string> = new Set(['[object ArrayBuffer]', '[object SharedArrayBuffer]']);

/** `{ data: typed array, shape: [...] }`, as `pitwall/transports` makes it. */
function describeTensor(value: object): PayloadDescription | undefined {
  if (!('shape' in value) || !('data' in value)) return undefined;
  const { shape, data } = value;
  if (!Array.isArray(shape) || !ArrayBuffer.isView(data)) return undefined;
  return { dataSize: data.byteLength, dataType: 'tensor', format: 'numpy' };
}

/** Batches of a table whose sizes are added up; the others are taken to be like them. */
const MAX_BATCHES = 64;

/** An Arrow table, by its shape: apache-arrow itself is loaded only where it is used. */
function describeTable(value: object): PayloadDescription | undefined {
  if (!('schema' in value) || !('batches' in value) || !('numRows' in value)) return undefined;
  const { batches } = value;
  if (!Array.isArray(batches)) return undefined;
  const looked = Math.min(batches.length, MAX_BATCHES);
  let bytes = 0;
  for (let i = 0; i < looked; i += 1) bytes += bytesOf(batches[i]);
  const dataSize = looked === 0 ? 0 : Math.round((bytes / looked) * batches.length);
  return { dataSize, dataType: 'dataframe', format: 'arrow' };
}

function bytesOf(batch: unknown): number {
  if (typeof batch !== 'object' || batch === null || !('data' in batch)) return 0;
  const { data } = batch;
  if (typeof data !== 'object' || data === null || !('byteLength' in data)) return 0;
  return typeof data.byteLength === 'number' && data.byteLength >= 0 ? data.byteLength : 0;
}
