/** What the store needs of a sorted key-value environment: LMDB on disk, or a sorted map in memory. */
import type { StoreKey } from './keys.ts';

export const DATABASE_NAMES = [
  'metrics',
  'aggregates',
  'models',
  'thresholds',
  'policies',
  'baselines',
  'experiments',
  'events',
  'machines',
  'advice',
  'meta',
] as const;

export type DatabaseName = (typeof DATABASE_NAMES)[number];

export interface KeyRange {
  /** First key, included. */
  readonly from: StoreKey;
  /** Last key, excluded. */
  readonly to: StoreKey;
  /** Most entries to return: a range is read at once, so that no cursor stays open and pins old pages. */
  readonly limit: number;
  readonly reverse?: boolean;
}

export interface KeyValueEntry {
  readonly key: StoreKey;
  readonly value: Uint8Array;
}

export interface KeyValueReader {
  get(database: DatabaseName, key: StoreKey): Uint8Array | undefined;
  range(database: DatabaseName, range: KeyRange): KeyValueEntry[];
  /** Keys alone: values are not touched. */
  keys(database: DatabaseName, range: KeyRange): StoreKey[];
}

export interface KeyValueTransaction extends KeyValueReader {
  put(database: DatabaseName, key: StoreKey, value: Uint8Array): void;
  remove(database: DatabaseName, key: StoreKey): void;
}

export interface KeyValueUsage {
  /** Bytes of pages in use. */
  readonly usedBytes: number;
  /** Bytes of the file (or of the memory). */
  readonly fileBytes: number;
}

export interface KeyValueEnvironment extends KeyValueReader {
  /**
   * Runs `work` in one transaction: all of it happens or, when it throws, none. Durable when it returns (on disk). Throws
   * PITWALL_STORE_FULL, PITWALL_STORE_READ_ONLY, PITWALL_STORE_CORRUPT or PITWALL_STORE_FAILED. `reclaim`: allowed even at the size
   * limit, because it frees more than it writes.
   */
  write<T>(work: (transaction: KeyValueTransaction) => T, options?: { readonly reclaim?: boolean }): T;
  /** Makes the next read see what others (threads, processes) have committed. */
  refresh(): void;
  usage(): KeyValueUsage;
  /** Writes a consistent copy while in use; `path` is a directory. Absent in memory. */
  readonly backup?: (path: string) => Promise<void>;
  close(): Promise<void>;
}
