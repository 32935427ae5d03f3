/**
 * The form of the cost model: latency = factor * (fixed + size * perByte), per lane, as a sum of named costs (the idea of UCX's protocol
 * selection), each the exponential of one learned parameter, so that every cost stays positive and latency grows with size.
 *
 *   grpc       factor * ( fixed·kind·split [+ gzip fixed]          + size * ( wire·inFlight | gzip·kind      + handling·kind ) )
 *   zero_copy  factor * ( fixed·kind·split [+ cold|unknown fixed]  + size * ( (copy [+ cold|unknown])·inFlight + handling·kind ) )
 *   log factor = level + load·l + burst·[n > 1] + inFlight·log2 n
 *   log split  = +-1/2 * (the same terms with parameters of their own): it concerns the fixed costs only, since handling a large payload
 *                takes as long whichever way it came (docs/learning.md has what that was worth)
 *
 * What both lanes share (level, load, handling by type) has ONE parameter: a transfer in one lane teaches the other too, and what is
 * shared cancels where the lanes are compared. Kinds (type and format) are random effects: shifts with a prior around zero, so a
 * kind with little data stays at its parent (Gelman & Hill, Data Analysis Using Regression and Multilevel Models, 2007, ch. 12).
 */
import type { CostPrior } from './cost-prior.ts';
import type { Features, Lane } from './types.ts';

/** Indices into the vector of parameters. */
export const LEVEL = 0;
export const LOAD = 1;
export const BURST = 2;
export const IN_FLIGHT = 3;
export const LOAD_SPLIT = 4;
export const BURST_SPLIT = 5;
export const IN_FLIGHT_SPLIT = 6;
export const GRPC_FIXED = 7;
export const GRPC_BYTE = 8;
export const GRPC_BYTE_IN_FLIGHT = 9;
export const GZIP_FIXED = 10;
export const GZIP_BYTE = 11;
export const ZERO_COPY_FIXED = 12;
export const ZERO_COPY_BYTE = 13;
export const ZERO_COPY_BYTE_IN_FLIGHT = 14;
export const COLD_FIXED = 15;
export const COLD_BYTE = 16;
export const UNKNOWN_FIXED = 17;
export const UNKNOWN_BYTE = 18;
export const HANDLING_BYTE = 19;
export const SHARED_PARAMETERS = 20;

/** Offsets within a kind's block, which starts at SHARED_PARAMETERS + slot * KIND_PARAMETERS. */
export const KIND_FIXED = 0;
export const KIND_FIXED_SPLIT = 1;
export const KIND_HANDLING = 2;
export const KIND_BYTE_SPLIT = 3;
export const KIND_GZIP = 4;
export const KIND_PARAMETERS = 5;

/** How the parameters of a kind follow a shared one: [offset in the kind's block, weight]. */
const KIND_TERMS: ReadonlyMap<number, readonly (readonly [offset: number, weight: number])[]> = new Map([
  [
    GRPC_FIXED,
    [
      [KIND_FIXED, 1],
      [KIND_FIXED_SPLIT, -0.5],
    ],
  ],
  [GRPC_BYTE, [[KIND_BYTE_SPLIT, -0.5]]],
  [GZIP_BYTE, [[KIND_GZIP, 1]]],
  [
    ZERO_COPY_FIXED,
    [
      [KIND_FIXED, 1],
      [KIND_FIXED_SPLIT, 0.5],
    ],
  ],
  [ZERO_COPY_BYTE, [[KIND_BYTE_SPLIT, 0.5]]],
  [HANDLING_BYTE, [[KIND_HANDLING, 1]]],
]);
/** Load from which the load term counts: where nothing is known of the load, the term is left out. */
const LOAD_ORIGIN = 0.5;
/** Doublings of transfers in flight beyond which the term stays where it is. */
const MAX_DOUBLINGS = 8;

/** Where a slot's block starts. */
export function blockOf(slot: number): number {
  return SHARED_PARAMETERS + slot * KIND_PARAMETERS;
}

