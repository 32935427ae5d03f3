/** The refreshes of `pitwall top`, from a directory whose host may come, go, and start anew. */
import type { MetricsStore } from '../metrics/store-types.ts';
import { LiveStore } from './live-store.ts';
import { readPools } from './pool-names.ts';
import { type TopFrame, TopReader } from './top-frame.ts';

export class LiveSource {
  readonly #store: LiveStore;
  readonly #windowMs: number;
  readonly #pool: string | undefined;
  #reading: { readonly store: MetricsStore; readonly reader: TopReader } | undefined;

  constructor(dataDir: string, windowMs: number, pool: string | undefined) {
    this.#store = new LiveStore(dataDir, (store) => readPools(store, pool));
    this.#windowMs = windowMs;
    this.#pool = pool;
  }

  /** @throws UsageError, PitwallError where the directory cannot be read */
  async open(): Promise<void> {
    await this.#store.open();
  }

  async read(): Promise<TopFrame> {
    const store = await this.#store.current();
    if (this.#reading?.store !== store) {
      this.#reading = { store, reader: new TopReader(store, this.#windowMs, this.#pool) };
    }
    return this.#reading.reader.read(Date.now() * 1000, () => performance.now());
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
