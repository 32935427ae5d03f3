/** From a decision and what its transfer cost to the record that is stored and learned from. */
import type { Decision } from '../decision/decision.ts';
import type { Method } from '../decision/types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { Outcome, TransferRecord } from '../metrics/record.ts';

/**
 * What a host reports of a finished transfer. `latencyUs` must be there for a success; everything else may be left out.
 */
export interface TransferMetrics {
  /** End to end, microseconds. */
  readonly latencyUs?: number | undefined;
  /** Default `success`. `ignored`: says nothing about the lane (the caller gave up, the command itself failed). */
  readonly outcome?: Outcome | undefined;
  /** The lane that was really taken, where it is not the decided one. */
  readonly method?: Method | undefined;
  readonly memoryUsed?: number | undefined;
  readonly cpuTimeUs?: number | undefined;
  readonly setupUs?: number | undefined;
  readonly serializeUs?: number | undefined;
  readonly transportUs?: number | undefined;
  readonly workerUs?: number | undefined;
  readonly cleanupUs?: number | undefined;
  readonly warm?: boolean | undefined;
  readonly errorCode?: string | undefined;
}

/** What the hot path knows beside the decision. */
export interface CompletionContext {
  readonly timestampUs: number;
  readonly decisionTimeUs: number;
  /** This record is the gRPC leg after a failed zero-copy leg. */
  readonly failedOver: boolean;
}

/**
 * Checks what a host reported. Reads each property once: the given object may be anything.
 * @throws InvalidArgumentError naming the field
 */
export function readMetrics(given: unknown): TransferMetrics {
  if (typeof given !== 'object' || given === null) throw new InvalidArgumentError('metrics', given, 'an object');
  const source: MetricsShape = given;
  const outcome = oneOf('outcome', source.outcome, OUTCOMES) ?? 'success';
  const latencyUs = amount('latencyUs', source.latencyUs);
  if (outcome === 'success' && !(latencyUs !== undefined && latencyUs > 0)) {
    throw new InvalidArgumentError('metrics.latencyUs', latencyUs, 'a number > 0 for a success');
  }
  const { warm, errorCode } = source;
  return {
    latencyUs,
    outcome,
    method: oneOf('method', source.method, METHODS),
    memoryUsed: amount('memoryUsed', source.memoryUsed),
    cpuTimeUs: amount('cpuTimeUs', source.cpuTimeUs),
    setupUs: amount('setupUs', source.setupUs),
    serializeUs: amount('serializeUs', source.serializeUs),
    transportUs: amount('transportUs', source.transportUs),
    workerUs: amount('workerUs', source.workerUs),
    cleanupUs: amount('cleanupUs', source.cleanupUs),
    warm: typeof warm === 'boolean' ? warm : undefined,
    errorCode: typeof errorCode === 'string' ? errorCode.slice(0, 64) : undefined,
  };
}

/** What is read of a report; everything is checked before it is used. */
type MetricsShape = { readonly [Key in keyof TransferMetrics]?: unknown };

const OUTCOMES = ['success', 'ignored', 'failed'] as const;
const METHODS = ['zero_copy', 'grpc'] as const;

function amount(field: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new InvalidArgumentError(`metrics.${field}`, value, 'a finite number >= 0');
}

function oneOf<T extends string>(field: string, value: unknown, accepted: readonly T[]): T | undefined {
  if (value === undefined || value === null) return undefined;
  for (const candidate of accepted) if (candidate === value) return candidate;
  throw new InvalidArgumentError(`metrics.${field}`, value, accepted.join(', '));
}

/** The record of one leg. `metrics` is what `readMetrics` accepted. */
export function toRecord(decision: Decision, metrics: TransferMetrics, context: CompletionContext): TransferRecord {
  const method = metrics.method ?? decision.method;
  const outcome = metrics.outcome ?? 'success';
  const latencyUs = metrics.latencyUs ?? 0;
  const asDecided = method === decision.method && !context.failedOver;
  const predictedLatencyUs = asDecided ? decision.predictedLatencyUs : undefined;
  const compared = outcome === 'success' && predictedLatencyUs !== undefined && predictedLatencyUs > 0;
  return {
    transferId: decision.transferId,
    timestampUs: context.timestampUs,
    pool: decision.pool ?? '',
    method,
    outcome,
    reason: decision.reason,
    dataSize: decision.dataSize,
    dataType: decision.dataType,
    format: decision.format,
    compression: decision.compression,
    latencyUs,
    // Bytes per microsecond are 10^6 bytes per second.
    throughputMBps: latencyUs > 0 ? decision.dataSize / latencyUs : 0,
    memoryUsed: metrics.memoryUsed,
    cpuTimeUs: metrics.cpuTimeUs,
    decisionTimeUs: context.decisionTimeUs,
    predictedLatencyUs,
    predictionError: compared ? Math.abs(latencyUs - predictedLatencyUs) / predictedLatencyUs : undefined,
    systemLoad: decision.systemLoad,
    availableMemory: decision.availableMemory,
    warm: method === 'zero_copy' ? (metrics.warm ?? decision.warm) : undefined,
    inFlight: decision.inFlight,
    // A lane that was not chosen by a draw has no propensity of its own: it was forced.
    propensity: asDecided ? decision.propensity : 1,
    explored: asDecided && decision.explored,
    fallback: decision.fallback || context.failedOver,
    policyVersion: decision.policyVersion,
    experiment: decision.experiment,
    variant: decision.variant,
    experimentSlot: decision.experimentSlot,
    policyRule: decision.reason === 'custom_rule' ? decision.policy.rule : undefined,
    setupUs: metrics.setupUs,
    serializeUs: metrics.serializeUs,
    transportUs: metrics.transportUs,
    workerUs: metrics.workerUs,
    cleanupUs: metrics.cleanupUs,
    errorCode: metrics.errorCode,
  };
}
