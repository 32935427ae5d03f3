/** What differs between two policies, or two configurations, key by key as a host would write them. */
import { type PolicyForm, policyForm } from './policy-form.ts';
import { renderPath } from './problems.ts';
import { runtimeFields } from './schema.ts';
import type { PoolConfig, RuntimeConfig } from './types.ts';
import { bytesToMb } from './units.ts';

/** A value of a configuration, as data. `undefined`: not there. */
export type ConfigValue = string | number | boolean | null | undefined | readonly ConfigValue[] | ConfigValues;
export interface ConfigValues {
  readonly [key: string]: ConfigValue;
}

/** One key that is not what it was. Sizes as in options: mebibytes. */
export interface PolicyChange {
  /** E.g. `goal` or `thresholdOverridesMb.tensor`. */
  readonly path: string;
  readonly from: ConfigValue;
  readonly to: ConfigValue;
}

export interface ConfigChange extends PolicyChange {
  /** `now`: can be put into force without a restart, by `updatePolicy` or the kill switch. */
  readonly takesEffect: 'now' | 'restart';
}

/** The changed keys of a policy; none where both are the same. Custom rules are compared by name and priority, in their order. */
export function diffPolicies(before: PolicyForm, after: PolicyForm): readonly PolicyChange[] {
  return diff(flatForm(before), flatForm(after));
}

/**
 * The changed keys of a configuration, pool by pool. Not compared: loggers, and what stands inside custom rules.
 *
 * @param inForce each pool's configuration as it is now, changes at run time included, by name
 */
export function diffConfigs(
  before: RuntimeConfig,
  after: RuntimeConfig,
  inForce: ReadonlyMap<string, PoolConfig>,
): readonly ConfigChange[] {
  const changes: ConfigChange[] = diff(flatRuntime(before), flatRuntime(after)).map((change) => ({
    ...change,
    takesEffect: change.path === 'enabled' ? 'now' : 'restart',
  }));
  const wanted = new Map(after.pools.map((pool) => [pool.name, pool]));
  for (const pool of after.pools) changes.push(...diffPool(pool.name, inForce.get(pool.name), pool));
  for (const pool of before.pools) {
    if (!wanted.has(pool.name)) changes.push(...diffPool(pool.name, inForce.get(pool.name) ?? pool, undefined));
  }
  return changes;
}

function diffPool(name: string, before: PoolConfig | undefined, after: PoolConfig | undefined): ConfigChange[] {
  const path = ['pools', name];
  if (before === undefined || after === undefined) {
    const [from, to] = [before && plainPool(before), after && plainPool(after)];
    return [{ path: renderPath(path), from, to, takesEffect: 'restart' }];
  }
  return diff(flatForm(policyForm(before), path), flatForm(policyForm(after), path)).map((change) => ({
    ...change,
    takesEffect: 'now',
  }));
}

type Flat = ReadonlyMap<string, ConfigValue>;

function diff(before: Flat, after: Flat): PolicyChange[] {
  const changes: PolicyChange[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(path), after.get(path)];
    if (JSON.stringify(from) !== JSON.stringify(to)) changes.push({ path, from, to });
  }
  return changes;
}

function flatForm({ policy, customRules }: PolicyForm, path: readonly string[] = []): Flat {
  const { thresholdOverridesMb, ...plain } = policy;
  const flat = new Map<string, ConfigValue>();
  for (const [key, value] of Object.entries(plain)) flat.set(renderPath([...path, key]), value);
  for (const [dataType, threshold] of Object.entries(thresholdOverridesMb ?? {})) {
    flat.set(renderPath([...path, 'thresholdOverridesMb', dataType]), threshold);
  }
  if (customRules.length > 0) {
    const named = customRules.map(({ name, priority }) => ({ name, priority }));
    flat.set(renderPath([...path, 'customRules']), named);
  }
  return flat;
}

function plainPool(pool: PoolConfig): ConfigValues {
  const { policy, customRules } = policyForm(pool);
  return { ...policy, customRules: customRules.map(({ name, priority }) => ({ name, priority })) };
}

function flatRuntime(config: RuntimeConfig): Flat {
  const own = new Map<string, unknown>(Object.entries(config));
  const sizes = new Map([
    ['defaultZeroCopyThresholdMb', config.defaultZeroCopyThreshold],
    ['minimumThresholdMb', config.limits.minimumThreshold],
    ['maximumThresholdMb', config.limits.maximumThreshold],
    ['metricsRetentionMb', config.metricsSizeLimit],
    ['sharedMemoryLimitMb', config.sharedMemoryLimit],
  ]);
  const flat = new Map<string, ConfigValue>();
  for (const key of Object.keys(runtimeFields)) {
    const bytes = sizes.get(key);
    const value = sizes.has(key) ? bytes && bytesToMb(bytes) : own.get(key);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') flat.set(key, value);
  }
  const { tracerProvider, meterProvider, maxAttributeValues } = config.telemetry;
  flat.set('telemetry.maxAttributeValues', maxAttributeValues);
  flat.set('telemetry.tracerProvider', tracerProvider && 'a TracerProvider of the host');
  flat.set('telemetry.meterProvider', meterProvider && 'a MeterProvider of the host');
  flat.set('clock', config.clock && 'a clock of the host');
  return flat;
}