export interface PriorVector {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** The prior of the shared parameters. */
export function sharedPrior(prior: CostPrior): PriorVector {
  const mean = new Float64Array(SHARED_PARAMETERS);
  const variance = new Float64Array(SHARED_PARAMETERS);
  const set = (index: number, value: number, sd: number): void => {
    mean[index] = value;
    variance[index] = sd * sd;
  };
  const setLog = (index: number, constant: { mean: number; logSd: number }): void =>
    set(index, Math.log(constant.mean), constant.logSd);
  set(LEVEL, prior.machineLevel.mean, prior.machineLevel.sd);
  set(LOAD, prior.load.mean, prior.load.sd);
  set(BURST, prior.burst.mean, prior.burst.sd);
  set(IN_FLIGHT, prior.inFlight.mean, prior.inFlight.sd);
  set(LOAD_SPLIT, 0, 0.2);
  set(BURST_SPLIT, 0, 0.15);
  set(IN_FLIGHT_SPLIT, 0, 0.08);
  setLog(GRPC_FIXED, prior.grpcFixedUs);
  setLog(GRPC_BYTE, prior.grpcUsPerByte);
  // Bytes on the wire suffer from others in flight more than bytes in memory do: a prior that is tight, since few large transfers teach it.
  set(GRPC_BYTE_IN_FLIGHT, 0.25, 0.1);
  setLog(GZIP_FIXED, prior.gzipFixedUs);
  setLog(GZIP_BYTE, prior.gzipUsPerByte);
  setLog(ZERO_COPY_FIXED, prior.zeroCopyFixedUs);
  setLog(ZERO_COPY_BYTE, prior.zeroCopyUsPerByte);
  set(ZERO_COPY_BYTE_IN_FLIGHT, 0.1, 0.1);
  setLog(COLD_FIXED, prior.coldFixedUs);
  setLog(COLD_BYTE, prior.coldUsPerByte);
  setLog(UNKNOWN_FIXED, prior.unknownFixedUs);
  setLog(UNKNOWN_BYTE, prior.unknownUsPerByte);
  setLog(HANDLING_BYTE, prior.handlingUsPerByte);
  return { mean, variance };
}

/** The prior of one kind's block. Types whose handling is known start there. */
export function kindPrior(prior: CostPrior, dataType: string | undefined): PriorVector {
  const mean = new Float64Array(KIND_PARAMETERS);
  const variance = new Float64Array(KIND_PARAMETERS);
  const known = dataType !== undefined && Object.hasOwn(prior.handlingByType, dataType);
  if (known) mean[KIND_HANDLING] = Math.log((prior.handlingByType[dataType] ?? 1) / prior.handlingUsPerByte.mean);
  variance[KIND_FIXED] = 0.25 ** 2;
  variance[KIND_FIXED_SPLIT] = 0.12 ** 2;
  variance[KIND_HANDLING] = (known ? 0.7 : 1.5) ** 2;
  variance[KIND_BYTE_SPLIT] = 0.4 ** 2;
  variance[KIND_GZIP] = 0.5 ** 2;
  return { mean, variance };
}

/** Exponentials of the parameters that concern one kind, so that the read path computes none of them. */
export interface KindCosts {
  readonly grpcFixed: number;
  readonly grpcByte: number;
  readonly gzipFixed: number;
  readonly gzipByte: number;
  readonly zeroCopyFixed: number;
  readonly zeroCopyByte: number;
  readonly handlingByte: number;
  readonly coldFixed: number;
  readonly coldByte: number;
  readonly unknownFixed: number;
  readonly unknownByte: number;
}

export function kindCosts(theta: Float64Array, slot: number): KindCosts {
  const offset = blockOf(slot);
  const at = (index: number): number => theta[index] ?? 0;
  const fixed = at(offset + KIND_FIXED);
  const halfFixedSplit = at(offset + KIND_FIXED_SPLIT) / 2;
  const halfByteSplit = at(offset + KIND_BYTE_SPLIT) / 2;
  return {
    grpcFixed: Math.exp(at(GRPC_FIXED) + fixed - halfFixedSplit),
    grpcByte: Math.exp(at(GRPC_BYTE) - halfByteSplit),
    gzipFixed: Math.exp(at(GZIP_FIXED)),
    gzipByte: Math.exp(at(GZIP_BYTE) + at(offset + KIND_GZIP)),
    zeroCopyFixed: Math.exp(at(ZERO_COPY_FIXED) + fixed + halfFixedSplit),
    zeroCopyByte: Math.exp(at(ZERO_COPY_BYTE) + halfByteSplit),
    handlingByte: Math.exp(at(HANDLING_BYTE) + at(offset + KIND_HANDLING)),
    coldFixed: Math.exp(at(COLD_FIXED)),
    coldByte: Math.exp(at(COLD_BYTE)),
    unknownFixed: Math.exp(at(UNKNOWN_FIXED)),
    unknownByte: Math.exp(at(UNKNOWN_BYTE)),
  };
}

/**
 * One evaluation of the model: the latency and what it depends on. Room that is reused, so that the read path allocates nothing.
 *
 * Dependence is kept in terms of SHARED parameters: a kind's parameters always act through one of them, so both add up to one "direction"
 * (`expand` and `reduceCovariance` put the kind back).
 */
export class Linearization {
  /** Shared parameters the estimate depends on, and d log latency / d parameter, for the first `count` entries. */
  readonly index = new Int32Array(SHARED_PARAMETERS);
  readonly gradient = new Float64Array(SHARED_PARAMETERS);
  count = 0;
  /** factor * fixed, microseconds, and factor * perByte. */
  fixedUs = 0;
  usPerByte = 0;
  latencyUs = 0;
  /** The factors of the last load and number in flight: both stay for many transfers, exponentials cost more than the rest. */
  readonly #factors = { load: Number.NaN, inFlight: Number.NaN, factor: 1, split: 1, spread: 1, doublings: 0 };

