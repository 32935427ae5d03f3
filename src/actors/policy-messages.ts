/** What may be asked of the controller about policies and modes. Types only. */
import type { ConfigError } from '../config/config-error.ts';
import type { PolicyPatch } from '../config/types.ts';
import type { PoolSnapshot } from '../decision/types.ts';
import type { Call } from '../otp/index.ts';
import type { PolicyVersion } from './policy-history.ts';

/** Who changed something, and why: kept with it. */
export interface ChangeNote {
  readonly by: string | undefined;
  readonly why: string | undefined;
}

export type PolicyOutcome =
  | { readonly type: 'ok'; readonly version: PolicyVersion }
  | { readonly type: 'unknown_pool' }
  | { readonly type: 'refused'; readonly error: ConfigError };

export interface UpdatePolicy extends Call<PolicyOutcome>, ChangeNote {
  readonly type: 'update_policy';
  readonly pool: string;
  readonly patch: PolicyPatch;
}
/** Puts an earlier version into force again, as a new one. */
export interface RollBackPolicy extends Call<RollBackOutcome>, ChangeNote {
  readonly type: 'roll_back_policy';
  readonly pool: string;
  readonly version: number;
  /** `as_then`: the custom rules of that version, which this process must have; `keep`: those in force stay. */
  readonly rules: 'as_then' | 'keep';
}
export type RollBackOutcome = PolicyOutcome | { readonly type: 'impossible'; readonly reason: string };

/** Every version that is kept, oldest first; undefined for a pool that is unknown. */
export interface GetPolicyHistory extends Call<readonly PolicyVersion[] | undefined> {
  readonly type: 'get_policy_history';
  readonly pool: string;
}
/** Asks a rule again that was disabled. */
export interface EnableRule extends Call<PolicyOutcome | { readonly type: 'not_disabled' }>, ChangeNote {
  readonly type: 'enable_rule';
  readonly pool: string;
  readonly rule: string;
}
/** Sets the mode of all pools: the kill switch, kept until it is taken back. */
export interface SetMode extends Call<'ok'>, Partial<ChangeNote> {
  readonly type: 'set_mode';
  readonly mode: PoolSnapshot['mode'];
}
/** The facade set the mode already; it is to be kept. */
export interface ModeSet extends ChangeNote {
  readonly type: 'mode_set';
  readonly mode: PoolSnapshot['mode'];
}
/** A custom rule was disabled; the policy goes on without it. */
export interface RuleDisabled {
  readonly type: 'rule_disabled';
  readonly pool: string;
  readonly why: string;
}
