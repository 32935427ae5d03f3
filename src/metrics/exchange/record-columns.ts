/** The fields of a record as columns of an exchange file: name and type. */
import { PitwallError } from '../../errors.ts';
import type { TransferRecord } from '../record.ts';
import { validateRecord } from '../validate-record.ts';

export type ColumnType = 'string' | 'number' | 'boolean';

/** In the order in which files hold them. */
export const RECORD_COLUMNS: readonly (readonly [name: keyof TransferRecord, type: ColumnType])[] = [
  ['transferId', 'string'],
  ['timestampUs', 'number'],
  ['pool', 'string'],
  ['method', 'string'],
  ['outcome', 'string'],
  ['reason', 'string'],
  ['dataSize', 'number'],
  ['dataType', 'string'],
  ['format', 'string'],
  ['compression', 'boolean'],
  ['latencyUs', 'number'],
  ['throughputMBps', 'number'],
  ['memoryUsed', 'number'],
  ['cpuTimeUs', 'number'],
  ['decisionTimeUs', 'number'],
  ['predictedLatencyUs', 'number'],
  ['predictionError', 'number'],
  ['systemLoad', 'number'],
  ['availableMemory', 'number'],
  ['warm', 'boolean'],
  ['inFlight', 'number'],
  ['propensity', 'number'],
  ['explored', 'boolean'],
  ['fallback', 'boolean'],
  ['policyVersion', 'number'],
  ['setupUs', 'number'],
  ['serializeUs', 'number'],
  ['transportUs', 'number'],
  ['workerUs', 'number'],
  ['cleanupUs', 'number'],
  ['errorCode', 'string'],
  ['policyRule', 'string'],
  ['experiment', 'string'],
  ['variant', 'string'],
  ['experimentSlot', 'number'],
];

/** A record out of named values; missing ones and nulls are undefined. Throws InvalidArgumentError where it is none. */
export function recordFrom(value: (name: string) => unknown): TransferRecord {
  const fields: Partial<Record<keyof TransferRecord, unknown>> = {};
  for (const [name] of RECORD_COLUMNS) fields[name] = value(name) ?? undefined;
  const record = fields as unknown as TransferRecord; // checked field by field on the next line
  validateRecord(record);
  return record;
}

export function notAnExport(detail: string): PitwallError {
  return new PitwallError('PITWALL_IMPORT_INVALID', `This is no export of pitwall: ${detail}.`);
}
