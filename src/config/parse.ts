import { readAlerts } from './alerts.ts';
import { ConfigError } from './config-error.ts';
import { checkLimits } from './limits.ts';
import { readPolicy } from './policy.ts';
import { readPools } from './pools.ts';
import { type ConfigProblem, Problems } from './problems.ts';
import { emptyPlain, type Plain, readObject } from './read.ts';
import { runtimeFields, runtimeSchema, telemetryFields, telemetrySchema } from './schema.ts';
import { readSection, refuseUnknownKeys } from './section.ts';
import { readClock, readLogger, readRandom } from './services.ts';
import type { PolicyPatch, PoolConfig, RuntimeConfig } from './types.ts';
import { bytesToMb, mbToBytes } from './units.ts';

const RUNTIME_KEYS: readonly string[] = [
  ...Object.keys(runtimeFields),
  'pools',
  'logger',
  'clock',
  'random',
  'telemetry',
  'alerts',
];

/**
 * Validates what was given to `startRuntime(options)`. The result is frozen and complete; sizes are bytes.
 *
 * @param input any value at all; undefined is the empty configuration
 * @throws {ConfigError} `PITWALL_INVALID_CONFIG`, listing every problem; nothing else, whatever `input` is
 */
export function parseConfig(input: unknown): RuntimeConfig {
  const problems = new Problems();
  const config = readConfig(input, problems);
  if (problems.list.length > 0) throw new ConfigError('PITWALL_INVALID_CONFIG', problems.list);
  return config;
}

/** Dry run of `parseConfig`: what would be refused, without throwing. */
export function validateConfig(input: unknown): { readonly ok: boolean; readonly problems: readonly ConfigProblem[] } {
  const problems = new Problems();
  readConfig(input, problems);
  return { ok: problems.list.length === 0, problems: problems.list };
}

/** `parseConfig` that answers instead of throwing: the whole configuration, or every problem. */
export function checkConfig(
  input: unknown,
):
  | { readonly ok: true; readonly config: RuntimeConfig }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] } {
  const problems = new Problems();
  const config = readConfig(input, problems);
  return problems.list.length > 0 ? { ok: false, problems: problems.list } : { ok: true, config };
}

/**
 * The pool that results from a policy patch. Keys that are present replace the old value as a whole; an empty patch changes nothing.
 *
 * @throws {ConfigError} `PITWALL_INVALID_POLICY`, listing every problem; nothing else, whatever `patch` is
 */
export function parsePolicyPatch(patch: unknown, current: PoolConfig): PoolConfig {
  const problems = new Problems();
  const path = ['pools', current.name];
  const entries = readObject(patch, path, problems);
  const changed = entries === undefined ? current : readPolicy(entries, current, path, problems);
  if (problems.list.length > 0) throw new ConfigError('PITWALL_INVALID_POLICY', problems.list);
  return changed;
}

/**
 * A pool's policy as the patch that `parsePolicyPatch` reads back to the same, as plain data that can be stored. Custom rules are
 * functions and stay out: they come from code at every start.
 */
export function toPolicyPatch(pool: PoolConfig): Omit<PolicyPatch, 'customRules'> {
  const thresholdOverridesMb = emptyPlain() as Record<string, number>; // filled with numbers only, below
  for (const { dataType, threshold } of pool.thresholdOverrides) thresholdOverridesMb[dataType] = bytesToMb(threshold);
  return {
    goal: pool.goal,
    zeroCopyThresholdMb: bytesToMb(pool.zeroCopyThreshold),
    minimumThresholdMb: bytesToMb(pool.limits.minimumThreshold),
    maximumThresholdMb: bytesToMb(pool.limits.maximumThreshold),
    learningEnabled: pool.learningEnabled,
    explorationRate: pool.explorationRate,
    thresholdOverridesMb,
    conflictOrder: pool.conflictOrder,
    marginalBenefit: pool.marginalBenefit,
    rolloutStage: pool.rolloutStage,
  };
}

function readConfig(input: unknown, problems: Problems): RuntimeConfig {
  const entries: Plain = (input === undefined ? undefined : readObject(input, [], problems)) ?? emptyPlain();
  refuseUnknownKeys(entries, RUNTIME_KEYS, [], problems);
  const { pools, logger, clock, random, telemetry, alerts, ...plain } = entries;
  const { value, refused } = readSection(runtimeSchema, plain, [], problems);
  const {
    defaultZeroCopyThresholdMb,
    minimumThresholdMb,
    maximumThresholdMb,
    sharedMemoryLimitMb,
    metricsRetentionMb,
    ...same
  } = value;
  const thresholds = { defaultZeroCopyThresholdMb, minimumThresholdMb, maximumThresholdMb };
  const limitsAreSound = checkRuntimeLimits(thresholds, plain, refused, problems);
  const settings = {
    ...same,
    defaultZeroCopyThreshold: mbToBytes(defaultZeroCopyThresholdMb),
    limits: Object.freeze({
      minimumThreshold: mbToBytes(minimumThresholdMb),
      maximumThreshold: mbToBytes(maximumThresholdMb),
    }),
    metricsSizeLimit: mbToBytes(metricsRetentionMb),
    sharedMemoryLimit: sharedMemoryLimitMb === undefined ? undefined : mbToBytes(sharedMemoryLimitMb),
  };
  return Object.freeze({
    ...settings,
    pools: readPools(pools, settings, limitsAreSound, problems),
    logger: readLogger(logger, ['logger'], problems),
    clock: readClock(clock, ['clock'], problems),
    random: readRandom(random, ['random'], problems),
    telemetry: readTelemetry(telemetry, problems),
    alerts: readAlerts(alerts, problems),
  });
}

/** True where the bounds that pools inherit can be relied on. */
function checkRuntimeLimits(
  thresholds: Readonly<Record<'defaultZeroCopyThresholdMb' | 'minimumThresholdMb' | 'maximumThresholdMb', number>>,
  given: Plain,
  refused: ReadonlySet<string>,
  problems: Problems,
): boolean {
  const keys = Object.keys(thresholds);
  if (keys.some((key) => refused.has(key))) return false;
  const before = problems.list.length;
  checkLimits(
    thresholds,
    'defaultZeroCopyThresholdMb',
    keys.filter((key) => key in given),
    [],
    problems,
  );
  return problems.list.length === before;
}

function readTelemetry(value: unknown, problems: Problems): RuntimeConfig['telemetry'] {
  const path = ['telemetry'];
  const entries: Plain = (value === undefined ? undefined : readObject(value, path, problems)) ?? emptyPlain();
  refuseUnknownKeys(entries, Object.keys(telemetryFields), path, problems);
  const section = readSection(telemetrySchema, entries, path, problems).value;
  return Object.freeze({
    tracerProvider: section.tracerProvider,
    meterProvider: section.meterProvider,
    loggerProvider: section.loggerProvider,
    maxAttributeValues: section.maxAttributeValues,
  });
}
