/** A pool's published state, as the runtime makes it from a configuration. */
import { parseConfig, toPolicyPatch } from '../../src/config/parse.ts';
import type { PolicyOptions } from '../../src/config/types.ts';
import { toPolicySnapshot } from '../../src/hot-path/policy-snapshot.ts';
import { PoolSlot } from '../../src/snapshots.ts';

export function poolSlot(policy: PolicyOptions = {}): PoolSlot {
  const [config] = parseConfig({ dataDir: false, logger: false, pools: [{ name: 'ml', ...policy }] }).pools;
  if (config === undefined) throw new Error('one pool was configured');
  const base = config.zeroCopyThreshold;
  return new PoolSlot(config, JSON.stringify(toPolicyPatch(config)), toPolicySnapshot(config, 1, []), {
    default: { base, adjustmentFactor: 1, resourceFactor: 1, final: base },
    byDataType: new Map(),
    quickPathMinimum: config.limits.minimumThreshold,
  });
}
