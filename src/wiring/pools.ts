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
  /** A disabled rule is asked again, or was replaced. */
  readonly onRuleEnabled?: (pool: string, rule: string) => void;
  /** The mode that new pools start in: the kill switch holds for them too. */
  readonly mode: () => PoolSnapshot['mode'];
}

export class PoolFactory {
  readonly #options: PoolFactoryOptions;
  /** By pool, rules that were disabled and why: they stay so until they are enabled, the pool's rules are replaced, or the process ends. */
  readonly #disabled = new Map<string, Map<string, RuleProblem>>();

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

  /** What is wrong with the pool's disabled rules, by name. */
  disabledRules(pool: string): ReadonlyMap<string, RuleProblem> {
    return this.#disabled.get(pool) ?? NONE;
  }

  /** Lets a disabled rule be asked again, from the next `publish` on. False where it is not disabled. */
  enableRule(pool: string, rule: string): boolean {
    const enabled = this.#disabled.get(pool)?.delete(rule) === true;
    if (enabled) this.#options.onRuleEnabled?.(pool, rule);
    return enabled;
  }

  #guarded(config: PoolConfig): PolicyRule[] {
    const disabled = this.disabledRules(config.name);
    return config.customRules
      .filter(({ name }) => !disabled.has(name))
      .map((rule) =>
        guardRule(rule, this.#options.elapsedMs, (problem) => {
          const own = this.#disabled.get(config.name) ?? new Map<string, RuleProblem>();
          this.#disabled.set(config.name, own.set(rule.name, problem));
          this.#options.onRuleDisabled(config.name, problem);
        }),
      );
  }

  #forget(pool: string): void {
    for (const rule of [...this.disabledRules(pool).keys()]) this.enableRule(pool, rule);
    this.#disabled.delete(pool);
  }
}

const NONE: ReadonlyMap<string, RuleProblem> = new Map();

/** What holds until the pool's threshold manager publishes. */
function initialThresholds(config: PoolConfig): ThresholdsSnapshot {
  const base = config.zeroCopyThreshold;
  return Object.freeze({
    default: Object.freeze({ base, adjustmentFactor: 1, resourceFactor: 1, final: base }),
    byDataType: new Map(),
    quickPathMinimum: config.limits.minimumThreshold,
  });
}
