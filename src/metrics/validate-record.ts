/** Records are checked before they are written and again after they are read. */
import { InvalidArgumentError } from '../errors.ts';
import type { TransferRecord } from './record.ts';

/** Longest strings a record may carry, UTF-16 units. */
export const MAX_POOL_LENGTH = 4096;
export const MAX_NAME_LENGTH = 256;

/** Throws InvalidArgumentError with the first field that is not as it must be. */
export function validateRecord(record: TransferRecord): void {
  if (typeof record !== 'object' || record === null)
    throw new InvalidArgumentError('record', record, 'a transfer record');
  name('transferId', record.transferId, MAX_NAME_LENGTH);
  name('pool', record.pool, MAX_POOL_LENGTH);
  name('dataType', record.dataType, MAX_NAME_LENGTH);
  name('format', record.format, MAX_NAME_LENGTH);
  name('reason', record.reason, MAX_NAME_LENGTH);
  if (record.method !== 'zero_copy' && record.method !== 'grpc') {
    throw new InvalidArgumentError('method', record.method, "'zero_copy' or 'grpc'");
  }
  if (record.outcome !== 'success' && record.outcome !== 'ignored' && record.outcome !== 'failed') {
    throw new InvalidArgumentError('outcome', record.outcome, "'success', 'ignored' or 'failed'");
  }
  if (!Number.isSafeInteger(record.timestampUs) || record.timestampUs < 0) {
    throw new InvalidArgumentError('timestampUs', record.timestampUs, 'Unix microseconds, an integer in 0..2^53-1');
  }
  amount('dataSize', record.dataSize);
  amount('latencyUs', record.latencyUs);
  amount('throughputMBps', record.throughputMBps);
  amount('decisionTimeUs', record.decisionTimeUs);
  amount('inFlight', record.inFlight);
  amount('propensity', record.propensity);
  amount('policyVersion', record.policyVersion);
  optionalAmount('memoryUsed', record.memoryUsed);
  optionalAmount('cpuTimeUs', record.cpuTimeUs);
  optionalAmount('predictedLatencyUs', record.predictedLatencyUs);
  optionalAmount('predictionError', record.predictionError);
  optionalAmount('systemLoad', record.systemLoad);
  optionalAmount('availableMemory', record.availableMemory);
  optionalAmount('setupUs', record.setupUs);
  optionalAmount('serializeUs', record.serializeUs);
  optionalAmount('transportUs', record.transportUs);
  optionalAmount('workerUs', record.workerUs);
  optionalAmount('cleanupUs', record.cleanupUs);
  flag('compression', record.compression);
  flag('explored', record.explored);
  flag('fallback', record.fallback);
  if (record.warm !== undefined) flag('warm', record.warm);
  if (record.errorCode !== undefined) name('errorCode', record.errorCode, MAX_NAME_LENGTH);
  if (record.experiment !== undefined) name('experiment', record.experiment, MAX_NAME_LENGTH);
  if (record.variant !== undefined) name('variant', record.variant, MAX_NAME_LENGTH);
  optionalAmount('experimentSlot', record.experimentSlot);
  if (record.policyRule !== undefined) name('policyRule', record.policyRule, MAX_NAME_LENGTH);
}

function name(field: string, value: unknown, maxLength: number): void {
  if (typeof value !== 'string' || value.length > maxLength) {
    throw new InvalidArgumentError(field, value, `a string of at most ${maxLength} characters`);
  }
}

function amount(field: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= Number.MAX_VALUE)) {
    throw new InvalidArgumentError(field, value, 'a finite number >= 0');
  }
}

function optionalAmount(field: string, value: unknown): void {
  if (value !== undefined) amount(field, value);
}

function flag(field: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new InvalidArgumentError(field, value, 'true or false');
}
