/** How pools come into being: their slot with the configured policy, their rules behind guards. */
import { toPolicyPatch } from '../config/parse.ts';
import type { PoolConfig } from '../config/types.ts';
import type { PolicyRule, PoolSnapshot, ThresholdsSnapshot } from '../decision/types.ts';
import { toPolicySnapshot } from '../hot-path/policy-snapshot.ts';
import { guardRule, type RuleProblem } from '../hot-path/rule-guard.ts';
import { lowerStage } from '../learning/rollout.ts';
import { PoolSlot } from '../snapshots.ts';

export interface PoolFactoryOptions {
  readonly elapsedMs: () => number;
  readonly onRuleDisabled: (pool: string, problem: RuleProblem) => void;
  /** The mode that new pools start in: the kill switch holds for them too. */
  readonly mode: () => PoolSnapshot['mode'];
}

export class PoolFactory {
  readonly #options: PoolFactoryOptions;
  /** Rules that were disabled, as `pool NUL rule`: they stay so until the process ends or the pool's rules are replaced. */
  readonly #disabled = new Set<string>();

  constructor(options: PoolFactoryOptions) {
    this.#options = options;
  }

  newSlot(config: PoolConfig): PoolSlot {
    const basis = JSON.stringify(toPolicyPatch(config));
    const slot = new PoolSlot(
      config,
      basis,
      toPolicySnapshot(config, 1, this.#guarded(config)),
      initialThresholds(config),
    );
    slot.mode = this.#options.mode();
    return slot;
  }

  /** Puts a configuration into force. */
  publish(slot: PoolSlot, config: PoolConfig, version: number): void {
    if (config.customRules !== slot.config.customRules) this.#forget(slot.pool);
    const policy = toPolicySnapshot(config, version, this.#guarded(config));
    slot.config = config;
    slot.limits = config.limits;
    // The learner raises it, step by step; what is lowered holds at once.
    slot.rolloutStage = lowerStage(slot.rolloutStage, config.rolloutStage);
    slot.policy = policy;
  }

  #guarded(config: PoolConfig): PolicyRule[] {
    return config.customRules
      .filter((rule) => !this.#disabled.has(keyOf(config.name, rule.name)))
      .map((rule) =>
        guardRule(rule, this.#options.elapsedMs, (problem) => {
          this.#disabled.add(keyOf(config.name, rule.name));
          this.#options.onRuleDisabled(config.name, problem);
        }),
      );
  }

  #forget(pool: string): void {
    for (const key of this.#disabled) if (key.startsWith(`${pool}\u0000`)) this.#disabled.delete(key);
  }
}

function keyOf(pool: string, rule: string): string {
  return `${pool}\u0000${rule}`;
}

/** What holds until the pool's threshold manager publishes. */
function initialThresholds(config: PoolConfig): ThresholdsSnapshot {
  const base = config.zeroCopyThreshold;
  return Object.freeze({
    default: Object.freeze({ base, adjustmentFactor: 1, resourceFactor: 1, final: base }),
    byDataType: new Map(),
    quickPathMinimum: config.limits.minimumThreshold,
  });
}
