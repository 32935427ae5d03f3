import type { TransferRecord } from './record.ts';

/** Records of several pools, each pool's by itself, in their order. */
export function byPool(records: readonly TransferRecord[]): Map<string, TransferRecord[]> {
  const pools = new Map<string, TransferRecord[]>();
  for (const record of records) {
    const own = pools.get(record.pool);
    if (own) own.push(record);
    else pools.set(record.pool, [record]);
  }
  return pools;
}
