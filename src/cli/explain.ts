/** `pitwall explain --pool NAME`: the pool's table of size ranges per lane, from what the host has learned and stored. */
import { parseConfig } from '../config/parse.ts';
import { defaultPoolConfig } from '../config/pools.ts';
import { formatLessons, lessons } from '../decision/lessons.ts';
import { formatRanges, type PayloadKind, sizeRanges } from '../decision/table.ts';
import { CostModel } from '../learning/cost-model.ts';
import type { JsonValue } from '../learning/types.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import type { PoolSlot } from '../snapshots.ts';
import { PoolFactory } from '../wiring/pools.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { UsageError, unknownName } from './usage-error.ts';

const KINDS: readonly PayloadKind[] = [
  { dataType: 'tensor', format: 'numpy' },
  { dataType: 'dataframe', format: 'arrow' },
  { dataType: 'json', format: 'json' },
  { dataType: 'binary', format: 'raw' },
];

export const command: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    pool: { type: 'string', value: 'NAME', meaning: 'the pool; needed' },
  },
  notes: ['Learned by a host in that directory; a pool that has learned nothing yet has no table.'],
  examples: [['pitwall explain --pool ml', 'from which size on a payload takes shared memory, warm and cold']],
  async run({ 'data-dir': dataDir, pool }) {
    if (pool === undefined) throw new UsageError('--pool: is needed: the name of a pool');
    const store = await openDataFolder(dataDir, 'existing');
    try {
      const slot = slotFrom(store, pool);
      printTables(slot);
      console.log(['in words', ...formatLessons(lessons(slot, KINDS)).map((line) => `  ${line}`)].join('\n'));
      return EXIT.ok;
    } finally {
      await store.close();
    }
  },
});

function printTables(slot: PoolSlot): void {
  for (const warmth of ['warm', 'cold'] as const) {
    slot.transport = {
      zeroCopyReady: true,
      reason: undefined,
      warmBytes: warmth === 'warm' ? LARGE : 0,
      roomBytes: LARGE,
    };
    console.log(`into ${warmth} memory`);
    for (const kind of KINDS) {
      console.log(`  ${formatRanges(kind.dataType, sizeRanges(slot, kind, undefined, Date.now()))}`);
    }
  }
}

const LARGE = Number.MAX_SAFE_INTEGER;

function slotFrom(store: MetricsStore, pool: string): PoolSlot {
  const stored = store.get('thresholds', pool);
  if (!isLearned(stored)) {
    const learned = [...store.entries('thresholds')].filter(([, value]) => isLearned(value)).map(([name]) => name);
    throw unknownName('pool that has learned something', pool, learned);
  }
  const factory = new PoolFactory({ elapsedMs: () => 0, onRuleDisabled: () => undefined, mode: () => 'enabled' });
  const slot = factory.newSlot(defaultPoolConfig(parseConfig({ dataDir: false, logger: false }), pool));
  slot.costModel = CostModel.fromState(stored.costModel).snapshot();
  return slot;
}

function isLearned(value: JsonValue | undefined): value is { readonly costModel: JsonValue } {
  return typeof value === 'object' && value !== null && 'costModel' in value;
}
