/**
 * Every key of the configuration with its default, range and meaning, one line each. The first group is the seed's configuration,
 * under its camelCase names with its defaults and units. `docs/configuration.md` is generated from what stands here.
 */
import { z } from 'zod';
import {
  choice,
  flag,
  guarded,
  number,
  optionalChoice,
  optionalFlag,
  optionalGuarded,
  optionalNumber,
  SHARE,
  THRESHOLD_MB,
} from './fields.ts';
import type { ConflictParty } from './types.ts';

const HOURS = { min: 0.01, max: 87_600 };
const SECONDS = { min: 1, max: 604_800 };

export const CONFLICT_ORDER: readonly ConflictParty[] = Object.freeze(['custom_rules', 'threshold_overrides']);

/** Keys of `startRuntime(options)` that are plain values. Pools and services are read by files of their own. */
export const runtimeFields = {
  enabled: flag(true, 'Whether pitwall decides at all. False: every decision is gRPC, reason `disabled`.'),
  learningEnabled: flag(true, 'Whether thresholds and cost models follow what is measured.'),
  explorationRate: number(SHARE, 0.05, 'Share of decisions that try the other lane to learn from it.'),
  defaultZeroCopyThresholdMb: number(
    THRESHOLD_MB,
    10,
    'Size from which zero-copy is taken where nothing is known yet, MiB.',
  ),
  minimumThresholdMb: number(
    THRESHOLD_MB,
    1,
    'Lower bound of thresholds. Smaller payloads go gRPC without analysis, until evidence says otherwise. MiB.',
  ),
  maximumThresholdMb: number(
    THRESHOLD_MB,
    1024,
    'Upper bound of thresholds. Larger payloads go zero-copy without analysis. MiB.',
  ),
  metricsRetentionHours: number(HOURS, 168, 'How long records and aggregates are kept, hours.'),
  metricsRetentionMb: number(
    { min: 4, max: 16_777_216 },
    4096,
    'Size of the store from which the oldest records go before their time, MiB. At most 64 of it without a `dataDir`.',
  ),
  aggregationIntervalSeconds: number({ min: 1, max: 3600 }, 60, 'Width of a stored aggregate, seconds.'),
  regressionDetectionEnabled: flag(true, 'Whether the analyzer looks for regressions.'),
  regressionThresholdPercent: number(
    { min: 1, max: 1000 },
    20,
    'Deviation from the baseline that is a regression, percent.',
  ),
  modelUpdateIntervalSeconds: number(SECONDS, 3600, 'Time between two trainings, seconds.'),
  minimumTrainingSamples: number(
    { min: 10, max: 10_000_000, whole: true },
    1000,
    'Records that a first training needs.',
  ),
  modelValidationSplit: number(
    { min: 0.05, max: 0.5 },
    0.2,
    'Share of records, the latest, that a model is validated on.',
  ),
  driftDetectionEnabled: flag(true, 'Whether drift is looked for and retrains.'),
  memoryPressureThreshold: number(SHARE, 0.8, 'Share of memory in use above which memory decides.'),
  cpuPressureThreshold: number(SHARE, 0.8, 'Share of cpu in use above which cpu decides.'),
  abTestingEnabled: flag(false, 'Whether experiments may run.'),
  abTestTrafficSplit: number(SHARE, 0.1, 'Share of sessions in the experimental variant.'),

  dataDir: guarded(isDataDir, {
    accepted: 'a path, or false for memory',
    standard: './pitwall-data',
    description: 'Directory of the LMDB environment. `false`: nothing is written, nothing outlives the process.',
  }),
  maxPools: number(
    { min: 0, max: 100_000, whole: true },
    256,
    'Pools that requests may create beside the configured ones.',
  ),
  queueCapacity: number(
    { min: 1, max: 10_000_000, whole: true },
    65_536,
    'Records that may wait to be written; more are dropped and counted.',
  ),
  shutdownTimeoutMs: number(
    { min: 0, max: 600_000, whole: true },
    10_000,
    'Longest that `runtime.shutdown()` takes, milliseconds.',
  ),
  sharedMemoryDir: guarded(isPath, {
    accepted: 'a path',
    standard: '/dev/shm',
    description: 'File system whose free space bounds shared memory.',
  }),
  sharedMemoryLimitMb: optionalNumber(THRESHOLD_MB, 'none', 'Most shared memory that pitwall may take, MiB.'),
};

