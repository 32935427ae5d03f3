/** The versions of a pool's policy: when, by whom, why, what changed. The latest 100, as they are kept in the store. */
import type { ConfigValue, PolicyChange } from '../config/diff.ts';
import type { PolicyForm, RuleName } from '../config/policy-form.ts';
import type { JsonValue } from '../learning/types.ts';

/** What made a version. `configuration`: the code, at a start of the runtime. */
export type PolicySource = 'configuration' | 'update' | 'rollback' | 'rule_disabled' | 'rule_enabled';

export interface PolicyVersion extends PolicyForm {
  readonly version: number;
  readonly atMs: number;
  readonly source: PolicySource;
  readonly by: string | undefined;
  readonly why: string | undefined;
  /** Of a rollback: the version that it brought back. */
  readonly restores: number | undefined;
  /** Against the version before; a first version has none. */
  readonly changed: readonly PolicyChange[];
}

/** Versions kept of a pool; the oldest goes first. */
export const MAX_POLICY_VERSIONS = 100;
/** Longest `by` and `why` that are kept, characters. */
export const LONGEST_NOTE = 512;

/** What is stored of a pool: which configuration of the code it belongs to, and the versions, oldest first. */
export interface StoredPolicies {
  readonly basis: string;
  readonly versions: readonly PolicyVersion[];
}

export function storedPolicies({ basis, versions }: StoredPolicies): JsonValue {
  // What is undefined has no place in JSON; `readStoredPolicies` takes what is missing as undefined.
  return JSON.parse(JSON.stringify({ basis, versions }));
}

/** undefined for what is no history. The form before there was one, the latest policy alone, is read as a history of one. */
export function readStoredPolicies(value: JsonValue | undefined): StoredPolicies | undefined {
  if (!isRecord(value) || typeof value.basis !== 'string') return undefined;
  const { basis } = value;
  if (Array.isArray(value.versions)) {
    const versions = value.versions.map(readVersion);
    return versions.every((version) => version !== undefined) && versions.length > 0 ? { basis, versions } : undefined;
  }
  const single = readVersion({ ...value, policy: value.patch ?? null, source: 'update' });
  return single && { basis, versions: [single] };
}

const SOURCES: readonly PolicySource[] = ['configuration', 'update', 'rollback', 'rule_disabled', 'rule_enabled'];

function readVersion(value: JsonValue): PolicyVersion | undefined {
  if (!isRecord(value) || !isRecord(value.policy)) return undefined;
  const { version, atMs, by, why, restores, customRules, changed } = value;
  const source = SOURCES.find((known) => known === value.source);
  if (source === undefined || typeof version !== 'number' || typeof atMs !== 'number') return undefined;
  return {
    version,
    atMs,
    source,
    by: textOf(by),
    why: textOf(why),
    restores: typeof restores === 'number' ? restores : undefined,
    changed: listOf(changed).flatMap(readChange),
    // Read by `parsePolicyPatch` before it is put into force, which refuses what is no policy.
    policy: value.policy as PolicyForm['policy'],
    customRules: listOf(customRules).flatMap(readRule),
  };
}

function readChange(value: JsonValue): PolicyChange[] {
  if (!isRecord(value) || typeof value.path !== 'string') return [];
  return [{ path: value.path, from: value.from as ConfigValue, to: value.to as ConfigValue }]; // JSON is a ConfigValue
}

function readRule(value: JsonValue): RuleName[] {
  if (!isRecord(value) || typeof value.name !== 'string' || typeof value.priority !== 'number') return [];
  return [{ name: value.name, priority: value.priority }];
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
