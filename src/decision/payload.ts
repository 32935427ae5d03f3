/** What a payload says of itself: size, type, format. Sizes of documents are estimates from a bounded walk; all others are exact. */

export interface PayloadDescription {
  readonly dataSize: number;
  readonly dataType: string;
  readonly format: string;
}

/** undefined: nothing that can be sent (a function, a symbol, undefined). May throw where a proxy or getter does. */
export function describePayload(data: unknown): PayloadDescription | undefined {
  if (typeof data === 'string') return { dataSize: textBytes(data), dataType: 'text', format: 'raw' };
  if (typeof data !== 'object' || data === null) {
    return data === undefined || typeof data === 'function' || typeof data === 'symbol'
      ? undefined
      : { dataSize: 8, dataType: 'json', format: 'json' };
  }
  if (ArrayBuffer.isView(data)) return describeView(data);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) {
    return { dataSize: data.byteLength, dataType: 'binary', format: 'raw' };
  }
  return (
    describeTensor(data) ??
    describeTable(data) ?? { dataSize: estimateJsonBytes(data), dataType: 'json', format: 'json' }
  );
}

function describeView(data: ArrayBufferView): PayloadDescription {
  const plainBytes = data instanceof Uint8Array || data instanceof DataView;
  return plainBytes
    ? { dataSize: data.byteLength, dataType: 'binary', format: 'raw' }
    : { dataSize: data.byteLength, dataType: 'tensor', format: 'numpy' };
}

/** `{ data: typed array, shape: [...] }`, as `pitwall/transports` makes it. */
function describeTensor(value: object): PayloadDescription | undefined {
  if (!('shape' in value) || !('data' in value) || !Array.isArray(value.shape) || !ArrayBuffer.isView(value.data)) {
    return undefined;
  }
  return { dataSize: value.data.byteLength, dataType: 'tensor', format: 'numpy' };
}

/** An Arrow table, by its shape: apache-arrow itself is loaded only where it is used. */
function describeTable(value: object): PayloadDescription | undefined {
  if (!('schema' in value) || !('batches' in value) || !('numRows' in value) || !Array.isArray(value.batches)) {
    return undefined;
  }
  let dataSize = 0;
  for (const batch of value.batches) {
    const bytes: unknown = batch?.data?.byteLength;
    if (typeof bytes === 'number' && bytes >= 0) dataSize += bytes;
  }
  return { dataSize, dataType: 'dataframe', format: 'arrow' };
}

/** UTF-8 bytes of a string: exact for short ones, for long ones as if the whole were like its beginning. */
function textBytes(text: string): number {
  if (text.length <= EXACT_TEXT) return utf8Bytes(text);
  return Math.round((utf8Bytes(text.slice(0, EXACT_TEXT)) / EXACT_TEXT) * text.length);
}

const EXACT_TEXT = 1024;

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    // A surrogate is half of a character of four bytes.
    if (code < 0x80) bytes += 1;
    else bytes += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
  }
  return bytes;
}

/** Nodes looked at when a document's size is estimated; a large array is sampled evenly. */
const NODE_BUDGET = 256;
const SAMPLES = 16;

/**
 * About how long `JSON.stringify(value)` is, at the cost of at most 256 nodes: an array is taken to be like 16 of its elements, what lies
 * beyond the budget to be like what was seen. On documents of equal rows it is within a few per cent; a decision needs no more.
 */
export function estimateJsonBytes(value: unknown): number {
  const budget = { nodes: NODE_BUDGET };
  return Math.max(2, Math.round(walk(value, budget, 0)));
}

const DEEPEST = 16;

function walk(value: unknown, budget: { nodes: number }, depth: number): number {
  budget.nodes -= 1;
  if (typeof value === 'string') return textBytes(value) + 2;
  if (typeof value === 'number') return numberBytes(value);
  if (typeof value === 'boolean') return value ? 4 : 5;
  if (typeof value === 'bigint') return 20;
  if (typeof value !== 'object' || value === null) return 4;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (budget.nodes <= 0 || depth >= DEEPEST) return 2;
  return Array.isArray(value) ? walkArray(value, budget, depth) : walkObject(value, budget, depth);
}

function numberBytes(value: number): number {
  if (!Number.isInteger(value)) return 17;
  const magnitude = Math.abs(value);
  return (magnitude < 10 ? 1 : Math.floor(Math.log10(magnitude)) + 1) + (value < 0 ? 1 : 0);
}

function walkArray(items: readonly unknown[], budget: { nodes: number }, depth: number): number {
  const { length } = items;
  if (length === 0) return 2;
  const step = Math.max(1, Math.floor(length / SAMPLES));
  let bytes = 0;
  let seen = 0;
  for (let i = 0; i < length && budget.nodes > 0; i += step) {
    bytes += walk(items[i], budget, depth + 1);
    seen += 1;
  }
  return 1 + length + (seen === 0 ? 0 : (bytes / seen) * length);
}

function walkObject(value: object, budget: { nodes: number }, depth: number): number {
  let bytes = 0;
  let seen = 0;
  let keys = 0;
  for (const key in value) {
    keys += 1;
    // Keys beyond the budget are counted, up to a bound, and taken to be like the others.
    if (keys > MAX_KEYS) break;
    if (budget.nodes <= 0) continue;
    bytes += key.length + 4 + walk((value as Record<string, unknown>)[key], budget, depth + 1); // the key comes from the object
    seen += 1;
  }
  return 1 + (seen === 0 ? 1 : (bytes / seen) * keys);
}

const MAX_KEYS = 10_000;
