/**
 * The writing half of the store, over any key-value environment: blocks of records go in, aggregates follow in the same
 * transaction. Synchronous; lives in the store's thread, or in the caller's where there is none.
 */
import { addToLanes, type Lanes, totalOf } from './accumulate.ts';
import { Cells, encodePage, mergeCellsPage, mergeSummaryPage, pageStamp, type Slice } from './aggregate.ts';
import { BlockEncoder, BlockView, type EncodedBlock } from './block-codec.ts';
import { Compaction } from './compaction.ts';
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
import { OpenMinutes } from './open-minutes.ts';
import { milestoneOf } from './progress.ts';
import { rollUp } from './roll-up.ts';
import { sealMinutes } from './sealing.ts';
import type { Steps } from './slices.ts';
import { Summary } from './summary.ts';
import type { UpkeepTally } from './upkeep-tally.ts';

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
  readonly #compaction = new Compaction(new BlockEncoder(), (transaction, block) => this.#putBlock(transaction, block));
  readonly #open = new OpenMinutes();
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
    const minutes = minutesOf(blocks);
    this.#attempt(() =>
      this.#environment.write((transaction) => {
        for (const block of blocks) this.#putBlock(transaction, block);
        for (const minute of minutes) this.#addMinute(transaction, minute);
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

  /** Writes the cells of minutes that are over. */
  seal(nowUs: number, tally: UpkeepTally): Steps<void> {
    return sealMinutes(this.#environment, this.#open, nowUs, tally);
  }

  /** Rolls up cells of hours that are over. */
  rollUp(nowUs: number, tally: UpkeepTally): Steps<void> {
    return rollUp(this.#environment, nowUs, tally);
  }

  /** Merges small blocks of minutes that are over. */
  compact(nowUs: number, tally: UpkeepTally): Steps<void> {
    return this.#compaction.run(this.#environment, nowUs, tally);
  }

  /** After a failed transaction what is kept in memory holds what was never committed. */
  forgetUncommitted(): void {
    this.#cache.clear();
    this.#open.clear();
  }

  #putBlock(transaction: KeyValueTransaction, block: EncodedBlock): void {
    this.#sequence += 1;
    const { firstUs, lastUs, rows, ids, bytes } = block;
    const key = blockKey(keyOfName(block.pool), firstUs, lastUs, rows, this.#writer, this.#sequence);
    transaction.put('metrics', key, bytes);
    for (const { origin, low, high } of ids) transaction.put('meta', idKey(origin, high, key), encodeNumber(low));
  }

  #addMinute(transaction: KeyValueTransaction, { poolKey, minuteS, blocks }: MinuteBlocks): void {
    this.#addToLanes(transaction, poolKey, MINUTE_S, minuteS, blocks);
    if (minuteS >= milestoneOf(transaction, 'sealed', poolKey)) {
      for (const block of blocks) this.#open.add(poolKey, minuteS, block);
      return;
    }
    // Too late for the seal: the sealed pages take it, of the minute and of its hour.
    if (minuteS >= milestoneOf(transaction, 'cells_from', poolKey)) {
      this.#addToCells(transaction, poolKey, MINUTE_S, minuteS, blocks);
    }
    const hourS = Math.floor(minuteS / HOUR_S) * HOUR_S;
    this.#addToLanes(transaction, poolKey, HOUR_S, hourS, blocks);
    if (hourS < milestoneOf(transaction, 'rolled', poolKey)) {
      this.#addToCells(transaction, poolKey, HOUR_S, hourS, blocks);
    }
  }

  #addToLanes(
    transaction: KeyValueTransaction,
    poolKey: string,
    level: Level,
    bucketS: number,
    blocks: readonly BlockView[],
  ): void {
    const lanes: Lanes = {
      grpc: this.#load(transaction, poolKey, 'grpc', level, bucketS, () => new Summary()),
      zero_copy: this.#load(transaction, poolKey, 'zero_copy', level, bucketS, () => new Summary()),
    };
    for (const block of blocks) addToLanes(block, lanes);
    for (const method of ['grpc', 'zero_copy'] as const) {
      if (lanes[method].count > 0) this.#save(transaction, poolKey, method, level, bucketS, lanes[method]);
    }
    this.#save(transaction, poolKey, 'all', level, bucketS, totalOf(lanes));
  }

  #addToCells(
    transaction: KeyValueTransaction,
    poolKey: string,
    level: Level,
    bucketS: number,
    blocks: readonly BlockView[],
  ): void {
    const cells = this.#load(transaction, poolKey, 'cells', level, bucketS, () => new Cells());
    for (const block of blocks) cells.addBlock(block);
    this.#save(transaction, poolKey, 'cells', level, bucketS, cells);
  }

  #load<T extends Summary | Cells>(
    transaction: KeyValueTransaction,
    poolKey: string,
    slice: Slice,
    level: Level,
    bucketS: number,
    empty: () => T,
  ): T {
    const key = aggregateKey(poolKey, slice, level, bucketS);
    const stored = transaction.get('aggregates', key);
    const content = empty();
    if (stored === undefined) return content;
    const cached = this.#cache.get(key.join('\u0000'));
    if (cached !== undefined && cached.stamp === pageStamp(stored)) {
      return cached.content as T; // a key names its slice, and a slice holds one kind of content
    }
    return decodePage(stored, content, empty);
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
    if (slice === 'all') return; // made anew from the lanes each time
    this.#cache.set(text, { stamp, content });
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.forgetUncommitted();
      throw error;
    }
  }
}

/** A damaged aggregate starts afresh rather than stopping all recording; the records themselves are still there. */
function decodePage<T extends Summary | Cells>(stored: Uint8Array, content: T, empty: () => T): T {
  try {
    if (content instanceof Cells) mergeCellsPage(stored, (key) => content.at(key).summary);
    else mergeSummaryPage(stored, content);
    return content;
  } catch {
    return empty();
  }
}

interface MinuteBlocks {
  readonly poolKey: string;
  readonly minuteS: number;
  readonly blocks: BlockView[];
}

function minutesOf(blocks: readonly EncodedBlock[]): MinuteBlocks[] {
  const minutes = new Map<string, MinuteBlocks>();
  for (const block of blocks) {
    const poolKey = keyOfName(block.pool);
    const minuteS = bucketOf(block.firstUs, MINUTE_S);
    const name = `${minuteS} ${poolKey}`;
    let minute = minutes.get(name);
    if (minute === undefined) {
      minute = { poolKey, minuteS, blocks: [] };
      minutes.set(name, minute);
    }
    minute.blocks.push(new BlockView(block.bytes));
  }
  return [...minutes.values()];
}
