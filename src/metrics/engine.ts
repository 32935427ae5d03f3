/**
 * The writing half of the store, over any key-value environment: blocks of records go in, aggregates follow in the same
 * transaction. Synchronous; lives in the store's thread, or in the caller's where there is none.
 */
import { Cells, encodePage, mergeCellsPage, mergeSummaryPage, pageStamp, type Slice } from './aggregate.ts';
import { BlockEncoder, BlockView, type EncodedBlock } from './block-codec.ts';
import { compactMinutes } from './compaction.ts';
import type { DatabaseName, KeyValueEnvironment, KeyValueTransaction } from './key-value.ts';
import {
  aggregateKey,
  blockKey,
  bucketOf,
  HOUR_S,
  idKey,
  keyOfName,
  type Level,
  MINUTE_S,
  type StoreKey,
} from './keys.ts';
import { encodeNumber } from './meta.ts';
import { rolledUntil } from './roll-up.ts';
import { Summary } from './summary.ts';

/** Decoded pages kept so that the open minute is not decoded again with every batch. */
const MAX_CACHED_PAGES = 512;

interface CachedPage {
  readonly stamp: number;
  readonly content: Summary | Cells;
}

export interface NamedEntry {
  readonly database: DatabaseName;
  readonly key: StoreKey;
  /** Undefined removes the entry. */
  readonly value: Uint8Array | undefined;
}

export class Engine {
  readonly #environment: KeyValueEnvironment;
  readonly #writer: number;
  readonly #encoder = new BlockEncoder();
  readonly #cache = new Map<string, CachedPage>();
  #sequence = 0;
  #stamps = 0;

  /** `writer`: a number that no other writer of the directory has (random 32 bits). */
  constructor(environment: KeyValueEnvironment, writer: number) {
    this.#environment = environment;
    this.#writer = writer;
  }

  get environment(): KeyValueEnvironment {
    return this.#environment;
  }

  /** Writes blocks and what they add to the aggregates: all or nothing. */
  append(blocks: readonly EncodedBlock[]): void {
    const deltas = deltasOf(blocks);
    this.#attempt(() =>
      this.#environment.write((transaction) => {
        for (const block of blocks) this.#putBlock(transaction, block);
        for (const delta of deltas) {
          this.#addTo(transaction, delta.poolKey, MINUTE_S, delta.minuteS, delta.cells);
          // The hour was rolled up already: what comes late must enter it too.
          const hourS = Math.floor(delta.minuteS / HOUR_S) * HOUR_S;
          if (hourS < rolledUntil(transaction, delta.poolKey))
            this.#addTo(transaction, delta.poolKey, HOUR_S, hourS, delta.cells);
        }
      }),
    );
  }

  /** Puts or removes entries of any database in one transaction. */
  putEntries(entries: readonly NamedEntry[]): void {
    this.#attempt(() =>
      this.#environment.write((transaction) => {
        for (const { database, key, value } of entries) {
          if (value === undefined) transaction.remove(database, key);
          else transaction.put(database, key, value);
        }
      }),
    );
  }

  /** Merges small blocks of minutes that are over, a few minutes at a time. Returns how many blocks went. */
  compact(nowUs: number): number {
    return compactMinutes(
      this.#environment,
      this.#encoder,
      (transaction, block) => this.#putBlock(transaction, block),
      nowUs,
      16,
    );
  }

  #putBlock(transaction: KeyValueTransaction, block: EncodedBlock): void {
    this.#sequence += 1;
    const { firstUs, lastUs, rows, ids, bytes } = block;
    const key = blockKey(keyOfName(block.pool), firstUs, lastUs, rows, this.#writer, this.#sequence);
    transaction.put('metrics', key, bytes);
    for (const { origin, low, high } of ids) transaction.put('meta', idKey(origin, high, key), encodeNumber(low));
  }

  #addTo(transaction: KeyValueTransaction, poolKey: string, level: Level, bucketS: number, delta: Cells): void {
    const cells = this.#load(transaction, poolKey, 'cells', level, bucketS);
    if (cells instanceof Cells) {
      cells.merge(delta);
      this.#save(transaction, poolKey, 'cells', level, bucketS, cells);
    }
    this.#addSummary(transaction, poolKey, 'all', level, bucketS, delta.total());
    for (const method of ['grpc', 'zero_copy'] as const) {
      const summary = delta.total(method);
      if (summary.count > 0) this.#addSummary(transaction, poolKey, method, level, bucketS, summary);
    }
  }

  #addSummary(
    transaction: KeyValueTransaction,
    poolKey: string,
    slice: Slice,
    level: Level,
    bucketS: number,
    delta: Summary,
  ): void {
    const summary = this.#load(transaction, poolKey, slice, level, bucketS);
    if (!(summary instanceof Summary)) return;
    summary.merge(delta);
    this.#save(transaction, poolKey, slice, level, bucketS, summary);
  }

  #load(
    transaction: KeyValueTransaction,
    poolKey: string,
    slice: Slice,
    level: Level,
    bucketS: number,
  ): Summary | Cells {
    const key = aggregateKey(poolKey, slice, level, bucketS);
    const stored = transaction.get('aggregates', key);
    if (stored === undefined) return slice === 'cells' ? new Cells() : new Summary();
    const cached = this.#cache.get(key.join('\u0000'));
    if (cached !== undefined && cached.stamp === pageStamp(stored)) return cached.content;
    return decodePage(stored, slice);
  }

  #save(
    transaction: KeyValueTransaction,
    poolKey: string,
    slice: Slice,
    level: Level,
    bucketS: number,
    content: Summary | Cells,
  ): void {
    const key = aggregateKey(poolKey, slice, level, bucketS);
    this.#stamps += 1;
    const stamp = this.#writer * 0x20_0000 + (this.#stamps % 0x20_0000);
    transaction.put('aggregates', key, encodePage(content, stamp));
    if (this.#cache.size >= MAX_CACHED_PAGES) {
      const oldest = this.#cache.keys().next().value;
      if (oldest !== undefined) this.#cache.delete(oldest);
    }
    const text = key.join('\u0000');
    this.#cache.delete(text);
    this.#cache.set(text, { stamp, content });
  }

  /** After a failed transaction the decoded pages hold what was never committed. */
  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#cache.clear();
      throw error;
    }
  }
}

/** A damaged aggregate starts afresh rather than stopping all recording; the records themselves are still there. */
export function decodePage(stored: Uint8Array, slice: Slice): Summary | Cells {
  try {
    if (slice === 'cells') {
      const cells = new Cells();
      mergeCellsPage(stored, (key) => cells.at(key).summary);
      return cells;
    }
    const summary = new Summary();
    mergeSummaryPage(stored, summary);
    return summary;
  } catch {
    return slice === 'cells' ? new Cells() : new Summary();
  }
}

interface Delta {
  readonly poolKey: string;
  readonly minuteS: number;
  readonly cells: Cells;
}

function deltasOf(blocks: readonly EncodedBlock[]): Delta[] {
  const deltas = new Map<string, Delta>();
  for (const block of blocks) {
    const poolKey = keyOfName(block.pool);
    const minuteS = bucketOf(block.firstUs, MINUTE_S);
    const text = `${minuteS} ${poolKey}`;
    let delta = deltas.get(text);
    if (delta === undefined) {
      delta = { poolKey, minuteS, cells: new Cells() };
      deltas.set(text, delta);
    }
    delta.cells.addBlock(new BlockView(block.bytes));
  }
  return [...deltas.values()];
}
