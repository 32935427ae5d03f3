/** The store over any environment: encodes and hands writes to a writer, answers reads itself. */

import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { JsonValue } from '../learning/types.ts';
import { BlockEncoder } from './block-codec.ts';
import type { KeyValueEnvironment } from './key-value.ts';
import { keyOfName, type StoreKey } from './keys.ts';
import { decodeValue, encodeValue } from './meta.ts';
import { poolKeys, poolName } from './pools.ts';
import { MILESTONES, milestoneOf } from './progress.ts';
import { querySeries, queryStatistics } from './query.ts';
import { RangeReader } from './range-reader.ts';
import { ReadCounters } from './read-counters.ts';
import type { TransferRecord } from './record.ts';
import { RecordReader } from './record-reader.ts';
import { atOnce, inSlices, type Steps } from './slices.ts';
import type { SeriesPoint, StoreStatistics } from './statistics.ts';
import {
  type CountQuery,
  type MetricsStore,
  type RecordsQuery,
  type RetainOptions,
  type RetainResult,
  type SeriesQuery,
  STORE_KINDS,
  type StatisticsQuery,
  type StoreKind,
  type StoreStatus,
} from './store-types.ts';
import { validateRecord } from './validate-record.ts';
import type { StoreWriter } from './writer.ts';

export interface TimeSeriesStoreOptions {
  readonly environment: KeyValueEnvironment;
  readonly writer: StoreWriter;
  readonly kind: 'durable' | 'memory';
  readonly reason: string | undefined;
  readonly nowUs: () => number;
  readonly retentionUs: number;
  readonly sizeLimit: number | undefined;
  readonly onWarning: (message: string) => void;
  /** After the environment is closed. */
  readonly onClosed: () => void;
}

const KINDS = new Set<string>(STORE_KINDS);
const ENTRIES_AT_ONCE = 64;
const DEFAULT_BUDGET_MS = 400;
/** Tries of a query in slices, before it is made at once. */
const MAX_TRIES = 3;
/** A batch is one transaction, and a transaction must end while a process that exits waits for it. */
export const MAX_BATCH = 65_536;