  /** Forgets the factors: needed once the parameters have changed. */
  reset(): void {
    this.#factors.load = Number.NaN;
  }

  /** Factors for a load term and a number in flight, from the last call where they are the same. */
  factors(theta: Float64Array, lane: Lane, load: number, inFlight: number): Factors {
    const known = this.#factors;
    if (known.load === load && known.inFlight === inFlight) return known;
    known.load = load;
    known.inFlight = inFlight;
    fillFactors(known, theta, lane, load, inFlight);
    return known;
  }

  push(index: number, gradient: number): void {
    this.index[this.count] = index;
    this.gradient[this.count] = gradient;
    this.count += 1;
  }
}

/** What load and transfers in flight do to a lane's costs. */
interface Factors {
  /** On everything. */
  readonly factor: number;
  /** On the fixed cost. */
  readonly split: number;
  /** On the cost per byte of wire or memory. */
  readonly spread: number;
  /** log2 of the number in flight. */
  readonly doublings: number;
}

function fillFactors(
  out: { -readonly [Key in keyof Factors]: Factors[Key] },
  theta: Float64Array,
  lane: Lane,
  load: number,
  inFlight: number,
): void {
  const doublings = inFlight > 1 ? Math.min(MAX_DOUBLINGS, Math.log2(inFlight)) : 0;
  const side = lane === 'grpc' ? -0.5 : 0.5;
  let logFactor = (theta[LEVEL] ?? 0) + load * (theta[LOAD] ?? 0);
  let logSplit = load * (theta[LOAD_SPLIT] ?? 0);
  let logSpread = 0;
  if (doublings > 0) {
    logFactor += (theta[BURST] ?? 0) + doublings * (theta[IN_FLIGHT] ?? 0);
    logSplit += (theta[BURST_SPLIT] ?? 0) + doublings * (theta[IN_FLIGHT_SPLIT] ?? 0);
    logSpread = doublings * (theta[lane === 'grpc' ? GRPC_BYTE_IN_FLIGHT : ZERO_COPY_BYTE_IN_FLIGHT] ?? 0);
  }
  out.factor = Math.exp(logFactor);
  out.split = Math.exp(side * logSplit);
  out.spread = Math.exp(logSpread);
  out.doublings = doublings;
}

/**
 * Evaluates the model for one lane and its gradient in the parameters. A cost's derivative is its share of the whole: bounded by 1, which is
 * why linearising is safe here.
 */
export function linearize(
  out: Linearization,
  theta: Float64Array,
  costs: KindCosts,
  lane: Lane,
  features: Features,
): void {
  const load = loadTerm(features.systemLoad);
  const side = lane === 'grpc' ? -0.5 : 0.5;
  const factors = out.factors(theta, lane, load, features.inFlight);
  const { doublings } = factors;
  out.count = 0;
  const fixedShare =
    lane === 'grpc' ? grpcCosts(out, costs, features, factors) : zeroCopyCosts(out, costs, features, factors);
  out.push(LEVEL, 1);
  if (load !== 0) {
    out.push(LOAD, load);
    out.push(LOAD_SPLIT, side * load * fixedShare);
  }
  if (doublings > 0) {
    out.push(BURST, 1);
    out.push(BURST_SPLIT, side * fixedShare);
    out.push(IN_FLIGHT, doublings);
    out.push(IN_FLIGHT_SPLIT, side * doublings * fixedShare);
  }
}

/** Returns the share of the split fixed cost in the whole. */
function grpcCosts(out: Linearization, costs: KindCosts, features: Features, factors: Factors): number {
  const { factor, split, doublings } = factors;
  const size = Math.max(0, features.dataSize || 0);
  const gzip = features.compression;
  const wireUs = size * (gzip ? costs.gzipByte : costs.grpcByte * factors.spread);
  const handlingUs = size * costs.handlingByte;
  const fixedUs = costs.grpcFixed * split;
  const extraUs = gzip ? costs.gzipFixed : 0;
  const total = fixedUs + extraUs + wireUs + handlingUs;
  finish(out, factor, fixedUs + extraUs, total, size);
  out.push(GRPC_FIXED, fixedUs / total);
  out.push(HANDLING_BYTE, handlingUs / total);
  if (gzip) {
    out.push(GZIP_FIXED, extraUs / total);
    out.push(GZIP_BYTE, wireUs / total);
  } else {
    out.push(GRPC_BYTE, wireUs / total);
    if (doublings > 0) out.push(GRPC_BYTE_IN_FLIGHT, (wireUs / total) * doublings);
  }
  return fixedUs / total;
}

function zeroCopyCosts(out: Linearization, costs: KindCosts, features: Features, factors: Factors): number {
  const { factor, split, spread, doublings } = factors;
  const size = Math.max(0, features.dataSize || 0);
  const warm = features.warm === true;
  const known = features.warm !== undefined;
  const extraUs = warm ? 0 : known ? costs.coldFixed : costs.unknownFixed;
  const faultUs = warm ? 0 : size * spread * (known ? costs.coldByte : costs.unknownByte);
  const copyUs = size * spread * costs.zeroCopyByte;
  const handlingUs = size * costs.handlingByte;
  const fixedUs = costs.zeroCopyFixed * split;
  const total = fixedUs + extraUs + faultUs + copyUs + handlingUs;
  finish(out, factor, fixedUs + extraUs, total, size);
  out.push(ZERO_COPY_FIXED, fixedUs / total);
  out.push(HANDLING_BYTE, handlingUs / total);
  out.push(ZERO_COPY_BYTE, copyUs / total);
  if (doublings > 0) out.push(ZERO_COPY_BYTE_IN_FLIGHT, ((copyUs + faultUs) / total) * doublings);
  if (!warm) {
    out.push(known ? COLD_FIXED : UNKNOWN_FIXED, extraUs / total);
    out.push(known ? COLD_BYTE : UNKNOWN_BYTE, faultUs / total);
  }
  return fixedUs / total;
}

function finish(out: Linearization, factor: number, fixedUs: number, total: number, size: number): void {
  out.latencyUs = factor * total;
  out.fixedUs = factor * fixedUs;
  out.usPerByte = size > 0 ? (factor * (total - fixedUs)) / size : 0;
}

/** 0, so no term, where the load is unknown or no share. */
function loadTerm(systemLoad: number | undefined): number {
  return systemLoad !== undefined && systemLoad >= 0 && systemLoad <= 1 ? systemLoad - LOAD_ORIGIN : 0;
}

/** The full gradient of a linearisation, a kind's parameters included. */
export function expand(out: SparseVector, at: Linearization, slot: number): void {
  const block = blockOf(slot);
  out.count = 0;
  for (let entry = 0; entry < at.count; entry += 1) {
    const index = at.index[entry] ?? 0;
    const gradient = at.gradient[entry] ?? 0;
    out.push(index, gradient);
    for (const [offset, weight] of KIND_TERMS.get(index) ?? []) out.push(block + offset, gradient * weight);
  }
}

/** Sparse coefficients over all parameters; an index may stand in it more than once. */
export class SparseVector {
  readonly index = new Int32Array(2 * SHARED_PARAMETERS);
  readonly value = new Float64Array(2 * SHARED_PARAMETERS);
  count = 0;

  push(index: number, value: number): void {
    this.index[this.count] = index;
    this.value[this.count] = value;
    this.count += 1;
  }
}

/** Covariance of the directions of one kind: SHARED_PARAMETERS squared, row by row. What the read path needs of the full covariance. */
export function reduceCovariance(covariance: Float64Array, size: number, slot: number): Float64Array {
  const block = blockOf(slot);
  const terms = Array.from({ length: SHARED_PARAMETERS }, (_, index): readonly (readonly [number, number])[] => [
    [index, 1],
    ...(KIND_TERMS.get(index) ?? []).map(([offset, weight]) => [block + offset, weight] as const),
  ]);
  const reduced = new Float64Array(SHARED_PARAMETERS * SHARED_PARAMETERS);
  for (const [row, left] of terms.entries()) {
    for (const [column, right] of terms.entries()) {
      if (column > row) break;
      let sum = 0;
      for (const [i, u] of left) for (const [j, v] of right) sum += u * v * (covariance[i * size + j] ?? 0);
      reduced[row * SHARED_PARAMETERS + column] = sum;
      reduced[column * SHARED_PARAMETERS + row] = sum;
    }
  }
  return reduced;
}
