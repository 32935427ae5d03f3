/** A pool as its host left it in the store: configuration, policy, thresholds, cost model. Its trained model and its custom rules are not in it. */
import type { PolicyVersion } from '../actors/policy-history.ts';
import { readStoredPolicies } from '../actors/policy-history.ts';
import { parseConfig } from '../config/parse.ts';
import { configOfForm } from '../config/policy-form.ts';
import { defaultPoolConfig } from '../config/pools.ts';
import { CostModel } from '../learning/cost-model.ts';
import { ThresholdTuner } from '../learning/threshold-tuning.ts';
import type { MetricsStore } from '../metrics/store-types.ts';
import type { PoolSlot } from '../snapshots.ts';
import { PoolFactory } from '../wiring/pools.ts';

/** Versions of a pool's policy that are stored, oldest first. */
export function storedVersions(store: MetricsStore, pool: string): readonly PolicyVersion[] {
  return readStoredPolicies(store.get('policies', pool))?.versions ?? [];
}

export function storedPool(store: MetricsStore, pool: string): PoolSlot {
  const factory = new PoolFactory({ elapsedMs: () => 0, onRuleDisabled: () => undefined, mode: () => 'enabled' });
  const defaults = defaultPoolConfig(parseConfig({ dataDir: false, logger: false }), pool);
  const last = storedVersions(store, pool).at(-1);
  const config = last === undefined ? defaults : configOfForm(last.policy, defaults, []);
  const slot = factory.newSlot(config);
  if (last !== undefined) factory.publish(slot, config, last.version);
  const learned = store.get('thresholds', pool);
  if (typeof learned !== 'object' || learned === null || !('costModel' in learned)) return slot;
  slot.costModel = CostModel.fromState(learned.costModel).snapshot();
  if (learned.base !== config.zeroCopyThreshold) return slot;
  const { minimumThreshold, maximumThreshold } = config.limits;
  const options = { base: config.zeroCopyThreshold, minimumThreshold, maximumThreshold };
  slot.thresholds = ThresholdTuner.fromState(learned.thresholds, options).thresholds();
  return slot;
}
