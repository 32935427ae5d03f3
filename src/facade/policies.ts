import type { Destinations } from '../actors/destinations.ts';
import type { PolicyVersion } from '../actors/policy-history.ts';
import type { ChangeNote, PolicyOutcome } from '../actors/policy-messages.ts';
import { parsePolicyPatch } from '../config/parse.ts';
import type { PolicyPatch } from '../config/types.ts';
import type { RuleContext } from '../decision/types.ts';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { RuleProblem } from '../hot-path/rule-guard.ts';
import type { DryRunReport } from '../metrics/analysis/dry-run/types.ts';
import { call, describeReason } from '../otp/index.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import { type DryRunOptions, dryRunPolicy, readLast } from './dry-run.ts';

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

  /**
   * What a policy would have done with the latest recorded transfers: how many decisions would have changed, which way, of which kinds, and what that
   * is expected to be worth, with a 95 % interval; and what of it cannot be known. Nothing changes. In slices of a few milliseconds.
   *
   * @param patch as `updatePolicy` takes it; its custom rules are called with what the records hold
   * @throws ConfigError `PITWALL_INVALID_POLICY` naming every field that is wrong; InvalidArgumentError; PitwallError `PITWALL_STORE_UNAVAILABLE`; the
   *   signal's reason
   */
  async dryRun(pool: string, patch: PolicyPatch<RuleContext>, options: DryRunOptions = {}): Promise<DryRunReport> {
    const { last, signal } = options ?? {};
    const slot = this.#slot(pool);
    const query = { pool, limit: readLast(last), reverse: true };
    parsePolicyPatch(patch, slot.config); // refused before anything is read
    const read = await call(
      this.#destinations.metricsStore,
      { type: 'records', query },
      { timeoutMs: READ_TIMEOUT_MS },
    );
    if (read.type === 'failed') {
      const why = `the records could not be read: ${describeReason(read.error)}`;
      throw new PitwallError('PITWALL_STORE_UNAVAILABLE', why, { cause: read.error });
    }
    const disabled = new Set(this.#disabledRules(pool).keys());
    return dryRunPolicy(slot, patch, read.value.toReversed(), disabled, signal);
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

/** Twenty thousand records are read in slices, beside everything else. */
const READ_TIMEOUT_MS = 30_000;

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
