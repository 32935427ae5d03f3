/**
 * What a host may configure (`RuntimeOptions`, `PoolOptions`, `PolicyPatch`) and what it means once validated (`RuntimeConfig`,
 * `PoolConfig`). Types only. Options say mebibytes where a key ends in `Mb`; validated configuration says bytes, unmarked.
 */

import type { Secret } from './secret.ts';

export type Goal = 'minimize_latency' | 'maximize_throughput' | 'minimize_memory' | 'balanced';

/** Bounds within which a pool's thresholds move, bytes. */
export interface PoolLimits {
  readonly minimumThreshold: number;
  readonly maximumThreshold: number;
}

/** What a custom rule and a threshold override may disagree about: first in the list wins. */
export type ConflictParty = 'custom_rules' | 'threshold_overrides';

/** How far a trained model may steer: not at all, where it is sure, fully. */
export type ConfiguredRolloutStage = 'observe' | 'confident' | 'adaptive';

/**
 * A rule of the host. `decide` returns a lane, or undefined to let the flow go on. It must be fast and must not write to its context;
 * a rule that throws or is slow is disabled.
 *
 * `Context` is what the rule sees; the runtime fills it in as `RuleContext`, which lies in a layer above this one.
 */
export interface CustomRule<Context = unknown> {
  /** Unique within its pool; decisions and alerts name it. */
  readonly name: string;
  /** Higher goes first; equal priorities keep their order. Default 0. */
  readonly priority?: number | undefined;
  decide(context: Context): 'zero_copy' | 'grpc' | undefined;
}

/** A pool's policy as a host writes it. What is absent comes from the runtime's own keys. */
export interface PolicyOptions<Context = unknown> {
  readonly goal?: Goal | undefined;
  readonly zeroCopyThresholdMb?: number | undefined;
  readonly minimumThresholdMb?: number | undefined;
  readonly maximumThresholdMb?: number | undefined;
  readonly learningEnabled?: boolean | undefined;
  readonly explorationRate?: number | undefined;
  readonly customRules?: readonly CustomRule<Context>[] | undefined;
  /** By data type, e.g. `{ tensor: 4 }`; wins over learned thresholds and over estimates. */
  readonly thresholdOverridesMb?: Readonly<Record<string, number>> | undefined;
  readonly conflictOrder?: readonly ConflictParty[] | undefined;
  readonly marginalBenefit?: number | undefined;
  readonly rolloutStage?: ConfiguredRolloutStage | undefined;
}

/** What `runtime.updatePolicy(pool, patch)` takes: a key that is present replaces the old value as a whole. */
export type PolicyPatch<Context = unknown> = PolicyOptions<Context>;

export interface PoolOptions<Context = unknown> extends PolicyOptions<Context> {
  readonly name: string;
}

/** Where pitwall's own messages go. `console` fits. What a logger throws is swallowed. */
export interface Logger {
  debug(message: string, attributes?: LogAttributes): void;
  info(message: string, attributes?: LogAttributes): void;
  warn(message: string, attributes?: LogAttributes): void;
  error(message: string, attributes?: LogAttributes): void;
}

export type LogAttributes = Readonly<Record<string, unknown>>;

/** The shape of `pitwall/otp`'s clock, of which a test gives a controllable twin (`createTestClock`). */
export interface ConfiguredClock {
  /** Milliseconds since the epoch, with fractions; never runs backwards. */
  now(): number;
  setTimer(run: () => void, afterMs: number): { cancel(): void; ref(): void; unref(): void };
}

/** OpenTelemetry providers of the host's own; absent ones are the global ones. Opaque here: `telemetry/` knows their types. */
export interface TelemetryOptions<TracerProvider = unknown, MeterProvider = unknown> {
  readonly tracerProvider?: TracerProvider | undefined;
  readonly meterProvider?: MeterProvider | undefined;
  /** For alerts as log records. */
  readonly loggerProvider?: object | undefined;
  /** How many values of one attribute become time series of their own; the rest are reported as `other`. */
  readonly maxAttributeValues?: number | undefined;
}

/** Where alerts are posted, as Standard Webhooks (standardwebhooks.com) says. */
export interface WebhookOptions {
  /** `https`, or `http` on loopback. */
  readonly url: string;
  /** Signs what is sent: `whsec_` and base64 of 24 to 64 random bytes. Never logged. */
  readonly secret: string;
  readonly minimumSeverity?: 'warning' | 'critical' | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxAttempts?: number | undefined;
  readonly queueCapacity?: number | undefined;
  readonly allowInsecure?: boolean | undefined;
}

export interface AlertsOptions {
  readonly webhook?: WebhookOptions | undefined;
}

