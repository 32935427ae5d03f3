/**
 * What a fresh cost model believes of the machine, before any transfer was seen. `pitwall doctor` measures a machine card that replaces the
 * defaults; these come from repeated transfers between two Node processes on a two-core virtual machine (docs/learning.md, "Prior").
 *
 * Times in microseconds, sizes in bytes. Every `…Sd` is a standard deviation of the natural logarithm: 0.7 means "within a factor 2".
 */
import { InvalidArgumentError } from '../errors.ts';

/** Mean of a positive constant and the doubt about its logarithm. */
export interface PriorConstant {
  readonly mean: number;
  readonly logSd: number;
}

/** A slope or shift that may be zero or negative; `sd` in its own unit. */
export interface PriorShift {
  readonly mean: number;
  readonly sd: number;
}

export interface CostPrior {
  /** Time of an empty transfer, gRPC. Shared doubts (slow machine) go to `machineLevel`. */
  readonly grpcFixedUs: PriorConstant;
  /** gRPC transport without encoding and reading, per byte. */
  readonly grpcUsPerByte: PriorConstant;
  readonly gzipFixedUs: PriorConstant;
  /** Compressing, sending the compressed bytes and unpacking, per uncompressed byte. */
  readonly gzipUsPerByte: PriorConstant;
  /** Time of an empty transfer through mapped memory, the reference's call included. */
  readonly zeroCopyFixedUs: PriorConstant;
  /** Copying or encoding into mapped memory, per byte. */
  readonly zeroCopyUsPerByte: PriorConstant;
  /** What a cold mapping adds: set-up and clean-up, and page faults per byte. */
  readonly coldFixedUs: PriorConstant;
  readonly coldUsPerByte: PriorConstant;
  /** What is added where warmth is unknown: between nothing and cold, with much doubt. */
  readonly unknownFixedUs: PriorConstant;
  readonly unknownUsPerByte: PriorConstant;
  /** Encoding and the worker's reading, paid in both lanes, per byte. */
  readonly handlingUsPerByte: PriorConstant;
  /** Handling known by type, replaces the mean of `handlingUsPerByte`. */
  readonly handlingByType: Readonly<Record<string, number>>;
  /** Log factor on everything: how much faster or slower this machine is as a whole. */
  readonly machineLevel: PriorShift;
  /** Log factor per unit of system load (0..1), counted from load 0.5. */
  readonly load: PriorShift;
  /** Log factor once more than one transfer is in flight, and per doubling of their number. */
  readonly burst: PriorShift;
  readonly inFlight: PriorShift;
  /** Transfers of each lane that the constants were measured by on this very machine: estimates rest on so many from the start. Default 0. */
  readonly records?: number;
}

/** Derived from medians by size of 15 repeats per configuration on an otherwise idle machine. */
export const DEFAULT_COST_PRIOR: CostPrior = Object.freeze({
  grpcFixedUs: { mean: 730, logSd: 0.25 },
  grpcUsPerByte: { mean: 2.4e-3, logSd: 0.6 },
  gzipFixedUs: { mean: 60, logSd: 0.7 },
  gzipUsPerByte: { mean: 1.2e-2, logSd: 0.7 },
  zeroCopyFixedUs: { mean: 770, logSd: 0.25 },
  zeroCopyUsPerByte: { mean: 2.5e-4, logSd: 0.6 },
  coldFixedUs: { mean: 170, logSd: 0.6 },
  coldUsPerByte: { mean: 1.3e-3, logSd: 0.6 },
  unknownFixedUs: { mean: 60, logSd: 1.2 },
  unknownUsPerByte: { mean: 5e-4, logSd: 1.4 },
  handlingUsPerByte: { mean: 6e-4, logSd: 0.8 },
  handlingByType: { tensor: 2e-4, dataframe: 5e-4, json: 1e-2, text: 1e-3, binary: 5e-4 },
  machineLevel: { mean: 0, sd: 0.7 },
  load: { mean: 0.4, sd: 0.5 },
  burst: { mean: 0.7, sd: 0.4 },
  inFlight: { mean: 0.35, sd: 0.2 },
});

/** Refuses constants that are not finite and positive, with the field's name. Returns its argument. */
export function checkedPrior(prior: CostPrior): CostPrior {
  for (const name of CONSTANTS) {
    const { mean, logSd } = prior[name];
    if (!(mean > 0) || !Number.isFinite(mean))
      throw new InvalidArgumentError(`prior.${name}.mean`, mean, 'a number > 0');
    if (!(logSd > 0) || logSd > 10) throw new InvalidArgumentError(`prior.${name}.logSd`, logSd, 'a number in 0..10');
  }
  for (const name of SHIFTS) {
    const { mean, sd } = prior[name];
    if (!(Math.abs(mean) <= 10)) throw new InvalidArgumentError(`prior.${name}.mean`, mean, 'a number in -10..10');
    if (!(sd > 0) || sd > 10) throw new InvalidArgumentError(`prior.${name}.sd`, sd, 'a number in 0..10');
  }
  for (const [type, mean] of Object.entries(prior.handlingByType)) {
    if (!(mean > 0) || !Number.isFinite(mean)) {
      throw new InvalidArgumentError(`prior.handlingByType.${type.slice(0, 32)}`, mean, 'a number > 0');
    }
  }
  const { records = 0 } = prior;
  if (!(records >= 0 && records <= MAX_RECORDS)) {
    throw new InvalidArgumentError('prior.records', records, `a number in 0..${MAX_RECORDS}`);
  }
  return prior;
}

const MAX_RECORDS = 10_000;

const CONSTANTS = [
  'grpcFixedUs',
  'grpcUsPerByte',
  'gzipFixedUs',
  'gzipUsPerByte',
  'zeroCopyFixedUs',
  'zeroCopyUsPerByte',
  'coldFixedUs',
  'coldUsPerByte',
  'unknownFixedUs',
  'unknownUsPerByte',
  'handlingUsPerByte',
] as const;

const SHIFTS = ['machineLevel', 'load', 'burst', 'inFlight'] as const;
