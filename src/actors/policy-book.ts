/**
 * The policies of all pools, version by version: changes them, keeps them, takes them up again after a restart. Owned by the controller.
 *
 * A version is never reused: a restart goes on counting, so that a record's `policyVersion` names one policy. What the code configures anew wins over
 * what was set at run time, and is a version like any other.
 */
import { ConfigError } from '../config/config-error.ts';
import { diffPolicies, type PolicyChange } from '../config/diff.ts';
import { parsePolicyPatch } from '../config/parse.ts';
import { configOfForm, type PolicyForm, policyForm } from '../config/policy-form.ts';
import type { CompiledRule, PoolConfig } from '../config/types.ts';
import type { JsonValue } from '../learning/types.ts';
import type { PoolSlot, SnapshotBoard } from '../snapshots.ts';
import {
  LONGEST_NOTE,
  MAX_POLICY_VERSIONS,
  type PolicySource,
  type PolicyVersion,
  readStoredPolicies,
  storedPolicies,
} from './policy-history.ts';
import type { ChangeNote, PolicyOutcome, RollBackOutcome, RollBackPolicy, UpdatePolicy } from './policy-messages.ts';

export interface PolicyBookArgs {
  readonly board: SnapshotBoard;
  readonly nowMs: () => number;
  /** Puts a configuration into force: limits, policy (with its version) of the slot. */
  readonly publish: (slot: PoolSlot, config: PoolConfig, version: number) => void;
  /** Tells the pool's threshold manager that bounds or goal changed. */
  readonly notifyManager: (pool: string) => void;
  /** Whether the code configured the pool: then its first version is kept too. A pool that a request named costs nothing until it is changed. */
  readonly isConfigured: (pool: string) => boolean;
  /** Custom rules of the pool that are not asked any more. */
  readonly disabledRules: (pool: string) => ReadonlySet<string>;
  /** Lets a disabled rule be asked again from the next `publish` on. False where it is not disabled. */
  readonly enableRule: (pool: string, rule: string) => boolean;
  readonly persistPolicy: (pool: string, value: JsonValue) => void;
  /** Told of a policy that was changed at run time, in one line. */
  readonly onPolicyChanged: (pool: string, change: string) => void;
  /** A stored policy was not taken. */
  readonly onPolicySkipped: (pool: string, why: string) => void;
}

interface Pages {
  versions: readonly PolicyVersion[];
  /** Custom rules are functions, and known only of versions of this process. */
  readonly rules: Map<number, readonly CompiledRule[]>;
}

type Cause = ChangeNote & { readonly source: PolicySource; readonly restores?: number };

export class PolicyBook {
  readonly #args: PolicyBookArgs;
  readonly #pools = new Map<string, Pages>();
  /** What the store holds of pools that were not met yet; undefined until it answered: what is there must not be overwritten unread. */
  #stored: Map<string, JsonValue> | undefined = undefined;

  constructor(args: PolicyBookArgs) {
    this.#args = args;
  }

  get restored(): boolean {
    return this.#stored !== undefined;
  }