/** What `startRuntime(options)` takes. Every key is optional; `docs/configuration.md` lists defaults and ranges. */
export interface RuntimeOptions<Context = unknown, TracerProvider = unknown, MeterProvider = unknown> {
  readonly enabled?: boolean | undefined;
  readonly learningEnabled?: boolean | undefined;
  readonly explorationRate?: number | undefined;
  readonly defaultZeroCopyThresholdMb?: number | undefined;
  readonly minimumThresholdMb?: number | undefined;
  readonly maximumThresholdMb?: number | undefined;
  readonly metricsRetentionHours?: number | undefined;
  readonly metricsRetentionMb?: number | undefined;
  readonly aggregationIntervalSeconds?: number | undefined;
  readonly regressionDetectionEnabled?: boolean | undefined;
  readonly regressionThresholdPercent?: number | undefined;
  readonly modelUpdateIntervalSeconds?: number | undefined;
  readonly minimumTrainingSamples?: number | undefined;
  readonly modelValidationSplit?: number | undefined;
  readonly driftDetectionEnabled?: boolean | undefined;
  readonly memoryPressureThreshold?: number | undefined;
  readonly cpuPressureThreshold?: number | undefined;
  readonly abTestingEnabled?: boolean | undefined;
  readonly abTestTrafficSplit?: number | undefined;
  /** Where LMDB keeps what was measured and learned; `false` keeps it in memory, until the process ends. */
  readonly dataDir?: string | false | undefined;
  readonly maxPools?: number | undefined;
  readonly queueCapacity?: number | undefined;
  readonly shutdownTimeoutMs?: number | undefined;
  readonly sharedMemoryDir?: string | undefined;
  readonly sharedMemoryLimitMb?: number | undefined;
  /** Pools, as a list or by name. */
  readonly pools?:
    | readonly PoolOptions<Context>[]
    | Readonly<Record<string, PolicyOptions<Context> & { readonly name?: string | undefined }>>
    | undefined;
  /** `false`: no log line at all. */
  readonly logger?: Logger | false | undefined;
  readonly clock?: ConfiguredClock | undefined;
  /** Uniform in [0, 1). */
  readonly random?: (() => number) | undefined;
  readonly telemetry?: TelemetryOptions<TracerProvider, MeterProvider> | undefined;
  readonly alerts?: AlertsOptions | undefined;
}

/** A custom rule that was checked; `decide` no longer needs its object. */
export interface CompiledRule {
  readonly name: string;
  readonly priority: number;
  readonly decide: (context: unknown) => 'zero_copy' | 'grpc' | undefined;
}

export interface ThresholdOverride {
  readonly dataType: string;
  /** Bytes. */
  readonly threshold: number;
}

/** One pool, validated: every key has its value, sizes are bytes, all of it is frozen. */
export interface PoolConfig {
  readonly name: string;
  readonly goal: Goal;
  /** Bytes; the base from which thresholds move. */
  readonly zeroCopyThreshold: number;
  readonly limits: PoolLimits;
  readonly learningEnabled: boolean;
  readonly explorationRate: number;
  /** In the order in which they are asked: by priority, highest first. */
  readonly customRules: readonly CompiledRule[];
  readonly thresholdOverrides: readonly ThresholdOverride[];
  readonly conflictOrder: readonly ConflictParty[];
  readonly marginalBenefit: number;
  readonly rolloutStage: ConfiguredRolloutStage;
  readonly memoryPressureThreshold: number;
  readonly cpuPressureThreshold: number;
}

export interface WebhookConfig {
  readonly url: string;
  readonly secret: Secret;
  readonly minimumSeverity: 'warning' | 'critical';
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly queueCapacity: number;
  readonly allowInsecure: boolean;
}

export interface AlertsConfig {
  readonly webhook: WebhookConfig | undefined;
}

/** The whole configuration, validated and frozen. */
export interface RuntimeConfig {
  readonly enabled: boolean;
  readonly learningEnabled: boolean;
  readonly explorationRate: number;
  /** Bytes. */
  readonly defaultZeroCopyThreshold: number;
  /** Of pools that say nothing else. */
  readonly limits: PoolLimits;
  readonly metricsRetentionHours: number;
  /** Bytes that the store may take. */
  readonly metricsSizeLimit: number;
  readonly aggregationIntervalSeconds: number;
  readonly regressionDetectionEnabled: boolean;
  readonly regressionThresholdPercent: number;
  readonly modelUpdateIntervalSeconds: number;
  readonly minimumTrainingSamples: number;
  readonly modelValidationSplit: number;
  readonly driftDetectionEnabled: boolean;
  readonly memoryPressureThreshold: number;
  readonly cpuPressureThreshold: number;
  readonly abTestingEnabled: boolean;
  readonly abTestTrafficSplit: number;
  /** `false`: in memory. */
  readonly dataDir: string | false;
  /** Pools that requests may create beside the configured ones. */
  readonly maxPools: number;
  /** Records that may wait to be written. */
  readonly queueCapacity: number;
  readonly shutdownTimeoutMs: number;
  readonly sharedMemoryDir: string;
  /** Bytes; undefined: as much as the machine has. */
  readonly sharedMemoryLimit: number | undefined;
  /** The configured pools in their order; one named `default` where none was configured. */
  readonly pools: readonly PoolConfig[];
  /** Never throws. */
  readonly logger: Logger;
  /** undefined: real time. */
  readonly clock: ConfiguredClock | undefined;
  readonly random: () => number;
  readonly telemetry: {
    readonly tracerProvider: object | undefined;
    readonly meterProvider: object | undefined;
    readonly loggerProvider: object | undefined;
    readonly maxAttributeValues: number;
  };
  readonly alerts: AlertsConfig;
}
