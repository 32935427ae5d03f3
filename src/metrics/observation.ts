import type { Observation } from '../learning/types.ts';
import type { TransferRecord } from './record.ts';

const HOUR_US = 3_600_000_000;

/**
 * What learners see of a record: nothing, unless it was a success. A failure that came back fast must never teach a low latency, and
 * a transfer that its caller gave up says nothing about the lane.
 */
export function toObservation(record: TransferRecord): Observation | undefined {
  // What was built in place was not copied: it says nothing about transfers that are.
  if (record.outcome !== 'success' || record.reason === 'in_place') return undefined;
  return {
    method: record.method,
    dataSize: record.dataSize,
    dataType: record.dataType,
    format: record.format,
    compression: record.compression,
    warm: record.warm,
    systemLoad: record.systemLoad,
    availableMemory: record.availableMemory,
    inFlight: record.inFlight,
    hourOfDay: Math.floor(record.timestampUs / HOUR_US) % 24,
    latencyUs: record.latencyUs,
    cpuTimeUs: record.cpuTimeUs,
    atMs: record.timestampUs / 1000,
    propensity: record.propensity,
  };
}
