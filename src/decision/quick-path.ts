/** Step 3: what its size alone decides. */
import type { PoolSnapshot } from './types.ts';

/**
 * Below the minimum nothing can be gained by shared memory; above the maximum nobody wants three copies. The minimum is the threshold manager's,
 * which lets it sink on evidence; static rules take the configured one.
 *
 * @returns undefined for the sizes between, which deserve a look
 */
export function quickPath(pool: PoolSnapshot, dataSize: number): 'below_minimum' | 'above_maximum' | undefined {
  const minimum = pool.mode === 'static_rules' ? pool.limits.minimumThreshold : pool.thresholds.quickPathMinimum;
  if (dataSize < minimum) return 'below_minimum';
  return dataSize > pool.limits.maximumThreshold ? 'above_maximum' : undefined;
}
