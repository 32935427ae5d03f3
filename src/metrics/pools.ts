/** Which pools a database holds: found by skipping from one pool's first key to the next pool's, one look-up each. */
import { BlockView } from './block-codec.ts';
import type { KeyValueReader } from './key-value.ts';
import type { StoreKey } from './keys.ts';

/** Sorts after every key of a pool: a part beyond every number and every ASCII name. */
const AFTER = '\u007f';
const END: StoreKey = [AFTER];

export function* poolKeys(reader: KeyValueReader, database: 'metrics' | 'aggregates'): Generator<string> {
  let from: StoreKey = [''];
  for (;;) {
    const [key] = reader.keys(database, { from, to: END, limit: 1 });
    const poolKey = key?.[0];
    if (typeof poolKey !== 'string') return;
    yield poolKey;
    from = [poolKey, AFTER];
  }
}

/** The pool's name: its key, or (where that is a hash) what its first block says. */
export function poolName(reader: KeyValueReader, poolKey: string): string {
  if (!poolKey.startsWith('#')) return poolKey;
  const [entry] = reader.range('metrics', { from: [poolKey], to: [poolKey, AFTER], limit: 1 });
  if (entry === undefined) return poolKey;
  try {
    return new BlockView(entry.value).pool;
  } catch {
    return poolKey;
  }
}
