/**
 * `metrics_store`: owns the LMDB environment. Everything that writes goes through it, so a store that breaks takes down this actor and
 * (rest_for_one) the recorder, and nobody else.
 */
import { PitwallError } from '../errors.ts';
import type { JsonValue } from '../learning/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { SeriesPoint, StoreStatistics } from '../metrics/statistics.ts';
import type {
  MetricsStore,
  RecordsQuery,
  RetainResult,
  SeriesQuery,
  StatisticsQuery,
  StoreKind,
} from '../metrics/store-types.ts';
import { type Call, type From, type GenServer, next, reply, type Timer } from '../otp/index.ts';
import { readRecords, StoreReads } from './store-reads.ts';
import { afterSystemMessage } from './system-message.ts';

export interface MetricsStoreArgs {
  /** Opens the store. An environment that a crashed predecessor left open is closed before it is opened anew. */
  readonly open: () => Promise<MetricsStore>;
  /** Told of writes that nobody waits for and that failed. */
  readonly onWriteFailed: (error: unknown) => void;
  /** Milliseconds between two steps of the clean-up. Default 60 000. */
  readonly retainEveryMs?: number;
}

/** What was asked for, or why it could not be read: a question that makes no sense is news for the asker, not a crash. */
export type ReadOutcome<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'failed'; readonly error: unknown };

/** A write came through, or did not (disk or map full, read-only): that is news for the caller, not a crash. */
export type WriteOutcome = { readonly type: 'ok' } | { readonly type: 'failed'; readonly error: unknown };

export interface AppendRecords extends Call<WriteOutcome> {
  readonly type: 'append';
  readonly records: readonly TransferRecord[];
}
export interface FlushStore extends Call<WriteOutcome> {
  readonly type: 'flush';
}
export interface GetEntry extends Call<ReadOutcome<JsonValue | undefined>> {
  readonly type: 'get';
  readonly kind: StoreKind;
  readonly key: string;
}
export interface GetEntries extends Call<ReadOutcome<readonly (readonly [key: string, value: JsonValue])[]>> {
  readonly type: 'entries';
  readonly kind: StoreKind;
  /** Only keys that start so. */
  readonly prefix?: string;
}
/**
 * Records of a range, at most MAX_RECORDS_PER_CALL (the default limit). As statistics and series, they are read in slices beside the other
 * messages, MAX_READS at once; where too many wait already the answer is `failed` with PITWALL_STORE_BUSY.
 */
export interface ReadRecords extends Call<ReadOutcome<readonly TransferRecord[]>> {
  readonly type: 'records';
  readonly query: RecordsQuery;
}
export interface GetStoreStatistics extends Call<ReadOutcome<StoreStatistics>> {
  readonly type: 'statistics';
  readonly query: StatisticsQuery;
}
export interface GetSeries extends Call<ReadOutcome<readonly SeriesPoint[]>> {
  readonly type: 'series';
  readonly query: SeriesQuery;
}
export interface CountRecords extends Call<ReadOutcome<number>> {
  readonly type: 'count';
  readonly query: { readonly pool?: string; readonly fromUs?: number; readonly toUs?: number };
}
export interface FindRecord extends Call<ReadOutcome<TransferRecord | undefined>> {
  readonly type: 'find';
  readonly transferId: string;
}
export interface GetBytesEntries extends Call<ReadOutcome<readonly (readonly [key: string, value: Uint8Array])[]>> {
  readonly type: 'entries_of_bytes';
  readonly kind: StoreKind;
  /** Only keys that start so. */
  readonly prefix?: string;
}
/** Bytes under a name; none at all remove it. */
export interface PutBytes {
  readonly type: 'put_bytes';
  readonly kind: StoreKind;
  readonly key: string;
  readonly value: Uint8Array;
}
export interface PutEntry {
  readonly type: 'put';
  readonly kind: StoreKind;
  readonly key: string;
  readonly value: JsonValue;
}
/** Removes a named value, JSON or bytes; none under that name is no error. */
export interface RemoveEntry {
  readonly type: 'remove';
  readonly kind: StoreKind;
  readonly key: string;
}
export interface Retain {
  readonly type: 'retain';
}
/** A step of the clean-up is over. */
export interface Retained {
  readonly type: 'retained';
  readonly outcome: ReadOutcome<RetainResult>;
  readonly tookMs: number;
}

export type MetricsStoreCall =
  | AppendRecords
  | FlushStore
  | GetEntry
  | GetEntries
  | GetBytesEntries
  | GetStoreStatistics
  | GetSeries
  | CountRecords
  | FindRecord
  | ReadRecords;

export type MetricsStoreCast = PutEntry | PutBytes | RemoveEntry;

interface State {
  readonly args: MetricsStoreArgs;
  readonly store: MetricsStore;
  readonly reads: StoreReads;
  readonly upkeep: Upkeep;
}

/** One step at a time, and one next step. */
interface Upkeep {
  running: boolean;
  next: Timer;
}

