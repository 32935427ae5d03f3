import type { Destinations } from '../actors/destinations.ts';
import type { PolicyVersion } from '../actors/policy-history.ts';
import type { ChangeNote, PolicyOutcome } from '../actors/policy-messages.ts';
import type { PolicyPatch } from '../config/types.ts';
import type { RuleContext } from '../decision/types.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { RuleProblem } from '../hot-path/rule-guard.ts';
import { call } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';

/** Who changed something, and why: kept with it, at most 512 characters each. */
export interface PolicyChangeNote {
  readonly by?: string | undefined;
  readonly why?: string | undefined;
}

export interface RollbackNote extends PolicyChangeNote {
  /**
   * Custom rules are functions and are not stored. `as_then` (the default): those of that version, which must have been set in this process under the
   * same names; `keep`: those in force stay.
   */
  readonly rules?: 'as_then' | 'keep' | undefined;
}

/** A custom rule of a pool, and whether it is asked. */
export interface RuleStatus {
  readonly name: string;
  readonly priority: number;
  /** Why it is not asked any more; undefined: it is. */
  readonly disabled: RuleProblem | undefined;
}

/** `runtime.policies`: what was in force when, who changed it, and back. */
export class Policies {
  readonly #board: SnapshotBoard;
  readonly #destinations: Destinations;
  readonly #disabledRules: (pool: string) => ReadonlyMap<string, RuleProblem>;

  constructor(
    board: SnapshotBoard,
    destinations: Destinations,
    disabledRules: (pool: string) => ReadonlyMap<string, RuleProblem>,
  ) {
    this.#board = board;
    this.#destinations = destinations;
    this.#disabledRules = disabledRules;
  }

  /**
   * Changes a pool's policy: `runtime.updatePolicy`, with the whole version as answer.
   * @throws as `runtime.updatePolicy`
   */
  async update(pool: string, patch: PolicyPatch<RuleContext>, note: PolicyChangeNote = {}): Promise<PolicyVersion> {
    const { by, why } = readNote(note);
    const message = { type: 'update_policy', pool, patch, by, why } as const;
    return versionOf(pool, await call(this.#destinations.controller, message));
  }

  /**
   * The versions of a pool's policy, oldest first: when, who, why, what changed. The latest 100; they survive a restart.
   * @throws InvalidArgumentError for a pool that is unknown; CallError while the controller is down
   */
  async history(pool: string): Promise<readonly PolicyVersion[]> {
    const found = await call(this.#destinations.controller, { type: 'get_policy_history', pool });
    return found ?? unknownPool(pool);
  }

  /**
   * Puts an earlier version into force again, as a new version that names it.
   *
   * @throws PitwallError `PITWALL_VERSION_REFUSED` where the version is not kept, or its custom rules are not in this process; ConfigError
   *   `PITWALL_INVALID_POLICY` where it is no valid policy any more; InvalidArgumentError; CallError while the controller is down. Then nothing changed.
   */
  async rollback(pool: string, version: number, note: RollbackNote = {}): Promise<PolicyVersion> {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw new InvalidArgumentError('version', version, 'a whole number >= 1');
    }
    const { rules = 'as_then' } = note ?? {};
    if (rules !== 'as_then' && rules !== 'keep') throw new InvalidArgumentError('rules', rules, "'as_then' or 'keep'");
    const { by, why } = readNote(note);
    const message = { type: 'roll_back_policy', pool, version, rules, by, why } as const;
    const outcome = await call(this.#destinations.controller, message);
    if (outcome.type === 'impossible') throw new PitwallError('PITWALL_VERSION_REFUSED', outcome.reason);
    return versionOf(pool, outcome);
  }

  /** The pool's custom rules in the order in which they are asked, the disabled ones with the reason. Synchronous. */
  rules(pool: string): readonly RuleStatus[] {
    const disabled = this.#disabledRules(pool);
    return this.#slot(pool).config.customRules.map(({ name, priority }) => ({
      name,
      priority,
      disabled: disabled.get(name),
    }));
  }

  /**
   * Lets a rule be asked again that was disabled because it threw or was slow; its alert is resolved. It is disabled again if it goes on so.
   * @throws InvalidArgumentError for a pool that is unknown, or a rule that is not disabled
   */
  async enableRule(pool: string, rule: string, note: PolicyChangeNote = {}): Promise<PolicyVersion> {
    const { by, why } = readNote(note);
    const outcome = await call(this.#destinations.controller, { type: 'enable_rule', pool, rule, by, why });
    if (outcome.type === 'not_disabled') {
      throw new InvalidArgumentError('rule', rule, 'the name of a custom rule that is disabled');
    }
    return versionOf(pool, outcome);
  }

  #slot(pool: string): PoolSlot {
    return this.#board.slot(pool) ?? unknownPool(pool);
  }
}

function unknownPool(pool: unknown): never {
  throw new InvalidArgumentError('pool', pool, 'the name of a pool that exists');
}

function versionOf(pool: string, outcome: PolicyOutcome): PolicyVersion {
  switch (outcome.type) {
    case 'ok':
      return outcome.version;
    case 'refused':
      throw outcome.error;
    case 'unknown_pool':
      return unknownPool(pool);
    default:
      return outcome satisfies never;
  }
}

/** @throws InvalidArgumentError for a `by` or `why` that is no text */
export function readNote(note: unknown): ChangeNote {
  const { by, why }: { by?: unknown; why?: unknown } = typeof note === 'object' && note !== null ? note : {};
  return { by: text('by', by), why: text('why', why) };
}

function text(field: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new InvalidArgumentError(field, value, 'a text');
}
