import { numberIn, THRESHOLD_MB } from './fields.ts';
import { checkLimits } from './limits.ts';
import { ACCEPTED_NAME, isName } from './names.ts';
import type { Path, Problems } from './problems.ts';
import { type Plain, readArray, readObject } from './read.ts';
import { readRules } from './rules.ts';
import { policyFields, policySchema } from './schema.ts';
import { readSection, refuseUnknownKeys } from './section.ts';
import type { PoolConfig, ThresholdOverride } from './types.ts';
import { bytesToMb, mbToBytes } from './units.ts';

/** All keys that a policy may have, in the order of the reference page. */
export const POLICY_KEYS: readonly string[] = [...Object.keys(policyFields), 'customRules', 'thresholdOverridesMb'];

/**
 * The pool that results from writing `entries` over `base`: a key that is there replaces the old value as a whole. `base` is the
 * runtime's defaults where a pool is configured, the present pool where it is patched.
 *
 * @param limitsAreSound false where `base` itself has bad limits: those were told already, and would only be told again.
 */
export function readPolicy(
  entries: Plain,
  base: PoolConfig,
  path: Path,
  problems: Problems,
  limitsAreSound = true,
): PoolConfig {
  refuseUnknownKeys(entries, POLICY_KEYS, path, problems);
  const { customRules, thresholdOverridesMb, conflictOrder, ...plain } = entries;
  if (conflictOrder !== undefined) plain.conflictOrder = readArray(conflictOrder, [...path, 'conflictOrder'], problems);
  const { value, refused } = readSection(policySchema, plain, path, problems);

  const thresholds = {
    zeroCopyThresholdMb: value.zeroCopyThresholdMb ?? bytesToMb(base.zeroCopyThreshold),
    minimumThresholdMb: value.minimumThresholdMb ?? bytesToMb(base.limits.minimumThreshold),
    maximumThresholdMb: value.maximumThresholdMb ?? bytesToMb(base.limits.maximumThreshold),
  };
  const given = Object.keys(thresholds).filter((key) => key in plain);
  if (limitsAreSound && given.length > 0 && !given.some((key) => refused.has(key))) {
    checkLimits(thresholds, 'zeroCopyThresholdMb', given, path, problems);
  }

  return Object.freeze({
    name: base.name,
    goal: value.goal ?? base.goal,
    zeroCopyThreshold: mbToBytes(thresholds.zeroCopyThresholdMb),
    limits: Object.freeze({
      minimumThreshold: mbToBytes(thresholds.minimumThresholdMb),
      maximumThreshold: mbToBytes(thresholds.maximumThresholdMb),
    }),
    learningEnabled: value.learningEnabled ?? base.learningEnabled,
    explorationRate: value.explorationRate ?? base.explorationRate,
    customRules:
      customRules === undefined ? base.customRules : readRules(customRules, [...path, 'customRules'], problems),
    thresholdOverrides:
      thresholdOverridesMb === undefined
        ? base.thresholdOverrides
        : readOverrides(thresholdOverridesMb, [...path, 'thresholdOverridesMb'], problems),
    conflictOrder: value.conflictOrder === undefined ? base.conflictOrder : Object.freeze([...value.conflictOrder]),
    marginalBenefit: value.marginalBenefit ?? base.marginalBenefit,
    rolloutStage: value.rolloutStage ?? base.rolloutStage,
    memoryPressureThreshold: base.memoryPressureThreshold,
    cpuPressureThreshold: base.cpuPressureThreshold,
  });
}

/** Not bound to the pool's limits: what an operator fixes for a data type is fixed. */
function readOverrides(value: unknown, path: Path, problems: Problems): readonly ThresholdOverride[] {
  const overrides: ThresholdOverride[] = [];
  for (const [dataType, given] of Object.entries(readObject(value, path, problems) ?? {})) {
    const threshold = numberIn(THRESHOLD_MB).safeParse(given);
    if (!isName(dataType)) {
      problems.expected([...path, dataType], `${ACCEPTED_NAME} as data type`, dataType);
    } else if (!threshold.success) {
      problems.expected([...path, dataType], `a number in ${THRESHOLD_MB.min}..${THRESHOLD_MB.max}`, given);
    } else {
      overrides.push(Object.freeze({ dataType, threshold: mbToBytes(threshold.data) }));
    }
  }
  return Object.freeze(overrides);
}
