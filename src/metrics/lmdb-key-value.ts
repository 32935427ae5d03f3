/**
 * LMDB behind the key-value interface. lmdb is loaded here and nowhere else, lazily: a native module that cannot load costs
 * durability, not the runtime.
 *
 * Writes are synchronous transactions with a synchronous flush. lmdb's asynchronous writes were measured too: a full disk leaves
 * one of its own promises rejected and unobserved, which ends a host, and prints to the console. A synchronous one throws, aborts,
 * and goes on when space returns. So they run in a thread of their own (store-thread.ts).
 */
import { mkdirSync, statfsSync } from 'node:fs';
import { PitwallError } from '../errors.ts';
import type { ExitGate } from './exit-gate.ts';
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

type LmdbModule = typeof import('lmdb');
type LmdbRoot = import('lmdb').RootDatabase<Buffer, KeyPart[]>;
type LmdbDatabase = import('lmdb').Database<Buffer, KeyPart[]>;

export interface LmdbOptions {
  /** Directory of data.mdb and lock.mdb; made when missing. */
  readonly path: string;
  /** Bytes that the pages in use may take; undefined is no limit but the disk's. */
  readonly mapSizeLimit: number | undefined;
  /** Nothing is written but LMDB's table of readers, where the file system takes one. */
  readonly readOnly?: boolean;
  /** Set in a thread that may be ended from outside. */
  readonly gate?: ExitGate;
}

/** Reader slots: each thread of each process that reads takes one; lmdb's own default is 126. */
const MAX_READERS = 1024;
/** Bytes free on a disk that is not full. */
const AMPLE_ROOM = 16 * 1024 * 1024;

/** Opens an environment. Rejects with PITWALL_STORE_UNAVAILABLE (no native module) or with what LMDB says, see `storeError`. */
export async function openLmdb(options: LmdbOptions): Promise<LmdbKeyValue> {
  let lmdb: LmdbModule;
  try {
    lmdb = await import('lmdb');
  } catch (cause) {
    throw new PitwallError('PITWALL_STORE_UNAVAILABLE', 'The native module of lmdb cannot be loaded.', { cause });
  }
  try {
    const root: LmdbRoot = lmdb.open<Buffer, KeyPart[]>({
      path: options.path,
      noSubdir: false,
      encoding: 'binary',
      maxDbs: DATABASE_NAMES.length + 4,
      maxReaders: MAX_READERS,
      overlappingSync: false,
      ...(options.readOnly === true ? { readOnly: true } : {}),
    });
    return new LmdbKeyValue(root, options);
  } catch (error) {
    throw storeError(error, 'open the store');
  }
}

export class LmdbKeyValue implements KeyValueEnvironment {
  readonly #root: LmdbRoot;
  readonly #databases = new Map<DatabaseName, LmdbDatabase>();
  readonly #path: string;
  readonly #limit: number | undefined;
  readonly #gate: ExitGate | undefined;
  readonly #readOnly: boolean;
  readonly #transaction: KeyValueTransaction;
  /** Room on the disk when a write last failed for want of it. */
  #fullAtBytes: number | undefined;
  #closed = false;

