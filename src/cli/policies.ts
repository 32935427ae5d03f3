/** `pitwall policies`: what a pool's policy was when, who changed it and why; and what another one would have done. */
import { dryRunPolicy, readLast } from '../facade/dry-run.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { readJsonFile } from './json-file.ts';
import { dryRunText, historyText } from './policies-text.ts';
import { POOL, readPools } from './pool-names.ts';
import { storedPool, storedVersions } from './stored-pool.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = defineCommand({
  options: {
    'data-dir': DATA_DIR,
    pool: POOL,
    'dry-run': {
      type: 'string',
      value: 'FILE',
      meaning: 'a policy patch as JSON, as updatePolicy takes it: what would it have done? Needs --pool',
    },
    last: {
      type: 'string',
      value: 'N',
      meaning: 'with --dry-run: the latest records that are decided again; default 10000',
    },
    json: { type: 'boolean', default: false, meaning: 'one JSON value' },
  },
  notes: [
    'A dry run decides recorded transfers again, under the stored policy and under the patch, by what the pool has learned and stored. The effect is',
    'estimated from the probabilities with which lanes were taken; what was never measured is said. Custom rules are code and take no part here:',
    'runtime.policies.dryRun has them, the trained model, and limits of pressure other than the defaults. Nothing in the directory is changed.',
  ],
  examples: [
    ['pitwall policies --pool ml', 'the versions of its policy, who changed what and why'],
    [
      'pitwall policies --pool ml --dry-run patch.json',
      'what {"thresholdOverridesMb":{"tensor":4}} would have changed',
    ],
  ],
  async run(values) {
    const { pool, json, 'dry-run': file, last } = values;
    if (file !== undefined && pool === undefined) throw new UsageError('--dry-run: needs --pool NAME');
    if (file === undefined && last !== undefined) throw new UsageError('--last: goes with --dry-run');
    const patch = file === undefined ? undefined : readJsonFile(file);
    const limit = readLast(last === undefined ? undefined : Number(last));
    const store = await openDataFolder(values['data-dir'], 'existing');
    try {
      if (file !== undefined && pool !== undefined) await printDryRun(store, pool, patch, limit, json);
      else printHistories(store, pool, json);
      return EXIT.ok;
    } finally {
      await store.close();
    }
  },
});

async function printDryRun(store: MetricsStore, asked: string, patch: unknown, limit: number, json: boolean) {
  const [pool = asked] = readPools(store, asked);
  const records = [...store.records({ pool, limit, reverse: true })].reverse();
  const report = await dryRunPolicy(storedPool(store, pool), patch, records, new Set());
  console.log(json ? JSON.stringify(report) : dryRunText(report));
}

function printHistories(store: MetricsStore, asked: string | undefined, json: boolean): void {
  const pools = asked === undefined ? store.pools() : [asked];
  const found = pools.map((pool) => ({ pool, versions: storedVersions(store, pool) }));
  const kept = found.filter(({ versions }) => versions.length > 0);
  if (json) console.log(JSON.stringify(kept));
  else if (kept.length === 0) console.log('no policy is stored yet');
  else console.log(kept.map(({ pool, versions }) => historyText(pool, versions)).join('\n\n'));
}
