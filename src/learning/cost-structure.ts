/**
 * The form of the cost model: latency = factor * (fixed + size * perByte), per lane, as a sum of named costs (the idea of UCX's protocol
 * selection), each the exponential of one learned parameter, so that every cost stays positive and latency grows with size.
 *
 *   grpc       factor * ( fixed·kind [+ gzip fixed]            + size * ( wire·inFlight | gzip·kind  + handling·kind ) )
 *   zero_copy  factor * ( fixed·kind [+ cold|unknown fixed]    + size * ( copy·inFlight [+ cold|unknown] + handling·kind ) )
 *   log factor = level + load·l + burst·[n>1] + inFlight·log2 n, each with a small split between the lanes
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

/** Parameters that one estimate can depend on, at most (cold zero-copy in a burst, load known). */
const MAX_ACTIVE = 20;
/** Load from which the load term counts: where nothing is known of the load, the term is left out. */
const LOAD_ORIGIN = 0.5;
/** Doublings of transfers in flight beyond which the term stays where it is. */
const MAX_DOUBLINGS = 8;

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
  set(GRPC_BYTE_IN_FLIGHT, 0.2, 0.2);
  setLog(GZIP_FIXED, prior.gzipFixedUs);
  setLog(GZIP_BYTE, prior.gzipUsPerByte);
  setLog(ZERO_COPY_FIXED, prior.zeroCopyFixedUs);
  setLog(ZERO_COPY_BYTE, prior.zeroCopyUsPerByte);
  set(ZERO_COPY_BYTE_IN_FLIGHT, 0, 0.2);
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
  readonly offset: number;
  readonly grpcFixed: number;
  readonly grpcByte: number;
  readonly gzipFixed: number;
  readonly gzipByte: number;
  readonly zeroCopyFixed: number;
  readonly zeroCopyByte: number;
  readonly handlingByte: number;
}

export function kindCosts(theta: Float64Array, slot: number): KindCosts {
  const offset = SHARED_PARAMETERS + slot * KIND_PARAMETERS;
  const at = (index: number): number => theta[index] ?? 0;
  const fixed = at(offset + KIND_FIXED);
  const halfFixedSplit = at(offset + KIND_FIXED_SPLIT) / 2;
  const halfByteSplit = at(offset + KIND_BYTE_SPLIT) / 2;
  return {
    offset,
    grpcFixed: Math.exp(at(GRPC_FIXED) + fixed - halfFixedSplit),
    grpcByte: Math.exp(at(GRPC_BYTE) - halfByteSplit),
    gzipFixed: Math.exp(at(GZIP_FIXED)),
    gzipByte: Math.exp(at(GZIP_BYTE) + at(offset + KIND_GZIP)),
    zeroCopyFixed: Math.exp(at(ZERO_COPY_FIXED) + fixed + halfFixedSplit),
    zeroCopyByte: Math.exp(at(ZERO_COPY_BYTE) + halfByteSplit),
    handlingByte: Math.exp(at(HANDLING_BYTE) + at(offset + KIND_HANDLING)),
  };
}

/** Room for one linearisation; reused, so that the read path allocates nothing. */
export class Linearization {
  /** Which parameters the estimate depends on, and d log latency / d parameter, for the first `count` entries. */
  readonly index = new Int32Array(MAX_ACTIVE);
  readonly gradient = new Float64Array(MAX_ACTIVE);
  count = 0;
  /** factor * fixed, microseconds, and factor * perByte. */
  fixedUs = 0;
  usPerByte = 0;
  latencyUs = 0;

  push(index: number, gradient: number): void {
    this.index[this.count] = index;
    this.gradient[this.count] = gradient;
    this.count += 1;
  }
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
  gradient: boolean,
): void {
  const doublings = features.inFlight > 1 ? Math.min(MAX_DOUBLINGS, Math.log2(features.inFlight)) : 0;
  const load = loadTerm(features.systemLoad);
  const side = lane === 'grpc' ? -0.5 : 0.5;
  out.count = 0;
  let logFactor = (theta[LEVEL] ?? 0) + load * ((theta[LOAD] ?? 0) + side * (theta[LOAD_SPLIT] ?? 0));
  if (doublings > 0) {
    logFactor +=
      (theta[BURST] ?? 0) +
      side * (theta[BURST_SPLIT] ?? 0) +
      doublings * ((theta[IN_FLIGHT] ?? 0) + side * (theta[IN_FLIGHT_SPLIT] ?? 0));
  }
  const factor = Math.exp(logFactor);
  if (lane === 'grpc') grpcCosts(out, theta, costs, features, doublings, factor, gradient);
  else zeroCopyCosts(out, theta, costs, features, doublings, factor, gradient);
  if (!gradient) return;
  out.push(LEVEL, 1);
  if (load !== 0) {
    out.push(LOAD, load);
    out.push(LOAD_SPLIT, side * load);
  }
  if (doublings > 0) {
    out.push(BURST, 1);
    out.push(BURST_SPLIT, side);
    out.push(IN_FLIGHT, doublings);
    out.push(IN_FLIGHT_SPLIT, side * doublings);
  }
}

