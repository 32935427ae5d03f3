/** A machine whose lanes cost exactly what it says, with log-normal scatter: what a learner must find out. */
import type { Features, Lane, Observation } from '../../src/learning/types.ts';

export { seededRandom } from '../../src/learning/random.ts';

export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface Machine {
  readonly grpc: { readonly fixedUs: number; readonly usPerByte: number };
  readonly zeroCopy: { readonly fixedUs: number; readonly usPerByte: number };
}

export const FEATURES: Features = {
  dataSize: 65_536,
  dataType: 'tensor',
  format: 'numpy',
  compression: false,
  warm: undefined,
  systemLoad: 0.5,
  availableMemory: 8e9,
  inFlight: 1,
  hourOfDay: 12,
};

export function latencyOf(machine: Machine, lane: Lane, dataSize: number): number {
  const costs = lane === 'grpc' ? machine.grpc : machine.zeroCopy;
  return costs.fixedUs + costs.usPerByte * dataSize;
}

/** Where the machine's lanes cross. */
export function trueCrossover(machine: Machine): number {
  const { grpc, zeroCopy } = machine;
  return (zeroCopy.fixedUs - grpc.fixedUs) / (grpc.usPerByte - zeroCopy.usPerByte);
}

export function observe(
  machine: Machine,
  lane: Lane,
  dataSize: number,
  random: () => number,
  options: { scatter?: number; atMs?: number; features?: Partial<Features> } = {},
): Observation {
  const latencyUs = latencyOf(machine, lane, dataSize) * Math.exp((options.scatter ?? 0.2) * normal(random));
  const atMs = options.atMs ?? 0;
  return {
    ...FEATURES,
    ...options.features,
    dataSize,
    method: lane,
    latencyUs,
    cpuTimeUs: undefined,
    atMs,
    propensity: 1,
  };
}

/** Sizes 1 KiB..16 MiB, log-uniform. */
export function randomSize(random: () => number): number {
  return Math.round(1024 * 2 ** (14 * random()));
}

export const MACHINE: Machine = {
  grpc: { fixedUs: 400, usPerByte: 4e-3 },
  zeroCopy: { fixedUs: 900, usPerByte: 8e-4 },
};

/** The same, with zero-copy crossing far lower. */
export const FASTER_MACHINE: Machine = {
  grpc: { fixedUs: 400, usPerByte: 4e-3 },
  zeroCopy: { fixedUs: 440, usPerByte: 2e-4 },
};
