/**
 * The machine card: what `pitwall doctor` measured of a machine, as it is stored and read again. Pure: who measures is `doctor/`, what a cost model
 * makes of it `card-prior.ts`.
 *
 * Times in microseconds, sizes in bytes, rates in 10^6 bytes per second.
 */
import { describeValue, PitwallError } from '../errors.ts';
import type { JsonValue } from './types.ts';

/** What a card is good for: another machine, or another line of Node, has other costs. Nothing in it is a secret. */
export interface MachineFingerprint {
  readonly platform: string;
  readonly arch: string;
  readonly cpuModel: string;
  readonly cpuCount: number;
  /** Rounded to 256 MiB: what the kernel keeps for itself varies from boot to boot. */
  readonly memoryBytes: number;
  readonly nodeMajor: number;
}

/** A lane's latency over size: `fixedUs + usPerByte * size`. */
export interface LaneLine {
  readonly fixedUs: number;
  readonly usPerByte: number;
  /** Transfers that the line rests on. */
  readonly transfers: number;
}

export interface GrpcFigures extends LaneLine {
  /** Latency of a transfer of 1 KiB. */
  readonly roundTripUs: number;
  /** Compressed transfers; null: not measured. */
  readonly gzip: LaneLine | null;
}

export interface ZeroCopyFigures extends LaneLine {
  /** How the memory is shared. */
  readonly memoryLane: 'memfd' | 'file' | 'copy';
  readonly roundTripUs: number;
  /** What is added where pages are made for the transfer; null: not measured. */
  readonly cold: LaneLine | null;
}

/** One size of message through plain gRPC, by flow-control window. */
export interface WindowFigures {
  readonly bytes: number;
  readonly defaultMBps: number;
  readonly tunedMBps: number;
}

export interface MemoryFigures {
  /** Making a MiB of shared memory usable: allocation, page faults, the first write beyond a later one. */
  readonly faultUsPerMiB: number;
  readonly faultMBps: number;
  /** Copying into shared memory that is warm. */
  readonly copyMBps: number;
}

export interface MachineCard {
  readonly version: 1;
  readonly machine: MachineFingerprint;
  /** Milliseconds since the epoch. */
  readonly measuredAtMs: number;
  readonly tookMs: number;
  /** Busy share of all cores meanwhile, the measuring included; null: not known. */
  readonly systemLoad: number | null;
  /** Null: there is no shared memory here. */
  readonly memory: MemoryFigures | null;
  readonly windows: readonly WindowFigures[];
  readonly grpc: GrpcFigures;
  /** Null: the lane does not work here. */
  readonly zeroCopy: ZeroCopyFigures | null;
  /** Documents encoded and read by either lane, per byte; null: not measured. */
  readonly jsonUsPerByte: number | null;
}

export const CARD_VERSION = 1;

/** Under what a card is stored: `linux-x64, 8 x AMD EPYC 7B13, 32.00 GiB, node 22`. */
export function fingerprintText(machine: MachineFingerprint): string {
  const { platform, arch, cpuModel, cpuCount, memoryBytes, nodeMajor } = machine;
  return `${platform}-${arch}, ${cpuCount} x ${cpuModel}, ${(memoryBytes / 2 ** 30).toFixed(2)} GiB, node ${nodeMajor}`;
}

export function isSameMachine(one: MachineFingerprint, other: MachineFingerprint): boolean {
  return fingerprintText(one) === fingerprintText(other);
}

/** A card as a store takes it. */
export function cardJson(card: MachineCard): JsonValue {
  return JSON.parse(JSON.stringify(card));
}

/**
 * The card that stored JSON describes.
 * @throws PitwallError `PITWALL_MACHINE_CARD_INVALID` naming the field, the value and what is accepted
 */
export function checkedCard(value: unknown): MachineCard {
  const card = objectIn('card', value);
  if (card.version !== CARD_VERSION) throw invalid('version', card.version, `${CARD_VERSION}`);
  const windows = card.windows;
  if (!Array.isArray(windows) || windows.length > MAX_WINDOWS) {
    throw invalid('windows', windows, `a list of at most ${MAX_WINDOWS}`);
  }
  return {
    version: CARD_VERSION,
    machine: checkedMachine(card.machine),
    measuredAtMs: numberIn('measuredAtMs', card.measuredAtMs, 0, Number.MAX_SAFE_INTEGER),
    tookMs: numberIn('tookMs', card.tookMs, 0, MAX_TOOK_MS),
    systemLoad: orNull(card.systemLoad, (load) => numberIn('systemLoad', load, 0, 1)),
    memory: orNull(card.memory, checkedMemory),
    windows: windows.map((entry, index) => checkedWindow(`windows[${index}]`, entry)),
    grpc: checkedGrpc(card.grpc),
    zeroCopy: orNull(card.zeroCopy, checkedZeroCopy),
    jsonUsPerByte: orNull(card.jsonUsPerByte, (us) => numberIn('jsonUsPerByte', us, LEAST_PER_BYTE, MOST_PER_BYTE)),
  };
}