  constructor(root: LmdbRoot, options: LmdbOptions) {
    this.#root = root;
    this.#path = options.path;
    this.#limit = options.mapSizeLimit;
    this.#gate = options.gate;
    this.#readOnly = options.readOnly === true;
    for (const name of DATABASE_NAMES) {
      const database: LmdbDatabase | undefined = root.openDB<Buffer, KeyPart[]>(name, { encoding: 'binary' });
      // Read-only, lmdb answers undefined for one that an older version did not make yet; its types do not say so.
      if (database !== undefined) this.#databases.set(name, database);
    }
    this.#transaction = {
      get: (database, key) => this.get(database, key),
      range: (database, range) => this.range(database, range),
      keys: (database, range) => this.keys(database, range),
      put: (database, key, value) => void this.#databases.get(database)?.putSync(parts(key), asBuffer(value)),
      remove: (database, key) => void this.#databases.get(database)?.removeSync(parts(key)),
    };
  }

  get(database: DatabaseName, key: StoreKey): Uint8Array | undefined {
    return this.#guard('read', () => this.#databases.get(database)?.get(parts(key)));
  }

  range(database: DatabaseName, range: KeyRange): KeyValueEntry[] {
    return this.#guard('read', () => {
      const entries: KeyValueEntry[] = [];
      const found = this.#databases.get(database)?.getRange(lmdbRange(range)) ?? [];
      for (const { key, value } of found) entries.push({ key, value });
      return entries;
    });
  }

  keys(database: DatabaseName, range: KeyRange): StoreKey[] {
    return this.#guard('read', () => {
      const keys: StoreKey[] = [];
      for (const key of this.#databases.get(database)?.getKeys(lmdbRange(range)) ?? []) keys.push(key);
      return keys;
    });
  }

  write<T>(work: (transaction: KeyValueTransaction) => T, options: { readonly reclaim?: boolean } = {}): T {
    return this.#guard('write', () => {
      if (this.#readOnly) throw new PitwallError('PITWALL_STORE_READ_ONLY', 'The store was opened to be read only.');
      if (options.reclaim !== true) {
        this.#checkLimit();
        this.#checkDisk();
      }
      const transact = () => this.#root.transactionSync(() => work(this.#transaction));
      try {
        const result = this.#gate === undefined ? transact() : this.#gate.pass(transact);
        this.#fullAtBytes = undefined;
        return result;
      } catch (error) {
        if (storeError(error, 'write').code === 'PITWALL_STORE_FULL') this.#fullAtBytes = this.#freeBytes();
        throw error;
      }
    });
  }

  refresh(): void {
    if (!this.#closed) this.#root.resetReadTxn();
  }

  usage(): KeyValueUsage {
    return this.#guard('measure', () => {
      const { pageSize, lastPageNumber } = stats(this.#root);
      let pages = 0;
      for (const database of this.#databases.values()) pages += stats(database).pages;
      return { usedBytes: pages * pageSize, fileBytes: (lastPageNumber + 1) * pageSize };
    });
  }

  readonly backup = async (path: string): Promise<void> => {
    try {
      mkdirSync(path, { recursive: true });
      await this.#root.backup(path, true);
    } catch (error) {
      throw storeError(error, 'back up the store');
    }
  };

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#root.close();
  }

  /** Pages in use cost a walk to count, so only where the file itself has reached the limit. */
  #checkLimit(): void {
    if (this.#limit === undefined) return;
    const { pageSize, lastPageNumber } = stats(this.#root);
    if ((lastPageNumber + 1) * pageSize < this.#limit || this.usage().usedBytes < this.#limit) return;
    throw new PitwallError('PITWALL_STORE_FULL', `The store has reached its size limit of ${this.#limit} bytes.`);
  }

  /** The native module prints a line to the host's standard error for each write that fails: a disk that was full is tried when it has more room. */
  #checkDisk(): void {
    if (this.#fullAtBytes === undefined) return;
    const free = this.#freeBytes();
    // With room to spare it was something else (a quota, an input/output error): only a try can tell.
    if (free > this.#fullAtBytes || free > AMPLE_ROOM) return;
    throw new PitwallError('PITWALL_STORE_FULL', 'The disk of the store is full.');
  }

  #freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#path);
      return bavail * bsize;
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  }

  #guard<T>(doing: string, work: () => T): T {
    if (this.#closed) throw new PitwallError('PITWALL_STORE_CLOSED', 'The store is closed.');
    try {
      return work();
    } catch (error) {
      throw storeError(error, `${doing} the store`);
    }
  }
}

function lmdbRange({ from, to, limit, reverse }: KeyRange): import('lmdb').RangeOptions {
  if (reverse !== true) return { start: parts(from), end: parts(to), limit };
  return { start: parts(to), end: parts(from), limit, reverse: true, exclusiveStart: true, inclusiveEnd: true };
}

function parts(key: StoreKey): KeyPart[] {
  return key as KeyPart[]; // lmdb's types ask for a mutable array; it does not write to it
}

function asBuffer(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

interface LmdbStats {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  readonly pages: number;
}

/** lmdb types its statistics as `{}`; read what is there. */
function stats(database: LmdbDatabase): LmdbStats {
  const raw = new Map<string, unknown>(Object.entries(database.getStats()));
  const number = (name: string): number => {
    const value = raw.get(name);
    return typeof value === 'number' ? value : 0;
  };
  return {
    pageSize: number('pageSize'),
    lastPageNumber: number('lastPageNumber'),
    pages: number('treeBranchPageCount') + number('treeLeafPageCount') + number('overflowPages'),
  };
}

/** Translates what LMDB and the system say into one family with stable codes. */
export function storeError(error: unknown, doing: string): PitwallError {
  if (error instanceof PitwallError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error, message);
  return new PitwallError(code, `Cannot ${doing}: ${message}`, { cause: error });
}

function codeOf(error: unknown, message: string): string {
  const raw = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (message.includes('MDB_MAP_FULL') || FULL.has(raw)) return 'PITWALL_STORE_FULL';
  if (READ_ONLY.has(raw)) return 'PITWALL_STORE_READ_ONLY';
  if (message.includes('MDB_READERS_FULL')) return 'PITWALL_STORE_READERS_FULL';
  if (/MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|PANIC|BAD_TXN)/.test(message))
    return 'PITWALL_STORE_CORRUPT';
  return 'PITWALL_STORE_FAILED';
}

// ENOSPC, EDQUOT, EFBIG; EIO is how LMDB reports a short write, which is how a full disk shows first.
const FULL = new Set<unknown>([28, 122, 27, 5, 'ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);
const READ_ONLY = new Set<unknown>([30, 13, 1, 'EROFS', 'EACCES', 'EPERM']);
