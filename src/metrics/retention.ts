/** Removes what is older than the retention, and the oldest where the store is too large, in steps that never hold a write long. */
import { SLICES } from './aggregate.ts';
import { BlockView } from './block-codec.ts';
import type { IdRange } from './id-ranges.ts';
import type { KeyValueEnvironment, KeyValueTransaction } from './key-value.ts';
import { aggregateKey, HOUR_S, idKey, type Level, MINUTE_S, type StoreKey } from './keys.ts';
import { encodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { MILESTONES, milestoneKey, milestoneOf } from './progress.ts';
import type { Steps } from './slices.ts';
import { TimeBudget, TRANSACTION_MS } from './time-budget.ts';
import type { UpkeepTally } from './upkeep-tally.ts';

/** Entries removed in one transaction, at most: it ends before, where its time is over. */
const ENTRIES_AT_ONCE = 256;

/** Removes blocks and aggregates that end at or before `cutoffUs`. A step is a transaction, or a look at a pool. */
export function* removeBefore(environment: KeyValueEnvironment, cutoffUs: number, tally: UpkeepTally): Steps<void> {
  const cutoffS = Math.floor(cutoffUs / 60_000_000) * MINUTE_S;
  for (const poolKey of poolKeys(environment, 'metrics')) {
    for (const count of drop(environment, 'metrics', [poolKey], [poolKey, cutoffS * 1_000_000])) {
      tally.removedBlocks += count;
      tally.removed += count;
      yield;
    }
    yield;
  }
  for (const poolKey of poolKeys(environment, 'aggregates')) {
    for (const slice of SLICES) {
      for (const level of [MINUTE_S, HOUR_S] as const) {
        for (const count of dropBuckets(environment, poolKey, slice, level, cutoffS)) {
          tally.removedAggregates += count;
          tally.removed += count;
          yield;
        }
      }
    }
    forgetEmptyPool(environment, poolKey);
    yield;
  }
}

/** First microsecond of the oldest record, undefined in an empty store. */
export function oldestRecordUs(environment: KeyValueEnvironment): number | undefined {
  let oldest: number | undefined;
  for (const poolKey of poolKeys(environment, 'metrics')) {
    const [key] = environment.keys('metrics', { from: [poolKey], to: [poolKey, Number.MAX_VALUE], limit: 1 });
    const firstUs = key?.[1];
    if (typeof firstUs === 'number' && (oldest === undefined || firstUs < oldest)) oldest = firstUs;
  }
  return oldest;
}

function dropBuckets(
  environment: KeyValueEnvironment,
  poolKey: string,
  slice: (typeof SLICES)[number],
  level: Level,
  cutoffS: number,
): Generator<number> {
  const lastS = Math.floor(cutoffS / level) * level;
  const from = aggregateKey(poolKey, slice, level, 0);
  return drop(environment, 'aggregates', from, aggregateKey(poolKey, slice, level, lastS));
}

/** How many entries each transaction removed. */
function* drop(
  environment: KeyValueEnvironment,
  database: 'metrics' | 'aggregates',
  from: StoreKey,
  to: StoreKey,
): Generator<number> {
  for (;;) {
    const keys = environment.keys(database, { from, to, limit: ENTRIES_AT_ONCE });
    if (keys.length === 0) return;
    const removed = environment.write((transaction) => dropSome(transaction, database, keys), { reclaim: true });
    environment.refresh();
    yield removed;
  }
}

/** As many as a transaction has time for, one at least. */
function dropSome(
  transaction: KeyValueTransaction,
  database: 'metrics' | 'aggregates',
  keys: readonly StoreKey[],
): number {
  const time = new TimeBudget(TRANSACTION_MS);
  let removed = 0;
  for (const key of keys) {
    if (database === 'metrics') removeBlock(transaction, key);
    else transaction.remove(database, key);
    removed += 1;
    if (time.spent) break;
  }
  return removed;
}

/** A block goes with the entries that lead from transfer ids to it. */
export function removeBlock(transaction: KeyValueTransaction, key: StoreKey): void {
  const bytes = transaction.get('metrics', key);
  if (bytes === undefined) return;
  for (const { origin, high } of idRanges(bytes)) transaction.remove('meta', idKey(origin, high, key));
  transaction.remove('metrics', key);
}

function idRanges(bytes: Uint8Array): readonly IdRange[] {
  try {
    return new BlockView(bytes).idRanges();
  } catch {
    return [];
  }
}

function forgetEmptyPool(environment: KeyValueEnvironment, poolKey: string): void {
  const [left] = environment.keys('aggregates', { from: [poolKey], to: [poolKey, '\u007f'], limit: 1 });
  if (left !== undefined) return;
  environment.write(
    (transaction) => {
      for (const milestone of MILESTONES) transaction.remove('meta', milestoneKey(milestone, poolKey));
    },
    { reclaim: true },
  );
}

/**
 * Cells of single minutes are the bulk of the aggregates and are asked for while recent: older ones go once their hour is rolled up.
 * (A query by type or size band that begins in the middle of an older hour reads records there.)
 */
export function* removeMinuteCells(environment: KeyValueEnvironment, beforeS: number): Steps<void> {
  for (const poolKey of poolKeys(environment, 'aggregates')) {
    const cutoffS = Math.min(Math.floor(beforeS / HOUR_S) * HOUR_S, milestoneOf(environment, 'rolled', poolKey));
    const from = aggregateKey(poolKey, 'cells', MINUTE_S, 0);
    const to = aggregateKey(poolKey, 'cells', MINUTE_S, cutoffS);
    if (environment.keys('aggregates', { from, to, limit: 1 }).length > 0) {
      // Said before it is done: a reader must never take a missing page for a minute without records.
      environment.write(
        (transaction) => transaction.put('meta', milestoneKey('cells_from', poolKey), encodeNumber(cutoffS)),
        { reclaim: true },
      );
      for (const _ of drop(environment, 'aggregates', from, to)) yield;
    }
    yield;
  }
}