const MAX_WINDOWS = 16;
const MAX_TOOK_MS = 86_400_000;
const MAX_NAME = 256;
/** A nanosecond, and ten seconds. */
const LEAST_FIXED = 1e-3;
const MOST_FIXED = 1e7;
/** 10^9 MB/s, and 1 kB/s. */
const LEAST_PER_BYTE = 1e-9;
const MOST_PER_BYTE = 1e3;
const MOST_MBPS = 1e9;
const MEMORY_LANES = ['memfd', 'file', 'copy'] as const;

function checkedMachine(value: unknown): MachineFingerprint {
  const machine = objectIn('machine', value);
  return {
    platform: textIn('machine.platform', machine.platform),
    arch: textIn('machine.arch', machine.arch),
    cpuModel: textIn('machine.cpuModel', machine.cpuModel),
    cpuCount: numberIn('machine.cpuCount', machine.cpuCount, 0, 1e6),
    memoryBytes: numberIn('machine.memoryBytes', machine.memoryBytes, 0, Number.MAX_SAFE_INTEGER),
    nodeMajor: numberIn('machine.nodeMajor', machine.nodeMajor, 0, 1e4),
  };
}

function checkedMemory(value: unknown): MemoryFigures {
  const memory = objectIn('memory', value);
  return {
    faultUsPerMiB: numberIn('memory.faultUsPerMiB', memory.faultUsPerMiB, 0, 1e9),
    faultMBps: numberIn('memory.faultMBps', memory.faultMBps, 0, MOST_MBPS),
    copyMBps: numberIn('memory.copyMBps', memory.copyMBps, 0, MOST_MBPS),
  };
}

function checkedWindow(field: string, value: unknown): WindowFigures {
  const { bytes, defaultMBps, tunedMBps } = objectIn(field, value);
  return {
    bytes: numberIn(`${field}.bytes`, bytes, 0, Number.MAX_SAFE_INTEGER),
    defaultMBps: numberIn(`${field}.defaultMBps`, defaultMBps, 0, MOST_MBPS),
    tunedMBps: numberIn(`${field}.tunedMBps`, tunedMBps, 0, MOST_MBPS),
  };
}

function checkedGrpc(value: unknown): GrpcFigures {
  const grpc = objectIn('grpc', value);
  return {
    ...checkedLine('grpc', grpc),
    roundTripUs: numberIn('grpc.roundTripUs', grpc.roundTripUs, LEAST_FIXED, MOST_FIXED),
    gzip: orNull(grpc.gzip, (line) => checkedLine('grpc.gzip', line)),
  };
}

function checkedZeroCopy(value: unknown): ZeroCopyFigures {
  const zeroCopy = objectIn('zeroCopy', value);
  const memoryLane = MEMORY_LANES.find((lane) => lane === zeroCopy.memoryLane);
  if (memoryLane === undefined) throw invalid('zeroCopy.memoryLane', zeroCopy.memoryLane, MEMORY_LANES.join(', '));
  return {
    ...checkedLine('zeroCopy', zeroCopy),
    memoryLane,
    roundTripUs: numberIn('zeroCopy.roundTripUs', zeroCopy.roundTripUs, LEAST_FIXED, MOST_FIXED),
    cold: orNull(zeroCopy.cold, (line) => checkedLine('zeroCopy.cold', line)),
  };
}

function checkedLine(field: string, value: unknown): LaneLine {
  const { fixedUs, usPerByte, transfers } = objectIn(field, value);
  return {
    fixedUs: numberIn(`${field}.fixedUs`, fixedUs, LEAST_FIXED, MOST_FIXED),
    usPerByte: numberIn(`${field}.usPerByte`, usPerByte, LEAST_PER_BYTE, MOST_PER_BYTE),
    transfers: numberIn(`${field}.transfers`, transfers, 0, 1e9),
  };
}

function orNull<T>(value: unknown, check: (value: unknown) => T): T | null {
  return value === null ? null : check(value);
}

function objectIn(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, value, 'an object');
  return { ...value };
}

function textIn(field: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_NAME) return value;
  throw invalid(field, value, `a text of at most ${MAX_NAME} characters`);
}

function numberIn(field: string, value: unknown, low: number, high: number): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw invalid(field, value, `a number in ${low}..${high}`);
}

function invalid(field: string, value: unknown, accepted: string): PitwallError {
  return new PitwallError(
    'PITWALL_MACHINE_CARD_INVALID',
    `the machine card's ${field}: expected ${accepted}, got ${describeValue(value)}`,
  );
}
