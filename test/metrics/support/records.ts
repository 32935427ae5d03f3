/** Records as transfers make them, from a seed. */
import type { TransferRecord } from '../../../src/metrics/record.ts';

/** A small seeded generator (mulberry32), 0..1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const START_US = 1_760_000_000_000_000;

export function record(overrides: Partial<TransferRecord> = {}): TransferRecord {
  const dataSize = overrides.dataSize ?? 65_536;
  const latencyUs = overrides.latencyUs ?? 840.5;
  return {
    transferId: 'mgk2x0aabcde-1',
    timestampUs: START_US,
    pool: 'ml',
    method: 'grpc',
    outcome: 'success',
    reason: 'cost_model',
    dataSize,
    dataType: 'tensor',
    format: 'numpy',
    compression: false,
    latencyUs,
    throughputMBps: latencyUs > 0 ? dataSize / latencyUs : 0,
    memoryUsed: undefined,
    cpuTimeUs: 120,
    decisionTimeUs: 1.25,
    predictedLatencyUs: 800,
    predictionError: Math.abs(latencyUs - 800) / 800,
    systemLoad: 0.25,
    availableMemory: 8_589_934_592,
    warm: undefined,
    inFlight: 1,
    propensity: 0.95,
    explored: false,
    fallback: false,
    policyVersion: 1,
    setupUs: undefined,
    serializeUs: 90,
    transportUs: 700,
    workerUs: 40,
    cleanupUs: undefined,
    errorCode: undefined,
    ...overrides,
  };
}

const TYPES = [
  ['tensor', 'numpy'],
  ['dataframe', 'arrow'],
  ['json', 'json'],
  ['binary', 'raw'],
] as const;

export interface TrafficOptions {
  readonly count: number;
  readonly seed?: number;
  readonly pool?: string;
  readonly fromUs?: number;
  /** Microseconds between two transfers; default 1 000. */
  readonly everyUs?: number;
  /** Origin of the ids, as a runtime's. */
  readonly origin?: string;
  readonly firstSequence?: number;
}

/** Mixed traffic: log-uniform sizes, both lanes, some failures, ids as a runtime makes them. */
export function traffic(options: TrafficOptions): TransferRecord[] {
  const random = seeded(options.seed ?? 1);
  const records: TransferRecord[] = [];
  for (let index = 0; index < options.count; index += 1) {
    const dataSize = Math.round(1024 * 2 ** (random() * 16));
    const zeroCopy = random() < 0.5;
    const [dataType, format] = TYPES[Math.floor(random() * TYPES.length)] ?? TYPES[0];
    const latencyUs =
      Math.round((zeroCopy ? 250 + dataSize / 8000 : 120 + dataSize / 900) * (0.8 + random() * 0.6) * 10) / 10;
    const predicted = Math.round(latencyUs * (0.9 + random() * 0.2));
    const failed = random() < 0.01;
    records.push(
      record({
        transferId: `${options.origin ?? 'mgk2x0aabcde'}-${((options.firstSequence ?? 1) + index).toString(36)}`,
        timestampUs: (options.fromUs ?? START_US) + Math.floor(index * (options.everyUs ?? 1000)),
        pool: options.pool ?? 'ml',
        method: zeroCopy ? 'zero_copy' : 'grpc',
        outcome: failed ? 'failed' : 'success',
        errorCode: failed ? 'PITWALL_WORKER_LOST' : undefined,
        dataSize,
        dataType,
        format,
        latencyUs,
        throughputMBps: dataSize / latencyUs,
        cpuTimeUs: Math.round(random() * 5000),
        decisionTimeUs: Math.round(random() * 40) / 10,
        predictedLatencyUs: predicted,
        predictionError: Math.abs(latencyUs - predicted) / predicted,
        systemLoad: Math.round(random() * 100) / 100,
        warm: zeroCopy ? random() < 0.7 : undefined,
        setupUs: zeroCopy ? Math.round(random() * 50) : undefined,
        serializeUs: zeroCopy ? undefined : Math.round(latencyUs * 0.4),
        explored: random() < 0.05,
      }),
    );
  }
  return records;
}
