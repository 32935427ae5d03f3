/** The refreshes of `pitwall top`, from a directory whose host may come, go, and start anew. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricsStore } from '../metrics/store-types.ts';
import { openDataFolder } from './data-folder.ts';
import { readPools } from './pool-names.ts';
import { type TopFrame, TopReader } from './top-frame.ts';

/** Where the host's file was replaced (it was damaged, or someone started afresh), the new one is opened. */
export class LiveSource {
  readonly #dataDir: string;
  readonly #windowMs: number;
  readonly #pool: string | undefined;
  #opened: { readonly store: MetricsStore; readonly reader: TopReader; readonly file: bigint } | undefined;

  constructor(dataDir: string, windowMs: number, pool: string | undefined) {
    this.#dataDir = dataDir;
    this.#windowMs = windowMs;
    this.#pool = pool;
  }

  async open(): Promise<TopReader> {
    const store = await openDataFolder(this.#dataDir, 'existing');
    readPools(store, this.#pool);
    const reader = new TopReader(store, this.#windowMs, this.#pool);
    this.#opened = { store, reader, file: this.#file() };
    return reader;
  }

  async read(): Promise<TopFrame> {
    let reader = this.#opened?.reader;
    if (reader === undefined || this.#opened?.file !== this.#file()) {
      await this.close();
      reader = await this.open();
    }
    return reader.read(Date.now() * 1000, () => performance.now());
  }

  async close(): Promise<void> {
    await this.#opened?.store.close();
    this.#opened = undefined;
  }

  #file(): bigint {
    return statSync(join(this.#dataDir, 'lmdb', 'data.mdb'), { bigint: true }).ino;
  }
}
