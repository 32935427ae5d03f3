/** From a block back to records, checked as they were when written. */
import type { DecisionReason, Method } from '../decision/types.ts';
import type { BlockView } from './block-codec.ts';
import { corrupt } from './byte-buffer.ts';
import type { TextColumn } from './column-codec.ts';
import type { Outcome, TransferRecord } from './record.ts';
import type { NumericFieldName, TextFieldName } from './record-fields.ts';

/** The record in a row of a block. Throws PITWALL_STORE_CORRUPT for one that cannot be. */
export function recordsOf(block: BlockView): (row: number) => TransferRecord {
  const ids = block.transferIds();
  const get = gettersOf(block);
  return (row) => {
    const warm = get.warm(row);
    return {
      transferId: ids[row] ?? '',
      timestampUs: get.timestampUs(row),
      pool: block.pool,
      method: asMethod(get.method(row)),
      outcome: asOutcome(get.outcome(row)),
      // Reasons are an open set across versions: a newer writer's reason is shown as it is.
      reason: (get.reason(row) ?? 'decision_failed') as DecisionReason,
      dataSize: get.dataSize(row),
      dataType: get.dataType(row) ?? '',
      format: get.format(row) ?? '',
      compression: get.compression(row) === 1,
      latencyUs: get.latencyUs(row),
      throughputMBps: get.throughputMBps(row),
      memoryUsed: get.memoryUsed(row),
      cpuTimeUs: get.cpuTimeUs(row),
      decisionTimeUs: get.decisionTimeUs(row),
      predictedLatencyUs: get.predictedLatencyUs(row),
      predictionError: get.predictionError(row),
      systemLoad: get.systemLoad(row),
      availableMemory: get.availableMemory(row),
      warm: warm === undefined ? undefined : warm === 1,
      inFlight: get.inFlight(row),
      propensity: get.propensity(row),
      explored: get.explored(row) === 1,
      fallback: get.fallback(row) === 1,
      policyVersion: get.policyVersion(row),
      setupUs: get.setupUs(row),
      serializeUs: get.serializeUs(row),
      transportUs: get.transportUs(row),
      workerUs: get.workerUs(row),
      cleanupUs: get.cleanupUs(row),
      errorCode: get.errorCode(row),
      policyRule: get.policyRule(row),
      experiment: get.experiment(row),
      variant: get.variant(row),
      experimentSlot: get.experimentSlot(row),
    };
  };
}

/** One getter a field, each over its decoded column. */
function gettersOf(block: BlockView) {
  const text = (name: TextFieldName) => textGetter(block.texts(name));
  const required = (name: NumericFieldName) => requiredGetter(block.numbers(name));
  const optional = (name: NumericFieldName) => optionalGetter(block.numbers(name));
  return {
    timestampUs: required('timestampUs'),
    method: text('method'),
    outcome: text('outcome'),
    reason: text('reason'),
    dataSize: required('dataSize'),
    dataType: text('dataType'),
    format: text('format'),
    compression: required('compression'),
    latencyUs: required('latencyUs'),
    throughputMBps: required('throughputMBps'),
    memoryUsed: optional('memoryUsed'),
    cpuTimeUs: optional('cpuTimeUs'),
    decisionTimeUs: required('decisionTimeUs'),
    predictedLatencyUs: optional('predictedLatencyUs'),
    predictionError: optional('predictionError'),
    systemLoad: optional('systemLoad'),
    availableMemory: optional('availableMemory'),
    warm: optional('warm'),
    inFlight: required('inFlight'),
    propensity: required('propensity'),
    explored: required('explored'),
    fallback: required('fallback'),
    policyVersion: required('policyVersion'),
    setupUs: optional('setupUs'),
    serializeUs: optional('serializeUs'),
    transportUs: optional('transportUs'),
    workerUs: optional('workerUs'),
    cleanupUs: optional('cleanupUs'),
    errorCode: text('errorCode'),
    policyRule: text('policyRule'),
    experiment: text('experiment'),
    variant: text('variant'),
    experimentSlot: optional('experimentSlot'),
  };
}

function textGetter({ dictionary, indices }: TextColumn): (row: number) => string | undefined {
  return (row) => dictionary[indices[row] ?? 0];
}

function requiredGetter(values: Float64Array): (row: number) => number {
  return (row) => {
    const value = values[row];
    if (value === undefined || !(value >= 0)) throw corrupt('a record lacks a required figure');
    return value;
  };
}

function optionalGetter(values: Float64Array): (row: number) => number | undefined {
  return (row) => {
    const value = values[row];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  };
}

export function asMethod(text: string | undefined): Method {
  if (text === 'zero_copy' || text === 'grpc') return text;
  throw corrupt('a record names a lane that does not exist');
}

function asOutcome(text: string | undefined): Outcome {
  if (text === 'success' || text === 'ignored' || text === 'failed') return text;
  throw corrupt('a record has an outcome that does not exist');
}
