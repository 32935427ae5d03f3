/** A sorted key-value environment in memory: serves where LMDB cannot. Bounded: a write beyond the limit is refused as a full disk's is. */
import { PitwallError } from '../errors.ts';
import {
  DATABASE_NAMES,
  type DatabaseName,
  type KeyRange,
  type KeyValueEntry,
  type KeyValueEnvironment,
  type KeyValueTransaction,
  type KeyValueUsage,
} from './key-value.ts';
import type { KeyPart, StoreKey } from './keys.ts';

interface Table {
  /** Sorted by compareKeys. */
  readonly entries: KeyValueEntry[];
}

type Undo = () => void;

export class MemoryKeyValue implements KeyValueEnvironment {
  readonly #tables = new Map<DatabaseName, Table>(DATABASE_NAMES.map((name) => [name, { entries: [] }]));
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get(database: DatabaseName, key: StoreKey): Uint8Array | undefined {
    const { entries } = this.#table(database);
    const index = lowerBound(entries, key);
    const entry = entries[index];
    return entry !== undefined && compareKeys(entry.key, key) === 0 ? entry.value : undefined;
  }

  range(database: DatabaseName, { from, to, limit, reverse }: KeyRange): KeyValueEntry[] {
    const { entries } = this.#table(database);
    const start = lowerBound(entries, from);
    const end = Math.max(start, lowerBound(entries, to));
    return reverse === true
      ? entries.slice(Math.max(start, end - limit), end).reverse()
      : entries.slice(start, Math.min(end, start + limit));
  }

  keys(database: DatabaseName, range: KeyRange): StoreKey[] {
    return this.range(database, range).map((entry) => entry.key);
  }

  write<T>(work: (transaction: KeyValueTransaction) => T, options: { readonly reclaim?: boolean } = {}): T {
    const undo: Undo[] = [];
    try {
      const result = work({
        get: (database, key) => this.get(database, key),
        range: (database, range) => this.range(database, range),
        keys: (database, range) => this.keys(database, range),
        put: (database, key, value) => this.#put(database, key, value, undo),
        remove: (database, key) => this.#remove(database, key, undo),
      });
      if (this.#usedBytes > this.#limitBytes && options.reclaim !== true) {
        throw new PitwallError(
          'PITWALL_STORE_FULL',
          `The store in memory has reached its limit of ${this.#limitBytes} bytes.`,
        );
      }
      return result;
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  refresh(): void {}

  usage(): KeyValueUsage {
    return { usedBytes: this.#usedBytes, fileBytes: this.#usedBytes };
  }

  close(): Promise<void> {
    for (const table of this.#tables.values()) table.entries.length = 0;
    return Promise.resolve();
  }

  #table(database: DatabaseName): Table {
    const table = this.#tables.get(database);
    if (table === undefined) throw new PitwallError('PITWALL_STORE_FAILED', `There is no database ${database}.`);
    return table;
  }

  #put(database: DatabaseName, key: StoreKey, value: Uint8Array, undo: Undo[]): void {
    const { entries } = this.#table(database);
    const index = lowerBound(entries, key);
    const old = entries[index];
    const entry = { key, value: value.slice() };
    if (old !== undefined && compareKeys(old.key, key) === 0) {
      entries[index] = entry;
      this.#usedBytes += sizeOf(entry) - sizeOf(old);
      undo.push(() => {
        entries[index] = old;
        this.#usedBytes -= sizeOf(entry) - sizeOf(old);
      });
      return;
    }
    entries.splice(index, 0, entry);
    this.#usedBytes += sizeOf(entry);
    undo.push(() => {
      entries.splice(index, 1);
      this.#usedBytes -= sizeOf(entry);
    });
  }

  #remove(database: DatabaseName, key: StoreKey, undo: Undo[]): void {
    const { entries } = this.#table(database);
    const index = lowerBound(entries, key);
    const old = entries[index];
    if (old === undefined || compareKeys(old.key, key) !== 0) return;
    entries.splice(index, 1);
    this.#usedBytes -= sizeOf(old);
    undo.push(() => {
      entries.splice(index, 0, old);
      this.#usedBytes += sizeOf(old);
    });
  }
}

/** The order of lmdb's ordered-binary keys: element by element, numbers before strings, a prefix before what it begins. */
export function compareKeys(a: StoreKey, b: StoreKey): number {
  const parts = Math.min(a.length, b.length);
  for (let index = 0; index < parts; index += 1) {
    const order = compareParts(a[index] as KeyPart, b[index] as KeyPart); // in range
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: KeyPart, b: KeyPart): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1;
  if (typeof b === 'number') return 1;
  // Key strings are ASCII (keyOfName), so UTF-16 order is byte order.
  return a < b ? -1 : a > b ? 1 : 0;
}

function lowerBound(entries: readonly KeyValueEntry[], key: StoreKey): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && compareKeys(entry.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sizeOf(entry: KeyValueEntry): number {
  return entry.value.length + 64;
}
