/** The store as its users see it. */
import type { Method } from '../decision/types.ts';
import type { JsonValue } from '../learning/types.ts';
import type { Outcome, TransferRecord } from './record.ts';
import type { SeriesPoint, StoreStatistics } from './statistics.ts';

/** Databases of named values. `events` is the analyzer's log; how much of it is kept is the analyzer's business. `machines` has machine cards, `advice` alerts and advice. */
export const STORE_KINDS = [
  'models',
  'thresholds',
  'policies',
  'baselines',
  'experiments',
  'events',
  'machines',
  'advice',
] as const;

export type StoreKind = (typeof STORE_KINDS)[number];

export interface TimeRange {
  /** First microsecond (Unix), included; default 0. */
  readonly fromUs?: number;
  /** Last, excluded; default: everything. */
  readonly toUs?: number;
}

export interface StatisticsQuery extends TimeRange {
  readonly pool: string;
  readonly method?: Method;
  readonly dataType?: string;
  readonly format?: string;
  /** See size-band.ts. */
  readonly sizeBand?: number;
  /** Also gives the statistics of each value of a dimension. */
  readonly groupBy?: 'method' | 'dataType' | 'format' | 'sizeBand';
}

export interface SeriesQuery extends StatisticsQuery {
  /** Width of a bucket, milliseconds: 1 000 (one second) .. 86 400 000. */
  readonly granularityMs: number;
}

export interface RecordsQuery extends TimeRange {
  /** Default: all pools, one after the other. */
  readonly pool?: string;
  readonly method?: Method;
  readonly outcome?: Outcome;
  readonly limit?: number;
  /** Newest first. */
  readonly reverse?: boolean;
}

export interface CountQuery extends TimeRange {
  readonly pool?: string;
}

export interface StoreStatus {
  /** `memory`: nothing survives the process. */
  readonly kind: 'durable' | 'memory';
  /** Why it is only memory. */
  readonly reason: string | undefined;
  /** Where writes run: a thread of their own, the caller's, or nowhere: the store is only read. */
  readonly writer: 'thread' | 'inline' | 'none';
  readonly closed: boolean;
  /** Records that were not valid and so not stored. */
  readonly rejectedRecords: number;
  /** Records committed through this handle. */
  readonly storedRecords: number;
  /** Blocks and aggregates that were damaged when read, and left out. */
  readonly corruptValues: number;
  /** Aggregates read so far: what a query cost. */
  readonly aggregatesRead: number;
}

export interface RetainOptions {
  /** Milliseconds that the step may take, 1..10 000; default 400. */
  readonly budgetMs?: number;
}

export interface RetainResult {
  readonly removedBlocks: number;
  readonly removedAggregates: number;
  /** Minutes whose cells (by method, type, format and size band) were written. */
  readonly sealedMinutes: number;
  readonly rolledUpHours: number;
  readonly compactedBlocks: number;
  /** True where more is left to do: call again soon. */
  readonly more: boolean;
  /** Code of what stopped it half-way: PITWALL_STORE_FULL or PITWALL_STORE_READ_ONLY. */
  readonly failure: string | undefined;
}

export interface MetricsStore {
  readonly status: StoreStatus;
  /**
   * Stores records and adds them to the aggregates, in one transaction; resolves when durable. Invalid records are left out and
   * counted. Rejects with PITWALL_STORE_FULL, PITWALL_STORE_READ_ONLY, PITWALL_STORE_CLOSED, PITWALL_STORE_FAILED: then none of
   * the batch is stored, and it may be tried again. At most 65 536 records.
   */
  append(records: readonly TransferRecord[]): Promise<void>;
  /** Resolves when everything given before is durable; rejects when the last of it could not be stored. */
  flush(): Promise<void>;
  /** Stores a named value; resolves when durable. Rejects with InvalidArgumentError for what is not JSON. */
  put(kind: StoreKind, key: string, value: JsonValue): Promise<void>;
  /** The same for bytes, such as a model. */
  putBytes(kind: StoreKind, key: string, value: Uint8Array): Promise<void>;
  remove(kind: StoreKind, key: string): Promise<void>;
  /** A named value; undefined where there is none, or bytes. Throws PITWALL_STORE_CORRUPT where it is damaged. */
  get(kind: StoreKind, key: string): JsonValue | undefined;
  getBytes(kind: StoreKind, key: string): Uint8Array | undefined;
  /** Named JSON values whose key starts with a prefix, in order of key (names that need hashing come first, in no order). */
  entries(kind: StoreKind, prefix?: string): IterableIterator<readonly [key: string, value: JsonValue]>;
  entriesOfBytes(kind: StoreKind, prefix?: string): IterableIterator<readonly [key: string, value: Uint8Array]>;
  /** Pools that have records. */
  pools(): string[];
  statistics(query: StatisticsQuery): StoreStatistics;
  /** One point a bucket, empty ones too; the range is widened to whole buckets. At most 20 000 points: throws InvalidArgumentError beyond. */
  series(query: SeriesQuery): SeriesPoint[];
  /** As `statistics`, in slices of about 2 ms between which the event loop runs: for a long range by type, format or size band. */
  statisticsInSlices(query: StatisticsQuery): Promise<StoreStatistics>;
  /** As `series`, in such slices. */
  seriesInSlices(query: SeriesQuery): Promise<SeriesPoint[]>;
  /** Records in order of time within each pool. No transaction stays open between two records. */
  records(query?: RecordsQuery): IterableIterator<TransferRecord>;
  count(query?: CountQuery): number;
  /** The record of a transfer, undefined where it is not stored (any more). Ids of `transferId()` are found by their time. */
  find(transferId: string, hint?: { readonly pool?: string }): TransferRecord | undefined;
  /**
   * One bounded step of upkeep: roll-ups, retention by time and size, merging of small blocks. Call it every minute, and again where it answers
   * `more`. Its transactions are short (about 15 ms), but writes given meanwhile wait for its end.
   */
  retain(options?: RetainOptions): Promise<RetainResult>;
  /** A consistent, compact copy while in use. Rejects with PITWALL_STORE_UNSUPPORTED in memory. */
  backup(directory: string): Promise<void>;
  /** Flushes and closes. Idempotent. */
  close(): Promise<void>;
}
