/** A policy as plain data: what is kept of it, compared, and read back. Custom rules are functions: only their names are data. */
import { parsePolicyPatch, toPolicyPatch } from './parse.ts';
import type { CompiledRule, PolicyPatch, PoolConfig } from './types.ts';

/** A custom rule by name. */
export interface RuleName {
  readonly name: string;
  readonly priority: number;
}

export interface PolicyForm {
  /** What `updatePolicy` would be given for it; custom rules are not in it. */
  readonly policy: Omit<PolicyPatch, 'customRules'>;
  /** In the order in which they are asked. */
  readonly customRules: readonly RuleName[];
}

/** @param disabled names of rules that are not asked any more: they are no part of what is in force */
export function policyForm(pool: PoolConfig, disabled: ReadonlySet<string> = new Set()): PolicyForm {
  const rules = pool.customRules.filter(({ name }) => !disabled.has(name));
  return { policy: toPolicyPatch(pool), customRules: rules.map(({ name, priority }) => ({ name, priority })) };
}

/**
 * The pool under a policy that was kept as data.
 * @param rules its custom rules, as functions
 * @throws ConfigError `PITWALL_INVALID_POLICY` where this version does not accept it any more
 */
export function configOfForm(policy: unknown, current: PoolConfig, rules: readonly CompiledRule[]): PoolConfig {
  return Object.freeze({ ...parsePolicyPatch(policy, current), customRules: rules });
}