/** Keys of a pool, and of a policy patch, that are plain values. */
export const policyFields = {
  goal: optionalChoice(
    ['minimize_latency', 'maximize_throughput', 'minimize_memory', 'balanced'],
    '`balanced`',
    'What the pool is optimized for.',
  ),
  zeroCopyThresholdMb: optionalNumber(
    THRESHOLD_MB,
    '`defaultZeroCopyThresholdMb`',
    'Base of the thresholds of the pool, MiB.',
  ),
  minimumThresholdMb: optionalNumber(
    THRESHOLD_MB,
    '`minimumThresholdMb` of the runtime',
    'Lower bound of the thresholds of the pool, MiB.',
  ),
  maximumThresholdMb: optionalNumber(
    THRESHOLD_MB,
    '`maximumThresholdMb` of the runtime',
    'Upper bound of the thresholds of the pool, MiB.',
  ),
  learningEnabled: optionalFlag('`learningEnabled` of the runtime', 'Whether the pool learns.'),
  explorationRate: optionalNumber(
    SHARE,
    '`explorationRate` of the runtime',
    'Share of decisions of the pool that explore.',
  ),
  conflictOrder: optionalGuarded(isConflictOrder, {
    accepted: 'custom_rules and threshold_overrides, each once',
    standard: `\`[${CONFLICT_ORDER.map((party) => `'${party}'`).join(', ')}]\``,
    description: 'Which wins where a custom rule and a threshold override disagree: the first.',
  }),
  marginalBenefit: optionalNumber(SHARE, '`0.05`', 'Relative gain below which the simpler lane, gRPC, is taken.'),
  rolloutStage: optionalChoice(
    ['observe', 'confident', 'adaptive'],
    '`observe`',
    'How far a trained model may steer: not at all, where it is sure, fully.',
  ),
};

export const telemetryFields = {
  tracerProvider: optionalGuarded(hasMethod('getTracer'), {
    accepted: 'an OpenTelemetry TracerProvider',
    standard: 'the global one',
    description: 'Where spans go.',
  }),
  meterProvider: optionalGuarded(hasMethod('getMeter'), {
    accepted: 'an OpenTelemetry MeterProvider',
    standard: 'the global one',
    description: 'Where metrics go.',
  }),
  loggerProvider: optionalGuarded(hasMethod('getLogger'), {
    accepted: 'an OpenTelemetry LoggerProvider',
    standard: 'the global one',
    description: 'Where alerts go as log records.',
  }),
  maxAttributeValues: number(
    { min: 1, max: 10_000, whole: true },
    100,
    'Values of one attribute that become time series of their own; the rest are `other`.',
  ),
};

/** Keys of `alerts.webhook` beside its address and its key, which `alerts.ts` reads. */
export const webhookFields = {
  minimumSeverity: choice(['warning', 'critical'], 'warning', 'Alerts below it are not sent.'),
  timeoutMs: number({ min: 10, max: 60_000, whole: true }, 5_000, 'Longest that one attempt may take, milliseconds.'),
  maxAttempts: number(
    { min: 1, max: 20, whole: true },
    8,
    'Attempts after which a message is given up. Between two lie 1 s, 2 s, 4 s, … 60 s, each times a random number in 0.5..1.',
  ),
  queueCapacity: number(
    { min: 1, max: 10_000, whole: true },
    256,
    'Messages that may wait; beyond it the oldest is dropped and counted.',
  ),
  allowInsecure: flag(false, 'Whether `http` is taken to another host than this one.'),
};

export const runtimeSchema = z.object(runtimeFields);
export const policySchema = z.object(policyFields);
export const telemetrySchema = z.object(telemetryFields);
export const webhookSchema = z.object(webhookFields);

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 4096 && !value.includes('\0');
}

function isDataDir(value: unknown): value is string | false {
  return value === false || isPath(value);
}

function isConflictOrder(value: unknown): value is ConflictParty[] {
  return (
    Array.isArray(value) &&
    value.length === CONFLICT_ORDER.length &&
    CONFLICT_ORDER.every((party) => value.includes(party))
  );
}

function hasMethod(name: string): (value: unknown) => value is object {
  return (value): value is object => {
    try {
      return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
    } catch {
      return false;
    }
  };
}
