import type { Observation } from './types.ts';

/** Whether anything can be learned from a row: its numbers are numbers, within what a transfer may take. */
export function isLearnable(observation: Observation): boolean {
  const { latencyUs, dataSize, method, inFlight } = observation;
  return (
    (method === 'grpc' || method === 'zero_copy') &&
    latencyUs > 0 &&
    latencyUs < 1e12 &&
    dataSize >= 0 &&
    dataSize <= Number.MAX_SAFE_INTEGER &&
    inFlight >= 0 &&
    typeof observation.dataType === 'string' &&
    typeof observation.format === 'string'
  );
}
