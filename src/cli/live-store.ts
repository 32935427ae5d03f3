/** The store of a host that may come, go, and start anew: where its file was replaced (it was damaged, or someone started afresh), the new one is opened. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricsStore } from '../metrics/store-types.ts';
import { openDataFolder } from './data-folder.ts';

export class LiveStore {
  readonly #dataDir: string;
  readonly #check: (store: MetricsStore) => void;
  #opened: { readonly store: MetricsStore; readonly file: bigint | undefined } | undefined;

  /** @param check throws for a store that is not wanted */
  constructor(dataDir: string, check: (store: MetricsStore) => void = () => undefined) {
    this.#dataDir = dataDir;
    this.#check = check;
  }

  /** @throws UsageError, PitwallError where the directory cannot be read */
  async open(): Promise<MetricsStore> {
    const file = this.#file();
    const store = await openDataFolder(this.#dataDir, 'existing');
    try {
      this.#check(store);
    } catch (error) {
      await store.close();
      throw error;
    }
    await this.close();
    this.#opened = { store, file };
    return store;
  }

  /** The one that is open, or a new one in its place. @throws as `open` */
  async current(): Promise<MetricsStore> {
    const file = this.#file();
    const held = this.#opened;
    if (held === undefined) return this.open();
    if (file === undefined || file === held.file) return held.store;
    // A new file may be in the making: until it can be read, the old one is what there is.
    return this.open().catch(() => held.store);
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
