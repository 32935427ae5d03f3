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
  #opened: Opened | undefined;

  constructor(dataDir: string, windowMs: number, pool: string | undefined) {
    this.#dataDir = dataDir;
    this.#windowMs = windowMs;
    this.#pool = pool;
  }

  /** @throws UsageError, PitwallError where the directory cannot be read */
  async open(): Promise<Opened> {
    const file = this.#file();
    const store = await openDataFolder(this.#dataDir, 'existing');
    try {
      readPools(store, this.#pool);
    } catch (error) {
      await store.close();
      throw error;
    }
    await this.close();
    this.#opened = { store, reader: new TopReader(store, this.#windowMs, this.#pool), file };
    return this.#opened;
  }

  async read(): Promise<TopFrame> {
    const file = this.#file();
    const held = this.#opened;
    const isReplaced = file !== undefined && file !== held?.file;
    // A new file may be in the making: until it can be read, the old one is what there is.
    const opened = held === undefined ? await this.open() : isReplaced ? await this.open().catch(() => held) : held;
    return opened.reader.read(Date.now() * 1000, () => performance.now());
  }

  async close(): Promise<void> {
    await this.#opened?.store.close();
    this.#opened = undefined;
  }

  /** Which file it is; undefined while there is none. */
  #file(): bigint | undefined {
    return statSync(join(this.#dataDir, 'lmdb', 'data.mdb'), { bigint: true, throwIfNoEntry: false })?.ino;
  }
}

interface Opened {
  readonly store: MetricsStore;
  readonly reader: TopReader;
  readonly file: bigint | undefined;
}
