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

const NUMBERS = [
  'latencyUs',
  'memoryUsed',
  'cpuTimeUs',
  'setupUs',
  'serializeUs',
  'transportUs',
  'workerUs',
  'cleanupUs',
] as const;

/**
 * Checks what a host reported. Reads each property once: the given object may be anything.
 * @throws InvalidArgumentError naming the field
 */
export function readMetrics(given: unknown): TransferMetrics {
  if (typeof given !== 'object' || given === null) throw new InvalidArgumentError('metrics', given, 'an object');
  const source: Readonly<Record<string, unknown>> = { ...given };
  const numbers: Partial<Record<(typeof NUMBERS)[number], number>> = {};
  for (const field of NUMBERS) {
    const value = source[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) {
      throw new InvalidArgumentError(`metrics.${field}`, value, 'a finite number >= 0');
    }
    numbers[field] = value;
  }
  const outcome = oneOf('outcome', source.outcome, ['success', 'ignored', 'failed'] as const) ?? 'success';
  if (outcome === 'success' && !(numbers.latencyUs !== undefined && numbers.latencyUs > 0)) {
    throw new InvalidArgumentError('metrics.latencyUs', source.latencyUs, 'a number > 0 for a success');
  }
  return {
    ...numbers,
    outcome,
    method: oneOf('method', source.method, ['zero_copy', 'grpc'] as const),
    warm: typeof source.warm === 'boolean' ? source.warm : undefined,
    errorCode: typeof source.errorCode === 'string' ? source.errorCode.slice(0, 64) : undefined,
  };
}

function oneOf<T extends string>(field: string, value: unknown, accepted: readonly T[]): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = accepted.find((candidate) => candidate === value);
  if (found === undefined) throw new InvalidArgumentError(`metrics.${field}`, value, accepted.join(', '));
  return found;
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
    setupUs: metrics.setupUs,
    serializeUs: metrics.serializeUs,
    transportUs: metrics.transportUs,
    workerUs: metrics.workerUs,
    cleanupUs: metrics.cleanupUs,
    errorCode: metrics.errorCode,
  };
}
