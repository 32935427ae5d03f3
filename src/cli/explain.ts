/** `pitwall explain --pool NAME`: the pool's table of size ranges per lane, from what the host has learned and stored. */
import { parseArgs } from 'node:util';
import { parseConfig } from '../config/parse.ts';
import { defaultPoolConfig } from '../config/pools.ts';
import { formatRanges, type PayloadKind, sizeRanges } from '../decision/table.ts';
import { InvalidArgumentError } from '../errors.ts';
import { CostModel } from '../learning/cost-model.ts';
import type { JsonValue } from '../learning/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import type { PoolSlot } from '../snapshots.ts';
import { PoolFactory } from '../wiring/pools.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';

const KINDS: readonly PayloadKind[] = [
  { dataType: 'tensor', format: 'numpy' },
  { dataType: 'dataframe', format: 'arrow' },
  { dataType: 'json', format: 'json' },
  { dataType: 'binary', format: 'raw' },
];

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { 'data-dir': DATA_DIR, pool: { type: 'string' } },
  });
  const { pool } = values;
  if (pool === undefined) throw new InvalidArgumentError('--pool', pool, 'the name of a pool');
  const store = await openDataFolder(values['data-dir'], 'existing');
  try {
    const slot = slotFrom(store, pool);
    for (const warmth of ['warm', 'cold'] as const) {
      slot.transport = {
        zeroCopyReady: true,
        reason: undefined,
        warmBytes: warmth === 'warm' ? LARGE : 0,
        roomBytes: LARGE,
      };
      console.log(`into ${warmth} memory`);
      for (const kind of KINDS)
        console.log(`  ${formatRanges(kind.dataType, sizeRanges(slot, kind, undefined, Date.now()))}`);
    }
    return 0;
  } finally {
    await store.close();
  }
}

const LARGE = 2 ** 40;

function slotFrom(store: MetricsStore, pool: string): PoolSlot {
  const stored = store.get('thresholds', pool);
  if (!isLearned(stored)) throw new InvalidArgumentError('--pool', pool, 'a pool that has learned something');
  const factory = new PoolFactory({ elapsedMs: () => 0, onRuleDisabled: () => undefined, mode: () => 'enabled' });
  const slot = factory.newSlot(defaultPoolConfig(parseConfig({ dataDir: false, logger: false }), pool));
  slot.costModel = CostModel.fromState(stored.costModel).snapshot();
  return slot;
}

function isLearned(value: JsonValue | undefined): value is { readonly costModel: JsonValue } {
  return typeof value === 'object' && value !== null && 'costModel' in value;
}
