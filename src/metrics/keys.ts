/**
 * Keys of the sub-databases: arrays of strings and integers in lmdb's ordered-binary form, which sorts element by element.
 * `docs/storage.md` draws the layout.
 */
import { createHash } from 'node:crypto';
import type { Slice } from './aggregate.ts';

export type KeyPart = string | number;
export type StoreKey = readonly KeyPart[];

export const MINUTE_S = 60;
export const HOUR_S = 3600;
/** Seconds an aggregate spans: one minute, or the roll-up over one hour. */
export type Level = typeof MINUTE_S | typeof HOUR_S;

const MAX_PLAIN_LENGTH = 128;

/**
 * A name of any length and content as a key part: printable ASCII up to 128 characters stays readable, anything else becomes `#` and
 * its SHA-256 (LMDB keys end at 1 978 bytes and ordered-binary strings must not hold NUL).
 */
export function keyOfName(name: string): string {
  if (name.length > 0 && name.length <= MAX_PLAIN_LENGTH && /^[\x20-\x22\x24-\x7e][\x20-\x7e]*$/.test(name))
    return name;
  return `#${createHash('sha256').update(JSON.stringify(name)).digest('base64url')}`;
}

/** Block of records: the last part makes keys of several writers differ. */
export function blockKey(
  poolKey: string,
  firstUs: number,
  lastUs: number,
  rows: number,
  writer: number,
  sequence: number,
): StoreKey {
  return [poolKey, firstUs, lastUs, rows, writer, sequence];
}

export interface BlockKeyParts {
  readonly poolKey: string;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly rows: number;
}

/** Undefined for a key that no block can have. */
export function parseBlockKey(key: StoreKey): BlockKeyParts | undefined {
  const [poolKey, firstUs, lastUs, rows] = key;
  if (
    typeof poolKey !== 'string' ||
    typeof firstUs !== 'number' ||
    typeof lastUs !== 'number' ||
    typeof rows !== 'number'
  )
    return undefined;
  return { poolKey, firstUs, lastUs, rows };
}

export function aggregateKey(poolKey: string, slice: Slice, level: Level, bucketS: number): StoreKey {
  return [poolKey, slice, level, bucketS];
}

/** Start of the bucket that holds a time, seconds. */
export function bucketOf(timestampUs: number, level: Level): number {
  return Math.floor(timestampUs / (level * 1_000_000)) * level;
}

/** Entry of `meta` that leads from a range of transfer ids to its block; the block's key follows. The value holds the lowest number. */
export function idKey(origin: string, high: number, block: StoreKey): StoreKey {
  return ['ids', origin, high, ...block];
}

/** The block's key within an id entry's. */
export function blockKeyOfIdKey(key: StoreKey): StoreKey {
  return key.slice(3);
}