const RETAIN_EVERY_MS = 60_000;
/** One step of the clean-up: records that are to be durable within 100 ms wait for its end. */
const STEP_MS = 20;

export type MetricsStoreInfo = Retain | Retained;

export const metricsStore: GenServer<MetricsStoreArgs, State, MetricsStoreCall, MetricsStoreCast, MetricsStoreInfo> = {
  async init(args, self) {
    self.trapExit(true);
    const store = await args.open();
    const upkeep = {
      running: false,
      next: self.sendAfter({ type: 'retain' }, args.retainEveryMs ?? RETAIN_EVERY_MS),
    };
    return next.ok({ args, store, reads: new StoreReads(), upkeep });
  },
  async handleCall(message, from, state, self) {
    const { store } = state;
    switch (message.type) {
      case 'append': {
        const outcome = await attempt(store.append(message.records));
        // The oldest make room now, not at the next minute: what waits is dropped once the queue is full.
        if (outcome.type === 'failed' && isFull(outcome.error)) self.send(self.ref, { type: 'retain' });
        return next.reply(outcome, state);
      }
      case 'flush':
        return next.reply(await attempt(store.flush()), state);
      case 'get':
        return next.reply(
          read(() => store.get(message.kind, message.key)),
          state,
        );
      case 'entries':
        return next.reply(
          read(() => [...store.entries(message.kind, message.prefix)]),
          state,
        );
      case 'entries_of_bytes':
        return next.reply(
          read(() => [...store.entriesOfBytes(message.kind, message.prefix)]),
          state,
        );
      case 'statistics':
        answerLater(from, state.reads, () => store.statisticsInSlices(message.query));
        return next.noreply(state);
      case 'series':
        answerLater(from, state.reads, () => store.seriesInSlices(message.query));
        return next.noreply(state);
      case 'count':
        return next.reply(
          read(() => store.count(message.query)),
          state,
        );
      case 'find':
        return next.reply(
          read(() => store.find(message.transferId)),
          state,
        );
      case 'records':
        answerLater(from, state.reads, () => readRecords(store, message.query));
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  async handleCast(message, state) {
    const outcome = await attempt(write(state.store, message));
    if (outcome.type === 'failed') state.args.onWriteFailed(outcome.error);
    return next.noreply(state);
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'retain':
        if (state.upkeep.running) return next.noreply(state);
        state.upkeep.running = true;
        // Not awaited: neither questions nor records wait for the clean-up.
        void retainStep(state.store).then((retained) => self.send(self.ref, retained));
        return next.noreply(state);
      case 'retained': {
        const { outcome, tookMs } = message;
        state.upkeep.running = false;
        if (outcome.type === 'failed') return next.stop(outcome.error, state);
        // Where more is due, in steps with as much time for others between them.
        const afterMs = outcome.value.more ? Math.max(STEP_MS, tookMs) : (state.args.retainEveryMs ?? RETAIN_EVERY_MS);
        state.upkeep.next.cancel();
        state.upkeep.next = self.sendAfter({ type: 'retain' }, afterMs);
        return next.noreply(state);
      }
      default:
        return afterSystemMessage(message, state);
    }
  },
  terminate: (_reason, state) => state.store.close(),
};

/** A long read is not awaited: what is written meanwhile, and who asks for less, does not wait for it. */
function answerLater<T>(from: From<ReadOutcome<T>>, reads: StoreReads, read: () => Promise<T>): void {
  void outcomeOf(reads.run(read)).then((outcome) => reply(from, outcome));
}

function write(store: MetricsStore, message: MetricsStoreCast): Promise<void> {
  const { kind, key } = message;
  switch (message.type) {
    case 'put':
      return store.put(kind, key, message.value);
    case 'remove':
      return store.remove(kind, key);
    case 'put_bytes':
      return message.value.length === 0 ? store.remove(kind, key) : store.putBytes(kind, key, message.value);
    default:
      return message satisfies never;
  }
}

function read<T>(run: () => T): ReadOutcome<T> {
  try {
    return { type: 'ok', value: run() };
  } catch (error) {
    return { type: 'failed', error };
  }
}

async function outcomeOf<T>(promise: Promise<T>): Promise<ReadOutcome<T>> {
  try {
    return { type: 'ok', value: await promise };
  } catch (error) {
    return { type: 'failed', error };
  }
}

function isFull(error: unknown): boolean {
  return error instanceof PitwallError && error.code === 'PITWALL_STORE_FULL';
}

async function attempt(write: Promise<void>): Promise<WriteOutcome> {
  try {
    await write;
    return { type: 'ok' };
  } catch (error) {
    return { type: 'failed', error };
  }
}

async function retainStep(store: MetricsStore): Promise<Retained> {
  const startMs = performance.now();
  const outcome = await outcomeOf(store.retain({ budgetMs: STEP_MS }));
  return { type: 'retained', outcome, tookMs: performance.now() - startMs };
}
