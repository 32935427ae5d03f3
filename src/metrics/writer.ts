/** Who carries out writes: a thread of the store's own, or the caller's thread where there is none. */
import { PitwallError } from '../errors.ts';
import type { EncodedBlock } from './block-codec.ts';
import type { Engine, NamedEntry } from './engine.ts';
import type { RetainResult } from './store-types.ts';
import { Upkeep, type UpkeepOptions } from './upkeep.ts';

export interface StoreWriter {
  readonly kind: 'thread' | 'inline' | 'none';
  append(blocks: readonly EncodedBlock[]): Promise<void>;
  putEntries(entries: readonly NamedEntry[]): Promise<void>;
  upkeep(options: UpkeepOptions): Promise<RetainResult>;
  close(): Promise<void>;
}

/** Writes in the caller's thread: a transaction and its flush take about a millisecond of it. */
export class InlineWriter implements StoreWriter {
  readonly kind = 'inline';
  readonly #engine: Engine;
  readonly #upkeep: Upkeep;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#upkeep = new Upkeep(engine);
  }

  async append(blocks: readonly EncodedBlock[]): Promise<void> {
    this.#engine.append(blocks);
  }

  async putEntries(entries: readonly NamedEntry[]): Promise<void> {
    this.#engine.putEntries(entries);
  }

  async upkeep(options: UpkeepOptions): Promise<RetainResult> {
    return this.#upkeep.step(options);
  }

  async close(): Promise<void> {}
}

/** Of a store that is only read. */
export class NoWriter implements StoreWriter {
  readonly kind = 'none';

  append(): Promise<void> {
    return refuse();
  }

  putEntries(): Promise<void> {
    return refuse();
  }

  upkeep(): Promise<RetainResult> {
    return refuse();
  }

  async close(): Promise<void> {}
}

async function refuse(): Promise<never> {
  throw new PitwallError('PITWALL_STORE_READ_ONLY', 'The store was opened to be read only.');
}
