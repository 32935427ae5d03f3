/** Who carries out writes: a thread of the store's own, or the caller's thread where there is none. */
import type { EncodedBlock } from './block-codec.ts';
import type { Engine, NamedEntry } from './engine.ts';
import type { RetainResult } from './store-types.ts';
import { type UpkeepOptions, upkeep } from './upkeep.ts';

export interface StoreWriter {
  readonly kind: 'thread' | 'inline';
  append(blocks: readonly EncodedBlock[]): Promise<void>;
  putEntries(entries: readonly NamedEntry[]): Promise<void>;
  upkeep(options: UpkeepOptions): Promise<RetainResult>;
  close(): Promise<void>;
}

/** Writes in the caller's thread: a transaction and its flush take about a millisecond of it. */
export class InlineWriter implements StoreWriter {
  readonly kind = 'inline';
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async append(blocks: readonly EncodedBlock[]): Promise<void> {
    this.#engine.append(blocks);
  }

  async putEntries(entries: readonly NamedEntry[]): Promise<void> {
    this.#engine.putEntries(entries);
  }

  async upkeep(options: UpkeepOptions): Promise<RetainResult> {
    return upkeep(this.#engine, options);
  }

  async close(): Promise<void> {}
}
