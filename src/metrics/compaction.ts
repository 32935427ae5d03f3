/** Many small blocks of one minute become one: quiet pools write a block per batch, which costs a key and a page each. */
import { type BlockEncoder, BlockView, type EncodedBlock, MAX_BLOCK_ROWS, MINUTE_US } from './block-codec.ts';
import { recordsOf } from './block-records.ts';
import type { KeyValueEnvironment, KeyValueTransaction } from './key-value.ts';
import { parseBlockKey } from './keys.ts';
import { encodeNumber } from './meta.ts';
import { poolKeys } from './pools.ts';
import { milestoneKey, milestoneOf } from './progress.ts';
import type { TransferRecord } from './record.ts';
import { removeBlock } from './retention.ts';

/** A minute is touched this long after its end, when hardly anything more comes. */
const GRACE_US = 2 * MINUTE_US;
/** Minutes with fewer rows a block than this are worth it. */
const SMALL_ROWS = 1024;
const MAX_KEYS = 2048;

/** Merges at most `maxMinutes` minutes, each in a transaction of its own. Returns how many blocks went. */
export function compactMinutes(
  environment: KeyValueEnvironment,
  encoder: BlockEncoder,
  put: (transaction: KeyValueTransaction, block: EncodedBlock) => void,
  nowUs: number,
  maxMinutes: number,
): number {
  const endUs = Math.floor((nowUs - GRACE_US) / MINUTE_US) * MINUTE_US;
  let minutes = 0;
  let merged = 0;
  for (const poolKey of poolKeys(environment, 'metrics')) {
    while (minutes < maxMinutes) {
      const fromUs = milestoneOf(environment, 'compacted', poolKey) * 1_000_000;
      const minute = nextMinute(environment, poolKey, fromUs, endUs);
      if (minute === undefined) break;
      merged += environment.write((transaction) => mergeMinute(transaction, encoder, put, poolKey, minute), {
        reclaim: true,
      });
      environment.refresh();
      minutes += 1;
    }
    if (minutes >= maxMinutes) break;
  }
  return merged;
}

function nextMinute(
  environment: KeyValueEnvironment,
  poolKey: string,
  fromUs: number,
  endUs: number,
): number | undefined {
  if (fromUs >= endUs) return undefined;
  const [key] = environment.keys('metrics', { from: [poolKey, fromUs], to: [poolKey, endUs], limit: 1 });
  const firstUs = key?.[1];
  return typeof firstUs === 'number' ? Math.floor(firstUs / MINUTE_US) * MINUTE_US : undefined;
}

function mergeMinute(
  transaction: KeyValueTransaction,
  encoder: BlockEncoder,
  put: (transaction: KeyValueTransaction, block: EncodedBlock) => void,
  poolKey: string,
  minuteUs: number,
): number {
  transaction.put('meta', milestoneKey('compacted', poolKey), encodeNumber((minuteUs + MINUTE_US) / 1_000_000));
  const keys = transaction.keys('metrics', {
    from: [poolKey, minuteUs],
    to: [poolKey, minuteUs + MINUTE_US],
    limit: MAX_KEYS,
  });
  const rows = keys.reduce((sum, key) => sum + (parseBlockKey(key)?.rows ?? 0), 0);
  const needed = Math.ceil(rows / MAX_BLOCK_ROWS);
  if (keys.length < 2 || rows / keys.length >= SMALL_ROWS) return 0;
  const records: TransferRecord[] = [];
  for (const key of keys) {
    const bytes = transaction.get('metrics', key);
    if (bytes === undefined) continue;
    try {
      const block = new BlockView(bytes);
      const recordAt = recordsOf(block);
      for (let row = 0; row < block.rows; row += 1) records.push(recordAt(row));
    } catch {
      // A damaged block stays as it is, so that nothing is lost that a repair could still read.
      return 0;
    }
  }
  for (const key of keys) removeBlock(transaction, key);
  for (const block of encoder.encodeAll(records)) put(transaction, block);
  return keys.length - needed;
}