/** 0, so no term, where the load is unknown or no share. */
function loadTerm(systemLoad: number | undefined): number {
  return systemLoad !== undefined && systemLoad >= 0 && systemLoad <= 1 ? systemLoad - LOAD_ORIGIN : 0;
}

function grpcCosts(
  out: Linearization,
  theta: Float64Array,
  costs: KindCosts,
  features: Features,
  doublings: number,
  factor: number,
  gradient: boolean,
): void {
  const size = Math.max(0, features.dataSize || 0);
  const gzip = features.compression;
  const spread = doublings > 0 && !gzip ? Math.exp(doublings * (theta[GRPC_BYTE_IN_FLIGHT] ?? 0)) : 1;
  const wireByte = gzip ? costs.gzipByte : costs.grpcByte * spread;
  const fixed = costs.grpcFixed + (gzip ? costs.gzipFixed : 0);
  finish(out, factor, fixed, wireByte + costs.handlingByte, size);
  if (!gradient) return;
  const total = fixed + (wireByte + costs.handlingByte) * size;
  const fixedShare = costs.grpcFixed / total;
  const wireShare = (wireByte * size) / total;
  const handlingShare = (costs.handlingByte * size) / total;
  out.push(GRPC_FIXED, fixedShare);
  out.push(costs.offset + KIND_FIXED, fixedShare);
  out.push(costs.offset + KIND_FIXED_SPLIT, -0.5 * fixedShare);
  out.push(HANDLING_BYTE, handlingShare);
  out.push(costs.offset + KIND_HANDLING, handlingShare);
  if (gzip) {
    out.push(GZIP_FIXED, costs.gzipFixed / total);
    out.push(GZIP_BYTE, wireShare);
    out.push(costs.offset + KIND_GZIP, wireShare);
  } else {
    out.push(GRPC_BYTE, wireShare);
    out.push(costs.offset + KIND_BYTE_SPLIT, -0.5 * wireShare);
    if (doublings > 0) out.push(GRPC_BYTE_IN_FLIGHT, wireShare * doublings);
  }
}

function zeroCopyCosts(
  out: Linearization,
  theta: Float64Array,
  costs: KindCosts,
  features: Features,
  doublings: number,
  factor: number,
  gradient: boolean,
): void {
  const size = Math.max(0, features.dataSize || 0);
  const warm = features.warm === true;
  const coldFixedIndex = features.warm === undefined ? UNKNOWN_FIXED : COLD_FIXED;
  const coldByteIndex = features.warm === undefined ? UNKNOWN_BYTE : COLD_BYTE;
  const coldFixed = warm ? 0 : Math.exp(theta[coldFixedIndex] ?? 0);
  const coldByte = warm ? 0 : Math.exp(theta[coldByteIndex] ?? 0);
  const spread = doublings > 0 ? Math.exp(doublings * (theta[ZERO_COPY_BYTE_IN_FLIGHT] ?? 0)) : 1;
  const copyByte = costs.zeroCopyByte * spread;
  const fixed = costs.zeroCopyFixed + coldFixed;
  const perByte = copyByte + coldByte * spread + costs.handlingByte;
  finish(out, factor, fixed, perByte, size);
  if (!gradient) return;
  const total = fixed + perByte * size;
  const fixedShare = costs.zeroCopyFixed / total;
  const copyShare = (copyByte * size) / total;
  const coldShare = (coldByte * spread * size) / total;
  const handlingShare = (costs.handlingByte * size) / total;
  out.push(ZERO_COPY_FIXED, fixedShare);
  out.push(costs.offset + KIND_FIXED, fixedShare);
  out.push(costs.offset + KIND_FIXED_SPLIT, 0.5 * fixedShare);
  out.push(HANDLING_BYTE, handlingShare);
  out.push(costs.offset + KIND_HANDLING, handlingShare);
  out.push(ZERO_COPY_BYTE, copyShare);
  out.push(costs.offset + KIND_BYTE_SPLIT, 0.5 * copyShare);
  if (doublings > 0) out.push(ZERO_COPY_BYTE_IN_FLIGHT, (copyShare + coldShare) * doublings);
  if (!warm) {
    out.push(coldFixedIndex, coldFixed / total);
    out.push(coldByteIndex, coldShare);
  }
}

function finish(out: Linearization, factor: number, fixed: number, perByte: number, size: number): void {
  out.fixedUs = factor * fixed;
  out.usPerByte = factor * perByte;
  out.latencyUs = out.fixedUs + out.usPerByte * size;
}