  /** Takes what is stored, for the pools there are and those to come. */
  restore(stored: readonly (readonly [pool: string, value: JsonValue])[]): void {
    this.#stored = new Map(stored);
    for (const slot of this.#args.board.slots()) this.takeUp(slot);
  }

  /** Goes on where the pool's history ends. For a pool that was met already: nothing. */
  takeUp(slot: PoolSlot): void {
    if (this.#stored === undefined) return;
    const value = this.#stored.get(slot.pool);
    const met = this.#pools.get(slot.pool);
    if (met !== undefined && value === undefined) return;
    this.#stored.delete(slot.pool);
    const kept = readStoredPolicies(value);
    if (value !== undefined && kept === undefined) {
      this.#args.onPolicySkipped(slot.pool, 'the stored policy has another form');
    }
    const last = kept?.versions.at(-1);
    if (kept === undefined || last === undefined) {
      this.#pages(slot);
      if (this.#args.isConfigured(slot.pool)) this.#persist(slot);
      return;
    }
    this.#pools.set(slot.pool, { versions: kept.versions, rules: met?.rules ?? new Map() });
    if (slot.policy.version > 1) this.#goOn(slot, last);
    else this.#startFrom(slot, last, kept.basis === slot.basis);
  }

  /** Every version that is kept, oldest first. */
  history(slot: PoolSlot): readonly PolicyVersion[] {
    return this.#pages(slot).versions;
  }

  update(slot: PoolSlot, { patch, by, why }: UpdatePolicy): PolicyOutcome {
    const config = attempt(() => parsePolicyPatch(patch, slot.config));
    if (config instanceof ConfigError) return { type: 'refused', error: config };
    return { type: 'ok', version: this.#change(slot, config, { source: 'update', by, why }) };
  }

  rollBack(slot: PoolSlot, { version, rules, by, why }: RollBackPolicy): RollBackOutcome {
    const { versions } = this.#pages(slot);
    const wanted = versions.findLast((each) => each.version === version);
    if (wanted === undefined) {
      return {
        type: 'impossible',
        reason: `version ${version} is not kept; ${versions[0]?.version} and later ones are`,
      };
    }
    const functions = rules === 'keep' ? slot.config.customRules : this.#rulesOf(slot, wanted);
    if (typeof functions === 'string') return { type: 'impossible', reason: functions };
    const config = attempt(() => configOfForm(wanted.policy, slot.config, functions));
    if (config instanceof ConfigError) return { type: 'refused', error: config };
    return { type: 'ok', version: this.#change(slot, config, { source: 'rollback', by, why, restores: version }) };
  }

  ruleDisabled(slot: PoolSlot, why: string): void {
    this.#change(slot, slot.config, { source: 'rule_disabled', by: 'pitwall', why });
  }

  enableRule(slot: PoolSlot, rule: string, { by, why }: ChangeNote): PolicyOutcome | { readonly type: 'not_disabled' } {
    if (!this.#args.enableRule(slot.pool, rule)) return { type: 'not_disabled' };
    return { type: 'ok', version: this.#change(slot, slot.config, { source: 'rule_enabled', by, why }) };
  }

  /** This run has published already: before a crash of the controller, or while the store was down. */
  #goOn(slot: PoolSlot, last: PolicyVersion): void {
    const form = this.#form(slot, slot.config);
    const changed = diffPolicies(last, form);
    if (last.version === slot.policy.version && changed.length === 0) return;
    const why = 'changed while it could not be kept';
    this.#change(slot, slot.config, { source: 'update', by: undefined, why });
  }

  #startFrom(slot: PoolSlot, last: PolicyVersion, sameCode: boolean): void {
    const taken = attempt(() => configOfForm(last.policy, slot.config, slot.config.customRules));
    const refused = taken instanceof ConfigError ? taken.message : undefined;
    const config = sameCode && !(taken instanceof ConfigError) ? taken : slot.config;
    const changed = diffPolicies(last, policyForm(config));
    if (changed.length === 0) {
      this.#args.publish(slot, config, last.version);
      this.#keepRules(slot);
      if (!sameCode) this.#persist(slot);
      return;
    }
    const why = sameCode
      ? (refused ?? 'custom rules are those of the code')
      : 'the configuration of the pool has changed';
    if (last.source !== 'configuration' && (!sameCode || refused !== undefined)) {
      this.#args.onPolicySkipped(slot.pool, refused ?? 'the configuration of the pool has changed since');
    }
    this.#change(slot, config, { source: 'configuration', by: undefined, why });
  }

  #change(slot: PoolSlot, config: PoolConfig, cause: Cause): PolicyVersion {
    const pages = this.#pages(slot);
    const last = pages.versions.at(-1);
    const number = Math.max(slot.policy.version, last?.version ?? 0) + 1;
    const setAnew = config.customRules !== slot.config.customRules;
    this.#args.publish(slot, config, number);
    this.#args.notifyManager(slot.pool);
    const form = this.#form(slot, config);
    const version: PolicyVersion = {
      ...form,
      version: number,
      atMs: this.#args.nowMs(),
      source: cause.source,
      by: noteOf(cause.by),
      why: noteOf(cause.why),
      restores: cause.restores,
      changed: last === undefined ? [] : changesOf(last, form, setAnew),
    };
    pages.versions = [...pages.versions, version].slice(-MAX_POLICY_VERSIONS);
    this.#keepRules(slot);
    this.#args.onPolicyChanged(slot.pool, describeVersion(version));
    this.#persist(slot);
    return version;
  }

  #pages(slot: PoolSlot): Pages {
    const known = this.#pools.get(slot.pool);
    if (known !== undefined) return known;
    const first: PolicyVersion = {
      ...this.#form(slot, slot.config),
      version: slot.policy.version,
      atMs: this.#args.nowMs(),
      source: 'configuration',
      by: undefined,
      why: undefined,
      restores: undefined,
      changed: [],
    };
    const pages: Pages = { versions: [first], rules: new Map() };
    this.#pools.set(slot.pool, pages);
    this.#keepRules(slot);
    return pages;
  }

  #form(slot: PoolSlot, config: PoolConfig): PolicyForm {
    return policyForm(config, this.#args.disabledRules(slot.pool));
  }

  #keepRules(slot: PoolSlot): void {
    const { rules, versions } = this.#pages(slot);
    rules.set(slot.policy.version, slot.config.customRules);
    const oldest = versions[0]?.version ?? 0;
    for (const version of rules.keys()) if (version < oldest) rules.delete(version);
  }

  /** The functions of a version's rules, or why there are none. */
  #rulesOf(slot: PoolSlot, wanted: PolicyVersion): readonly CompiledRule[] | string {
    const { rules } = this.#pages(slot);
    const own = rules.get(wanted.version);
    const others = [...rules.values()].reverse().flat();
    const found = wanted.customRules.map(
      ({ name }) => own?.find((rule) => rule.name === name) ?? others.find((rule) => rule.name === name) ?? name,
    );
    const missing = found.filter((rule) => typeof rule === 'string');
    if (missing.length > 0) {
      return `custom rules are functions, and this process does not have ${missing.join(', ')}: set them with updatePolicy, or keep those in force`;
    }
    const functions = found.filter((rule) => typeof rule !== 'string');
    const { customRules } = slot.config;
    const same =
      functions.length === customRules.length && functions.every((rule, index) => rule === customRules[index]);
    return same && this.#args.disabledRules(slot.pool).size === 0 ? customRules : Object.freeze(functions);
  }

  #persist(slot: PoolSlot): void {
    if (!this.restored) return;
    const { versions } = this.#pages(slot);
    this.#args.persistPolicy(slot.pool, storedPolicies({ basis: slot.basis, versions }));
  }
}

/** A message may come from anywhere: what is no text is none. */
function noteOf(text: unknown): string | undefined {
  return typeof text === 'string' ? text.slice(0, LONGEST_NOTE) : undefined;
}

function attempt(parse: () => PoolConfig): PoolConfig | ConfigError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Rules that were set anew under their old names are another policy all the same. */
function changesOf(last: PolicyForm, form: PolicyForm, setAnew: boolean): readonly PolicyChange[] {
  const changed = diffPolicies(last, form);
  if (!setAnew || changed.some(({ path }) => path === 'customRules')) return changed;
  const names = form.customRules.map(({ name, priority }) => ({ name, priority }));
  return names.length === 0 ? changed : [...changed, { path: 'customRules', from: names, to: names }];
}

function describeVersion({ version, source, restores, changed, by, why }: PolicyVersion): string {
  const what = restores === undefined ? changed.map(({ path }) => path).join(', ') : `back to version ${restores}`;
  return [`version ${version} (${source}): ${what}`, by && `by ${by}`, why].filter(Boolean).join('; ');
}
