/**
 * A store in memory in the place of one whose directory could not be used (read-only, full, not there). Each step of upkeep tries again; where the
 * directory can be used by then, what memory holds moves over, and the store is durable from then on, without a restart.
 */
import type { TransferRecord } from './record.ts';
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

/** Records moved at once: the host's event loop runs in between. */
const RECORDS_AT_ONCE = 4096;

export class StandInStore implements MetricsStore {
  #store: MetricsStore;
  /** Opens the real one; rejects where that still cannot be. Undefined once it is open. */
  #openDurable: (() => Promise<MetricsStore>) | undefined;
  readonly #onRecovered: () => void;
  /** Ids that moved in a move that then failed: the next one passes over them. */
  readonly #moved = new Set<string>();
  /** Writes wait while what was written before moves. */
  #moving: Promise<void> = Promise.resolve();

  constructor(memory: MetricsStore, openDurable: () => Promise<MetricsStore>, onRecovered: () => void) {
    this.#store = memory;
    this.#openDurable = openDurable;
    this.#onRecovered = onRecovered;
  }

  get status(): StoreStatus {
    return this.#store.status;
  }

  async append(records: readonly TransferRecord[]): Promise<void> {
    await this.#afterMove(() => this.#store.append(records));
  }

  async flush(): Promise<void> {
    await this.#afterMove(() => this.#store.flush());
  }

  async put(...args: Parameters<MetricsStore['put']>): Promise<void> {
    await this.#afterMove(() => this.#store.put(...args));
  }

  async putBytes(...args: Parameters<MetricsStore['putBytes']>): Promise<void> {
    await this.#afterMove(() => this.#store.putBytes(...args));
  }

  async remove(kind: StoreKind, key: string): Promise<void> {
    await this.#afterMove(() => this.#store.remove(kind, key));
  }

  get(kind: StoreKind, key: string) {
    return this.#store.get(kind, key);
  }

  getBytes(kind: StoreKind, key: string) {
    return this.#store.getBytes(kind, key);
  }

  entries(kind: StoreKind, prefix?: string) {
    return this.#store.entries(kind, prefix);
  }

  entriesOfBytes(kind: StoreKind, prefix?: string) {
    return this.#store.entriesOfBytes(kind, prefix);
  }

  pools(): string[] {
    return this.#store.pools();
  }

  statistics(query: StatisticsQuery) {
    return this.#store.statistics(query);
  }

  series(query: SeriesQuery) {
    return this.#store.series(query);
  }

  statisticsInSlices(query: StatisticsQuery) {
    return this.#store.statisticsInSlices(query);
  }

  seriesInSlices(query: SeriesQuery) {
    return this.#store.seriesInSlices(query);
  }

  records(query?: RecordsQuery): IterableIterator<TransferRecord> {
    return this.#store.records(query);
  }

  count(query?: CountQuery): number {
    return this.#store.count(query);
  }

  find(...args: Parameters<MetricsStore['find']>): TransferRecord | undefined {
    return this.#store.find(...args);
  }

  async retain(options?: RetainOptions): Promise<RetainResult> {
    await this.#recover();
    return this.#store.retain(options);
  }

  async backup(directory: string): Promise<void> {
    await this.#afterMove(() => this.#store.backup(directory));
  }

  async close(): Promise<void> {
    this.#openDurable = undefined;
    await this.#moving;
    await this.#store.close();
  }

  /** The write itself follows without a pause: none slips in between the look and the move. */
  async #afterMove(write: () => Promise<void>): Promise<void> {
    let moving: Promise<void>;
    do {
      moving = this.#moving;
      await moving;
    } while (moving !== this.#moving);
    await write();
  }

  async #recover(): Promise<void> {
    const open = this.#openDurable;
    if (open === undefined) return;
    let durable: MetricsStore;
    try {
      durable = await open();
    } catch {
      return; // as before; the reason stands in the status
    }
    // Closed meanwhile, or another step was faster.
    if (this.#openDurable !== open) return durable.close();
    this.#openDurable = undefined;
    const memory = this.#store;
    const moving = this.#move(memory, durable);
    this.#moving = moving.then(
      () => undefined,
      () => undefined,
    );
    try {
      await moving;
      this.#onRecovered();
    } catch {
      this.#openDurable = open;
      await durable.close();
    }
  }

  async #move(memory: MetricsStore, durable: MetricsStore): Promise<void> {
    await memory.flush().catch(() => undefined);
    let batch: TransferRecord[] = [];
    const write = async () => {
      await durable.append(batch);
      for (const { transferId } of batch) this.#moved.add(transferId);
      batch = [];
      await new Promise((resolve) => setImmediate(resolve));
    };
    for (const record of memory.records()) {
      if (this.#moved.has(record.transferId)) continue;
      batch.push(record);
      if (batch.length >= RECORDS_AT_ONCE) await write();
    }
    await write();
    // What memory learned is newer than what the directory holds.
    for (const kind of STORE_KINDS) {
      for (const [key, value] of memory.entries(kind)) await durable.put(kind, key, value);
      for (const [key, value] of memory.entriesOfBytes(kind)) await durable.putBytes(kind, key, value);
    }
    this.#store = durable;
    this.#moved.clear();
    await memory.close();
  }
}
