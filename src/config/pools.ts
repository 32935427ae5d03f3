import { ACCEPTED_NAME, isName } from './names.ts';
import { POLICY_KEYS, readPolicy } from './policy.ts';
import type { Path, Problems } from './problems.ts';
import { isArray, type Plain, readArray, readObject } from './read.ts';
import { CONFLICT_ORDER } from './schema.ts';
import { refuseUnknownKeys } from './section.ts';
import type { PoolConfig, RuntimeConfig } from './types.ts';

/** What a pool takes over from the runtime. */
export type PoolDefaults = Pick<
  RuntimeConfig,
  | 'learningEnabled'
  | 'explorationRate'
  | 'defaultZeroCopyThreshold'
  | 'limits'
  | 'memoryPressureThreshold'
  | 'cpuPressureThreshold'
>;

/** The configuration of a pool that nobody configured. */
export function defaultPoolConfig(defaults: PoolDefaults, name: string): PoolConfig {
  return Object.freeze({
    name,
    goal: 'balanced',
    zeroCopyThreshold: defaults.defaultZeroCopyThreshold,
    limits: defaults.limits,
    learningEnabled: defaults.learningEnabled,
    explorationRate: defaults.explorationRate,
    customRules: Object.freeze([]),
    thresholdOverrides: Object.freeze([]),
    conflictOrder: CONFLICT_ORDER,
    marginalBenefit: 0.05,
    rolloutStage: 'observe',
    memoryPressureThreshold: defaults.memoryPressureThreshold,
    cpuPressureThreshold: defaults.cpuPressureThreshold,
  });
}

/** Pools as `[{ name: 'ml', … }]` or `{ ml: { … } }`, in the order given. One called `default` where there is none. */
export function readPools(
  value: unknown,
  defaults: PoolDefaults,
  limitsAreSound: boolean,
  problems: Problems,
): readonly PoolConfig[] {
  const path = ['pools'];
  const named = isArray(value) ? readList(value, path, problems) : readByName(value, path, problems);
  const pools = named.map(({ name, entries }) =>
    readPolicy(entries, defaultPoolConfig(defaults, name), [...path, name], problems, limitsAreSound),
  );
  return Object.freeze(pools.length === 0 ? [defaultPoolConfig(defaults, 'default')] : pools);
}

interface NamedPool {
  readonly name: string;
  /** Without its name. */
  readonly entries: Plain;
}

function readList(value: unknown, path: Path, problems: Problems): NamedPool[] {
  const found = new Map<string, NamedPool>();
  for (const [index, element] of (readArray(value, path, problems) ?? []).entries()) {
    const place = [...path, index];
    const pool = readObject(element, place, problems);
    if (pool === undefined) continue;
    const { name, ...entries } = pool;
    if (!isName(name)) {
      problems.expected([...place, 'name'], ACCEPTED_NAME, name);
      // Its keys can be checked all the same, so that one run tells everything.
      refuseUnknownKeys(entries, POLICY_KEYS, place, problems);
    } else if (found.has(name)) {
      problems.add([...place, 'name'], `expected a name of its own, got ${JSON.stringify(name)} again`);
    } else {
      found.set(name, { name, entries });
    }
  }
  return [...found.values()];
}

function readByName(value: unknown, path: Path, problems: Problems): NamedPool[] {
  if (value === undefined) return [];
  const found: NamedPool[] = [];
  for (const [key, element] of Object.entries(readObject(value, path, problems) ?? {})) {
    const place = [...path, key];
    if (!isName(key)) problems.expected(place, `${ACCEPTED_NAME} as key`, key);
    const pool = readObject(element, place, problems);
    if (pool === undefined) continue;
    const { name, ...entries } = pool;
    if (name !== undefined && name !== key) {
      problems.expected([...place, 'name'], `${JSON.stringify(key)} or nothing`, name);
    }
    found.push({ name: key, entries });
  }
  return found;
}
