/** Small blocks of one minute become large ones: quiet pools write a block per batch, which costs a key and a page each. */
import { type BlockEncoder, BlockView, type EncodedBlock, MAX_BLOCK_ROWS, MINUTE_US } from './block-codec.ts';
import { recordsOf } from './block-records.ts';
import type { KeyValueEnvironment, KeyValueReader, KeyValueTransaction } from './key-value.ts';
import { parseBlockKey, type StoreKey } from './keys.ts';
import { encodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';
import type { TransferRecord } from './record.ts';
import { removeBlock } from './retention.ts';
import { atOnce, type Steps } from './slices.ts';
import { TimeBudget, TRANSACTION_MS } from './time-budget.ts';
import type { UpkeepTally } from './upkeep-tally.ts';

/** A minute is touched this long after its end, when hardly anything more comes. */
const GRACE_US = 2 * MINUTE_US;
/** Blocks of more rows than this stay as they are. */
const SMALL_ROWS = 1024;
const KEYS_AT_ONCE = 512;
/** Blocks that become one, at most. */
const MAX_GROUP = 256;
/** Groups merged in one transaction, at most. */
const GROUPS_AT_ONCE = 32;
/** Pools whose place is remembered. */
const MAX_PLACES = 4096;

export type PutBlock = (transaction: KeyValueTransaction, block: EncodedBlock) => void;

/** Blocks of one minute that become one. */
interface Group {
  readonly poolKey: string;
  readonly keys: readonly StoreKey[];
  /** What comes before is done when these are merged, Unix microseconds. */
  readonly nextUs: number;
}

export class Compaction {
  readonly #encoder: BlockEncoder;
  readonly #put: PutBlock;
  /** Up to where each pool was looked through. The milestone in the store follows when something is merged: looking is cheap, writing is not. */
  readonly #places = new Map<string, number>();

  constructor(encoder: BlockEncoder, put: PutBlock) {
    this.#encoder = encoder;
    this.#put = put;
  }

  /** Merges blocks of minutes that are over. A step is a transaction, or a look at some keys of a pool. */
  *run(environment: KeyValueEnvironment, nowUs: number, tally: UpkeepTally): Steps<void> {
    const endUs = Math.floor((nowUs - GRACE_US) / MINUTE_US) * MINUTE_US;
    let batch: Group[] = [];
    for (const poolKey of poolKeys(environment, 'metrics')) {
      let fromUs = this.#placeOf(environment, poolKey);
      while (fromUs < endUs) {
        const { keys, nextUs } = nextGroup(environment, poolKey, fromUs, endUs);
        fromUs = nextUs;
        if (keys.length > 0) batch.push({ poolKey, keys, nextUs });
        // Not past what waits to be merged: a round may end before.
        else if (batch.length === 0) this.#remember(poolKey, nextUs);
        if (batch.length >= GROUPS_AT_ONCE) {
          yield* this.#mergeBatch(environment, batch, tally);
          batch = [];
        }
        yield;
      }
    }
    yield* this.#mergeBatch(environment, batch, tally);
  }

  /** In order, as many to a transaction as it has time for. */
  *#mergeBatch(environment: KeyValueEnvironment, groups: readonly Group[], tally: UpkeepTally): Steps<void> {
    let done = 0;
    while (done < groups.length) {
      const before = done;
      tally.compactedBlocks += environment.write(
        (transaction) => {
          const time = new TimeBudget(TRANSACTION_MS);
          let count = 0;
          done = before;
          while (done < groups.length && (done === before || !time.spent)) {
            count += this.#merge(transaction, groups[done] as Group); // in range
            done += 1;
          }
          return count;
        },
        { reclaim: true },
      );
      environment.refresh();
      for (const { poolKey, nextUs } of groups.slice(before, done)) this.#remember(poolKey, nextUs);
      yield;
    }
  }

  #merge(transaction: KeyValueTransaction, { poolKey, keys, nextUs }: Group): number {
    // Seconds, as every milestone; the fraction gives the microsecond back when rounded.
    transaction.put('meta', milestoneKey('compacted', poolKey), encodeNumber(nextUs / 1_000_000));
    const records: TransferRecord[] = [];
    let found = 0;
    for (const key of keys) {
      const bytes = transaction.get('metrics', key);
      if (bytes === undefined) continue; // another process was faster
      found += 1;
      try {
        const block = new BlockView(bytes);
        const recordAt = recordsOf(block);
        for (let row = 0; row < block.rows; row += 1) records.push(recordAt(row));
      } catch {
        // A damaged block stays as it is, so that nothing is lost that a repair could still read.
        return 0;
      }
    }
    if (found < 2) return 0;
    for (const key of keys) removeBlock(transaction, key);
    const blocks = atOnce(this.#encoder.encodeAll(records));
    for (const block of blocks) this.#put(transaction, block);
    return found - blocks.length;
  }

  #placeOf(reader: KeyValueReader, poolKey: string): number {
    const stored = Math.round(milestoneOf(reader, 'compacted', poolKey) * 1_000_000);
    return Math.max(stored, this.#places.get(poolKey) ?? 0);
  }

  #remember(poolKey: string, nextUs: number): void {
    if (this.#places.size >= MAX_PLACES && !this.#places.has(poolKey)) this.#places.clear();
    this.#places.set(poolKey, nextUs);
  }
}

/** The next small blocks that follow each other in one minute; none, where there is nothing to merge before `nextUs`. */
function nextGroup(
  reader: KeyValueReader,
  poolKey: string,
  fromUs: number,
  endUs: number,
): { readonly keys: readonly StoreKey[]; readonly nextUs: number } {
  const found = reader.keys('metrics', { from: [poolKey, fromUs], to: [poolKey, endUs], limit: KEYS_AT_ONCE });
  const group = new OpenGroup();
  for (const key of found) {
    const block = parseBlockKey(key);
    if (block === undefined) continue;
    if (group.takes(block.firstUs, block.rows)) group.add(key, block.rows);
    else if (group.keys.length > 1) return { keys: group.keys, nextUs: block.firstUs };
    else group.begin(key, block.firstUs, block.rows);
  }
  if (found.length < KEYS_AT_ONCE) return { keys: group.keys.length > 1 ? group.keys : [], nextUs: endUs };
  // More follow: what was begun last is looked at again, with them.
  return { keys: [], nextUs: Math.max(group.firstUs, fromUs + 1) };
}

class OpenGroup {
  keys: StoreKey[] = [];
  firstUs = 0;
  #rows = 0;

  takes(firstUs: number, rows: number): boolean {
    return (
      this.keys.length > 0 &&
      this.keys.length < MAX_GROUP &&
      Math.floor(firstUs / MINUTE_US) === Math.floor(this.firstUs / MINUTE_US) &&
      rows <= SMALL_ROWS &&
      this.#rows + rows <= MAX_BLOCK_ROWS
    );
  }

  add(key: StoreKey, rows: number): void {
    this.keys.push(key);
    this.#rows += rows;
  }

  begin(key: StoreKey, firstUs: number, rows: number): void {
    this.firstUs = firstUs;
    this.keys = [];
    this.#rows = 0;
    if (rows <= SMALL_ROWS) this.add(key, rows);
  }
}