export class TimeSeriesStore implements MetricsStore {
  readonly #options: TimeSeriesStoreOptions;
  readonly #environment: KeyValueEnvironment;
  readonly #writer: StoreWriter;
  readonly #encoder = new BlockEncoder();
  readonly #counters: ReadCounters;
  readonly #ranges: RangeReader;
  readonly #records: RecordReader;
  #rejectedRecords = 0;
  #storedRecords = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: TimeSeriesStoreOptions) {
    this.#options = options;
    this.#environment = options.environment;
    this.#writer = options.writer;
    this.#counters = new ReadCounters((error) =>
      options.onWarning(
        `a stored value was damaged and left out: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );
    this.#ranges = new RangeReader(this.#environment, this.#counters);
    this.#records = new RecordReader(this.#environment, this.#counters, () => this.#environment.refresh());
  }

  get status(): StoreStatus {
    return {
      kind: this.#options.kind,
      reason: this.#options.reason,
      writer: this.#writer.kind,
      closed: this.#closing !== undefined,
      rejectedRecords: this.#rejectedRecords,
      storedRecords: this.#storedRecords,
      corruptValues: this.#counters.corruptValues,
      aggregatesRead: this.#counters.aggregatesRead,
    };
  }

  async append(records: readonly TransferRecord[]): Promise<void> {
    this.#open();
    if (!Array.isArray(records) || records.length > MAX_BATCH) {
      throw new InvalidArgumentError('records', records, `an array of at most ${MAX_BATCH} transfer records`);
    }
    const valid = this.#validOf(records);
    if (valid.length === 0) return;
    await this.#write(this.#appendValid(valid));
    this.#storedRecords += valid.length;
  }

  /** Several blocks are encoded in slices: a full batch takes some eight milliseconds of the host's thread. */
  async #appendValid(records: readonly TransferRecord[]): Promise<void> {
    await this.#writer.append(await inSlices(this.#encoder.encodeAll(records)));
  }

  async flush(): Promise<void> {
    this.#open();
    await this.#lastWrite;
  }

  async put(kind: StoreKind, key: string, value: JsonValue): Promise<void> {
    await this.#put(kind, key, encodeValue(checkKey(key), value));
  }

  async putBytes(kind: StoreKind, key: string, value: Uint8Array): Promise<void> {
    if (!(value instanceof Uint8Array)) throw new InvalidArgumentError('value', value, 'bytes');
    await this.#put(kind, key, encodeValue(checkKey(key), value));
  }

  async remove(kind: StoreKind, key: string): Promise<void> {
    await this.#put(kind, checkKey(key), undefined);
  }

  get(kind: StoreKind, key: string): JsonValue | undefined {
    const value = this.#get(kind, key);
    return value instanceof Uint8Array ? undefined : value;
  }

  getBytes(kind: StoreKind, key: string): Uint8Array | undefined {
    const value = this.#get(kind, key);
    return value instanceof Uint8Array ? value : undefined;
  }

  *entries(kind: StoreKind, prefix = ''): Generator<readonly [key: string, value: JsonValue]> {
    for (const { key, value } of this.#entries(kind, prefix)) if (!(value instanceof Uint8Array)) yield [key, value];
  }

  *entriesOfBytes(kind: StoreKind, prefix = ''): Generator<readonly [key: string, value: Uint8Array]> {
    for (const { key, value } of this.#entries(kind, prefix)) if (value instanceof Uint8Array) yield [key, value];
  }

  pools(): string[] {
    this.#read();
    return [...poolKeys(this.#environment, 'metrics')].map((poolKey) => poolName(this.#environment, poolKey));
  }

  statistics(query: StatisticsQuery): StoreStatistics {
    this.#read();
    return atOnce(queryStatistics(this.#ranges, query));
  }

  series(query: SeriesQuery): SeriesPoint[] {
    this.#read();
    return atOnce(querySeries(this.#ranges, { toUs: this.#options.nowUs(), ...query }));
  }

  statisticsInSlices(query: StatisticsQuery): Promise<StoreStatistics> {
    return this.#inSlices(query.pool, () => queryStatistics(this.#ranges, query));
  }

  seriesInSlices(query: SeriesQuery): Promise<SeriesPoint[]> {
    const toUs = this.#options.nowUs();
    return this.#inSlices(query.pool, () => querySeries(this.#ranges, { toUs, ...query }));
  }

  records(query: RecordsQuery = {}): IterableIterator<TransferRecord> {
    this.#read();
    return this.#records.records(query);
  }

  count(query: CountQuery = {}): number {
    this.#read();
    return this.#records.count(query);
  }

  find(transferId: string, hint: { readonly pool?: string } = {}): TransferRecord | undefined {
    this.#read();
    return this.#records.find(transferId, hint.pool);
  }

  async retain({ budgetMs = DEFAULT_BUDGET_MS }: RetainOptions = {}): Promise<RetainResult> {
    this.#open();
    if (typeof budgetMs !== 'number' || !(budgetMs >= 1 && budgetMs <= 10_000)) {
      throw new InvalidArgumentError('budgetMs', budgetMs, 'milliseconds, 1..10000');
    }
    const { nowUs, retentionUs, sizeLimit } = this.#options;
    return this.#writer.upkeep({ nowUs: nowUs(), retentionUs, sizeLimit, budgetMs });
  }

  async backup(directory: string): Promise<void> {
    this.#open();
    const { backup } = this.#environment;
    if (backup === undefined)
      throw new PitwallError('PITWALL_STORE_UNSUPPORTED', 'A store in memory cannot be backed up.');
    await this.#lastWrite.catch(() => undefined);
    this.#environment.refresh();
    await backup(directory);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#lastWrite.catch(() => undefined);
    await this.#writer.close();
    await this.#environment.close();
    this.#options.onClosed();
  }

  /** Each slice sees what is stored by then: where upkeep moved minutes from one page to another meanwhile, all is read again. */
  async #inSlices<R>(pool: string, query: () => Steps<R>): Promise<R> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      this.#read();
      const before = this.#progressOf(pool);
      const result = await inSlices(query());
      this.#read();
      if (this.#progressOf(pool) === before) return result;
    }
    this.#read();
    return atOnce(query());
  }

  #progressOf(pool: string): string {
    if (typeof pool !== 'string') return ''; // the query says so
    const poolKey = keyOfName(pool);
    return MILESTONES.map((milestone) => milestoneOf(this.#environment, milestone, poolKey)).join();
  }

  #validOf(records: readonly TransferRecord[]): readonly TransferRecord[] {
    const valid: TransferRecord[] = [];
    for (const record of records) {
      try {
        validateRecord(record);
        valid.push(record);
      } catch (error) {
        this.#rejectedRecords += 1;
        const message = error instanceof Error ? error.message : String(error);
        if (this.#rejectedRecords === 1) this.#options.onWarning(`a record was not stored: ${message}`);
      }
    }
    return valid;
  }

  async #put(kind: StoreKind, key: string, value: Uint8Array | undefined): Promise<void> {
    this.#open();
    await this.#write(this.#writer.putEntries([{ database: checkKind(kind), key: [keyOfName(key)], value }]));
  }

  #get(kind: StoreKind, key: string): JsonValue | Uint8Array | undefined {
    this.#read();
    const bytes = this.#environment.get(checkKind(kind), [keyOfName(checkKey(key))]);
    return bytes === undefined ? undefined : decodeValue(bytes).value;
  }

  *#entries(
    kind: StoreKind,
    prefix: string,
  ): Generator<{ readonly key: string; readonly value: JsonValue | Uint8Array }> {
    this.#read();
    const database = checkKind(kind);
    for (const [first, to] of rangesOfNames(prefix)) yield* this.#entriesWithin(database, first, to, prefix);
  }

  *#entriesWithin(
    database: StoreKind,
    first: StoreKey,
    to: StoreKey,
    prefix: string,
  ): Generator<{ readonly key: string; readonly value: JsonValue | Uint8Array }> {
    let from = first;
    for (;;) {
      const entries = this.#environment.range(database, { from, to, limit: ENTRIES_AT_ONCE });
      for (const { key, value } of entries) {
        from = [...key, 0];
        const decoded = this.#decode(value);
        if (decoded?.key.startsWith(prefix)) yield decoded;
      }
      if (entries.length < ENTRIES_AT_ONCE) return;
      this.#environment.refresh();
    }
  }

  #decode(bytes: Uint8Array): { readonly key: string; readonly value: JsonValue | Uint8Array } | undefined {
    try {
      return decodeValue(bytes);
    } catch (error) {
      this.#counters.corrupt(error);
      return undefined;
    }
  }

  #write<T>(promise: Promise<T>): Promise<T> {
    // Kept for flush() and close(); whoever asked for the write hears of its failure, so it is not reported twice.
    const previous = this.#lastWrite.catch(() => undefined);
    this.#lastWrite = Promise.all([promise, previous]);
    this.#lastWrite.catch(() => undefined);
    return promise;
  }

  /** The next read sees what has been committed, by whomever. */
  #read(): void {
    this.#open();
    this.#environment.refresh();
  }

  #open(): void {
    if (this.#closing !== undefined) throw new PitwallError('PITWALL_STORE_CLOSED', 'The store is closed.');
  }
}

/** Where the keys of names with a prefix lie: among those that are hashed, and where they start so. */
function rangesOfNames(prefix: string): readonly (readonly [from: StoreKey, to: StoreKey])[] {
  const isPlain = prefix !== '' && keyOfName(prefix) === prefix;
  if (!isPlain) return [[[''], ['\u007f']]];
  return [
    [['#'], ['$']],
    [[prefix], [`${prefix}\u007f`]],
  ];
}

function checkKey(key: string): string {
  if (typeof key !== 'string') throw new InvalidArgumentError('key', key, 'a string');
  return key;
}

function checkKind(kind: StoreKind): StoreKind {
  if (!KINDS.has(kind)) throw new InvalidArgumentError('kind', kind, `one of ${[...KINDS].join(', ')}`);
  return kind;
}
