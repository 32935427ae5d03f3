/** How long a document is as JSON, and a text as UTF-8, without making either: estimates from a bounded look. */

/** Nodes looked at; large arrays and dictionaries are sampled evenly. */
const NODE_BUDGET = 256;
const SAMPLES = 16;
const DEEPEST = 16;
/** Keys up to which an object is taken for a record, whose members differ. */
const RECORD = 64;

/**
 * About how long `JSON.stringify(value)` is, at the cost of at most 256 nodes: an array is taken to be like 16 of its elements, what lies
 * beyond the budget to be like what was seen. On documents of equal rows it is within a few per cent; a decision needs no more. Cycles
 * end with the budget, which is why no set of seen objects is kept.
 */
export function estimateJsonBytes(value: unknown): number {
  return Math.max(2, Math.round(walk(value, { nodes: NODE_BUDGET }, 0)));
}

/** UTF-8 bytes of a text: exact for short ones; of a long one its beginning, middle and end stand for the whole. */
export function estimateTextBytes(text: string): number {
  const { length } = text;
  if (length <= EXACT_TEXT) return utf8Bytes(text, 0, length);
  const middle = (length - PIECE) >>> 1;
  const bytes =
    utf8Bytes(text, 0, PIECE) + utf8Bytes(text, middle, middle + PIECE) + utf8Bytes(text, length - PIECE, length);
  return Math.round((bytes / (3 * PIECE)) * length);
}

const EXACT_TEXT = 1024;
const PIECE = 256;

function utf8Bytes(text: string, from: number, to: number): number {
  let bytes = 0;
  for (let i = from; i < to; i += 1) {
    const code = text.charCodeAt(i);
    // A surrogate is half of a character of four bytes.
    if (code < 0x80) bytes += 1;
    else bytes += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
  }
  return bytes;
}

interface Budget {
  nodes: number;
}

function walk(value: unknown, budget: Budget, depth: number): number {
  budget.nodes -= 1;
  if (typeof value === 'string') return estimateTextBytes(value) + 2;
  if (typeof value === 'number') return numberBytes(value);
  if (typeof value === 'boolean') return value ? 4 : 5;
  if (typeof value === 'bigint') return 20;
  if (typeof value !== 'object' || value === null) return 4;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof Date) return 26;
  if (budget.nodes <= 0 || depth >= DEEPEST) return 2;
  return Array.isArray(value) ? walkArray(value, budget, depth) : walkObject(value, budget, depth);
}

function numberBytes(value: number): number {
  if (!Number.isFinite(value)) return 4;
  if (!Number.isInteger(value)) return 17;
  const magnitude = Math.abs(value);
  if (magnitude >= 1e21) return 8;
  return (magnitude < 10 ? 1 : Math.floor(Math.log10(magnitude)) + 1) + (value < 0 ? 1 : 0);
}

function walkArray(items: readonly unknown[], budget: Budget, depth: number): number {
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

/** Members of a record are all looked at; of a dictionary, as of an array, some stand for all. */
function walkObject(value: object, budget: Budget, depth: number): number {
  const keys = Object.keys(value);
  const { length } = keys;
  if (length === 0) return 2;
  const step = length <= RECORD ? 1 : Math.floor(length / SAMPLES);
  let bytes = 0;
  let seen = 0;
  for (let i = 0; i < length && budget.nodes > 0; i += step) {
    const key = keys[i] ?? '';
    const member = (value as Record<string, unknown>)[key]; // The key comes from the object itself.
    bytes += key.length + 4 + walk(member, budget, depth + 1);
    seen += 1;
  }
  return 1 + (seen === 0 ? 1 : (bytes / seen) * length);
}
