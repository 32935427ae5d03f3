/** A machine on paper: what each lane costs by size, as a learner would have learned it, and a pool that decides by it. */
import type { Goal } from '../../src/config/types.ts';
import { newSlots } from '../../src/decision/experiment.ts';
import type {
  ExperimentSnapshot,
  ExperimentVariant,
  PolicySnapshot,
  PoolSnapshot,
  ResourceSnapshot,
  TransferRequest,
} from '../../src/decision/types.ts';
import type { CostModelSnapshot, Features, LatencyEstimate } from '../../src/learning/types.ts';

export const KIB = 1024;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const NOW_MS = 1_790_000_000_000;

export interface Lane {
  readonly overheadUs: number;
  readonly usPerByte: number;
  /** Mean over median. Default 1. */
  readonly scatter?: number;
  /** How much longer it takes at full load, as a share. Default 0. */
  readonly underLoad?: number;
}

export interface Machine {
  readonly grpc: Lane;
  readonly warm: Lane;
  readonly cold: Lane;
  readonly samples?: number;
  readonly standardError?: number;
}

/** The lanes cross at 100 000 bytes into warm memory, at 1 000 000 into cold. */
export const MACHINE: Machine = {
  grpc: { overheadUs: 600, usPerByte: 0.004 },
  warm: { overheadUs: 900, usPerByte: 0.001 },
  cold: { overheadUs: 3_600, usPerByte: 0.001 },
};

export function costModel(machine: Machine): CostModelSnapshot {
  const { samples = 100, standardError = 0.01 } = machine;
  const laneOf = (method: 'zero_copy' | 'grpc', features: Features): Lane => {
    if (method === 'grpc') return machine.grpc;
    return features.warm === false ? machine.cold : machine.warm;
  };
  return {
    estimate(method, features): LatencyEstimate {
      const lane = laneOf(method, features);
      const latencyUs = latencyOf(lane, features.dataSize, features.systemLoad);
      return {
        latencyUs,
        meanLatencyUs: latencyUs * (lane.scatter ?? 1),
        standardError,
        intervalUs: [latencyUs / 2, latencyUs * 2],
        effectiveSamples: samples,
      };
    },
    crossover(features) {
      const lane = laneOf('zero_copy', features);
      return (lane.overheadUs - machine.grpc.overheadUs) / (machine.grpc.usPerByte - lane.usPerByte);
    },
  };
}

export function latencyOf(lane: Lane, size: number, systemLoad = 0): number {
  return (lane.overheadUs + lane.usPerByte * size) * (1 + (lane.underLoad ?? 0) * systemLoad);
}

export function policy(overrides: Partial<PolicySnapshot> = {}): PolicySnapshot {
  return {
    version: 1,
    goal: 'minimize_latency',
    rules: [],
    thresholdOverrides: new Map(),
    conflictOrder: ['custom_rules', 'threshold_overrides'],
    learningEnabled: true,
    explorationRate: 0,
    marginalBenefit: 0,
    memoryPressureThreshold: 0.8,
    cpuPressureThreshold: 0.8,
    ...overrides,
  };
}

export function pool(overrides: Partial<PoolSnapshot> & { readonly goal?: Goal } = {}): PoolSnapshot {
  const { goal, ...rest } = overrides;
  return {
    pool: 'ml',
    mode: 'enabled',
    limits: { minimumThreshold: KIB, maximumThreshold: GIB },
    policy: policy(goal ? { goal } : {}),
    thresholds: {
      default: { base: 10 * MIB, adjustmentFactor: 1, resourceFactor: 1, final: 10 * MIB },
      byDataType: new Map(),
      quickPathMinimum: KIB,
    },
    costModel: costModel(MACHINE),
    model: undefined,
    rolloutStage: 'observe',
    experiment: undefined,
    transport: { zeroCopyReady: true, reason: undefined, warmBytes: 4 * GIB, roomBytes: 4 * GIB },
    breaker: 'closed',
    inFlight: 0,
    ...rest,
  };
}

export function experiment(
  variants: readonly ExperimentVariant[],
  scope: Partial<ExperimentSnapshot['scope']> = {},
): ExperimentSnapshot {
  return {
    id: 'e',
    salt: 1,
    slots: newSlots(variants.map(({ share }) => share)),
    variants,
    scope: { minimumSize: 0, maximumSize: Number.POSITIVE_INFINITY, dataTypes: undefined, ...scope },
  };
}

export function request(overrides: Partial<TransferRequest> = {}): TransferRequest {
  return {
    pool: 'ml',
    dataSize: 5 * MIB,
    dataType: 'tensor',
    format: 'numpy',
    compression: false,
    sessionId: undefined,
    attributes: undefined,
    ...overrides,
  };
}

export function resources(overrides: Partial<ResourceSnapshot> = {}): ResourceSnapshot {
  return {
    atMs: NOW_MS,
    systemLoad: 0.3,
    memoryLoad: 0.3,
    availableMemory: 8 * GIB,
    sharedMemoryRoom: 8 * GIB,
    eventLoopDelayUs: 100,
    ...overrides,
  };
}
