/**
 * The stored fields of a transfer record: their numbers in a block, and how to get them. Numbers are for ever: a new field takes
 * the next free one, a field that goes leaves a hole; readers skip what they do not know.
 */
import type { TransferRecord } from './record.ts';

export interface NumericField {
  readonly id: number;
  readonly name: NumericFieldName;
  readonly get: (record: TransferRecord) => number | undefined;
  /** What the value is when nothing else was measured: rows that agree cost no bytes. */
  readonly derive?: (record: TransferRecord) => number | undefined;
  /** A block in which no record has it holds no column of it. */
  readonly sparse?: boolean;
}

export type NumericFieldName =
  | 'timestampUs'
  | 'dataSize'
  | 'latencyUs'
  | 'throughputMBps'
  | 'memoryUsed'
  | 'cpuTimeUs'
  | 'decisionTimeUs'
  | 'predictedLatencyUs'
  | 'predictionError'
  | 'systemLoad'
  | 'availableMemory'
  | 'inFlight'
  | 'propensity'
  | 'policyVersion'
  | 'setupUs'
  | 'serializeUs'
  | 'transportUs'
  | 'workerUs'
  | 'cleanupUs'
  | 'compression'
  | 'warm'
  | 'explored'
  | 'fallback'
  | 'experimentSlot';

export const NUMERIC_FIELDS: readonly NumericField[] = [
  { id: 1, name: 'timestampUs', get: (r) => r.timestampUs },
  { id: 2, name: 'dataSize', get: (r) => r.dataSize },
  { id: 3, name: 'latencyUs', get: (r) => r.latencyUs },
  { id: 4, name: 'throughputMBps', get: (r) => r.throughputMBps, derive: derivedThroughput },
  { id: 5, name: 'memoryUsed', get: (r) => r.memoryUsed },
  { id: 6, name: 'cpuTimeUs', get: (r) => r.cpuTimeUs },
  { id: 7, name: 'decisionTimeUs', get: (r) => r.decisionTimeUs },
  { id: 8, name: 'predictedLatencyUs', get: (r) => r.predictedLatencyUs },
  { id: 9, name: 'predictionError', get: (r) => r.predictionError, derive: derivedError },
  { id: 10, name: 'systemLoad', get: (r) => r.systemLoad },
  { id: 11, name: 'availableMemory', get: (r) => r.availableMemory },
  { id: 12, name: 'inFlight', get: (r) => r.inFlight },
  { id: 13, name: 'propensity', get: (r) => r.propensity },
  { id: 14, name: 'policyVersion', get: (r) => r.policyVersion },
  { id: 15, name: 'setupUs', get: (r) => r.setupUs },
  { id: 16, name: 'serializeUs', get: (r) => r.serializeUs },
  { id: 17, name: 'transportUs', get: (r) => r.transportUs },
  { id: 18, name: 'workerUs', get: (r) => r.workerUs },
  { id: 19, name: 'cleanupUs', get: (r) => r.cleanupUs },
  { id: 20, name: 'compression', get: (r) => (r.compression ? 1 : 0) },
  { id: 21, name: 'warm', get: (r) => (r.warm === undefined ? undefined : r.warm ? 1 : 0) },
  { id: 22, name: 'explored', get: (r) => (r.explored ? 1 : 0) },
  { id: 23, name: 'fallback', get: (r) => (r.fallback ? 1 : 0) },
  { id: 24, name: 'experimentSlot', get: (r) => r.experimentSlot, sparse: true },
];

/** Throughput that follows from size and latency: bytes per microsecond are 10^6 bytes per second. */
export function throughputOf(dataSize: number, latencyUs: number): number {
  return latencyUs > 0 ? dataSize / latencyUs : 0;
}

/** |actual - predicted| / predicted; undefined without a prediction. */
export function predictionErrorOf(latencyUs: number, predictedLatencyUs: number | undefined): number | undefined {
  if (predictedLatencyUs === undefined || !(predictedLatencyUs > 0)) return undefined;
  return Math.abs(latencyUs - predictedLatencyUs) / predictedLatencyUs;
}

function derivedThroughput(record: TransferRecord): number {
  return throughputOf(record.dataSize, record.latencyUs);
}

function derivedError(record: TransferRecord): number | undefined {
  return predictionErrorOf(record.latencyUs, record.predictedLatencyUs);
}

export interface TextField {
  readonly id: number;
  readonly name: TextFieldName;
  readonly get: (record: TransferRecord) => string | undefined;
  /** A block in which no record has it holds no column of it. */
  readonly sparse?: boolean;
}

export type TextFieldName =
  | 'method'
  | 'outcome'
  | 'reason'
  | 'dataType'
  | 'format'
  | 'errorCode'
  | 'policyRule'
  | 'experiment'
  | 'variant';

/** Fields with few different values: stored as a dictionary and one index a row. The transfer id is number 70, on its own. */
export const TEXT_FIELDS: readonly TextField[] = [
  { id: 64, name: 'method', get: (r) => r.method },
  { id: 65, name: 'outcome', get: (r) => r.outcome },
  { id: 66, name: 'reason', get: (r) => r.reason },
  { id: 67, name: 'dataType', get: (r) => r.dataType },
  { id: 68, name: 'format', get: (r) => r.format },
  { id: 69, name: 'errorCode', get: (r) => r.errorCode },
  { id: 72, name: 'policyRule', get: (r) => r.policyRule, sparse: true },
  { id: 73, name: 'experiment', get: (r) => r.experiment, sparse: true },
  { id: 74, name: 'variant', get: (r) => r.variant, sparse: true },
];

export const TRANSFER_ID_FIELD = 70;
/** Not a field of a record: which transfer ids the block holds (id-ranges.ts). */
export const ID_RANGES_FIELD = 71;
