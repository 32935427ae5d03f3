import type { PoolConfig } from '../config/types.ts';
import type { PolicyRule, PolicySnapshot } from '../decision/types.ts';

/** What `decide` reads of a pool's configuration. `disabledRules` are left out: they threw, or were slow. */
export function toPolicySnapshot(config: PoolConfig, version: number, rules: readonly PolicyRule[]): PolicySnapshot {
  return Object.freeze({
    version,
    goal: config.goal,
    rules,
    thresholdOverrides: new Map(config.thresholdOverrides.map(({ dataType, threshold }) => [dataType, threshold])),
    conflictOrder: config.conflictOrder,
    learningEnabled: config.learningEnabled,
    explorationRate: config.explorationRate,
    marginalBenefit: config.marginalBenefit,
    memoryPressureThreshold: config.memoryPressureThreshold,
    cpuPressureThreshold: config.cpuPressureThreshold,
  });
}
