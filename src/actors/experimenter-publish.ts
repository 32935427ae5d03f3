/** From an experiment to what decisions read of it, and to the policy that a variant is as a pool's own. */
import type { PolicyPatch, PoolConfig } from '../config/types.ts';
import { mbToBytes } from '../config/units.ts';
import type { ExperimentSnapshot, ExperimentVariant } from '../decision/types.ts';
import { type VariantPolicy, VariantPool } from '../hot-path/variant-pool.ts';
import type { Experiment } from '../metrics/analysis/experiment/experiment.ts';
import type { VariantDefinition } from '../metrics/analysis/experiment/types.ts';
import type { PoolSlot } from '../snapshots.ts';

export type BuildPolicy = (
  slot: PoolSlot,
  variant: string,
  patch: PolicyPatch,
) => (config: PoolConfig) => VariantPolicy;

/**
 * @param patches of this process, custom rules included, by variant
 * @throws ConfigError where a variant's policy does not go together with the pool's
 */
export function toSnapshot(
  { name, definition, slots }: Experiment,
  slot: PoolSlot,
  patches: ReadonlyMap<string, PolicyPatch>,
  build: BuildPolicy,
): ExperimentSnapshot {
  const { scope, salt, variants } = definition;
  const toVariant = (variant: VariantDefinition): ExperimentVariant => {
    const { difference, share } = variant;
    const patch = patches.get(variant.name) ?? (difference.type === 'policy' ? difference.patch : {});
    return {
      name: variant.name,
      share,
      zeroCopyFrom: zeroCopyFrom(variant),
      pool: difference.type === 'policy' ? new VariantPool(slot, build(slot, variant.name, patch)) : undefined,
    };
  };
  return {
    id: name,
    salt,
    slots: slots.slice(),
    variants: variants.map(toVariant),
    scope: {
      minimumSize: scope.minimumSize,
      maximumSize: scope.maximumSize ?? Number.POSITIVE_INFINITY,
      dataTypes: scope.dataTypes === null ? undefined : new Set(scope.dataTypes),
    },
  };
}

function zeroCopyFrom({ difference }: VariantDefinition): number | undefined {
  if (difference.type === 'lane') return difference.lane === 'grpc' ? Number.POSITIVE_INFINITY : 0;
  return difference.type === 'threshold' ? mbToBytes(difference.thresholdMb) : undefined;
}

/** The variant as a policy of the pool, for good; undefined for the control. */
export function promotedPatch(variant: VariantDefinition, own: PolicyPatch | undefined): PolicyPatch | undefined {
  const { difference } = variant;
  switch (difference.type) {
    case 'none':
      return undefined;
    case 'policy':
      return own ?? difference.patch;
    case 'lane':
      return fixedAt(difference.lane === 'grpc' ? LARGEST_MB : SMALLEST_MB);
    case 'threshold':
      return fixedAt(difference.thresholdMb);
    default:
      return difference satisfies never;
  }
}

/** The range that thresholds of the configuration have. */
const SMALLEST_MB = 0.001;
const LARGEST_MB = 1_048_576;

/** Nothing moves the threshold, and nothing decides before it: all bounds in one place. */
function fixedAt(thresholdMb: number): PolicyPatch {
  return {
    learningEnabled: false,
    minimumThresholdMb: thresholdMb,
    zeroCopyThresholdMb: thresholdMb,
    maximumThresholdMb: thresholdMb,
    customRules: [],
    thresholdOverridesMb: {},
  };
}
