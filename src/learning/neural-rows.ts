/**
 * The rows that the network is trained on, and what is known of them: each a transfer in the lane that was taken, with what the cost model had said of both lanes
 * before.
 */
import { fillInputs, NEURAL_INPUTS } from './neural-inputs.ts';
import type { NeuralData } from './neural-training.ts';
import type { TreeFeatures } from './tree-features.ts';
import type { Lane, LaneComparison, Observation } from './types.ts';

export interface NeuralRow {
  readonly observation: Observation;
  /** The cost model's word before the row. */
  readonly comparison: LaneComparison;
  readonly recent: Readonly<Record<Lane, number>>;
}

export interface Scales {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** Robust standard deviation of what the cost model left over, by lane. */
  readonly target: readonly [grpc: number, zeroCopy: number];
}

/** Rows of a training at most: with more the network gets no better that these could show, and the time is bounded. */
export const MAX_NEURAL_ROWS = 8_192;

/**
 * Which of `lanes` are looked at, in their order: evenly spread in time, each lane up to half of the bound, and more where the other one has fewer.
 */
export function chosenRows(lanes: readonly Lane[], limit = MAX_NEURAL_ROWS): Set<number> {
  const of: Record<Lane, number[]> = { grpc: [], zero_copy: [] };
  for (const [index, lane] of lanes.entries()) of[lane].push(index);
  const half = limit >> 1;
  const grpc = Math.min(of.grpc.length, Math.max(half, limit - of.zero_copy.length));
  const zeroCopy = Math.min(of.zero_copy.length, limit - grpc);
  return new Set([...spread(of.grpc, grpc), ...spread(of.zero_copy, zeroCopy)]);
}

function spread(rows: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, index) => rows[Math.floor((index * rows.length) / count)] ?? 0);
}

/** Importance weights are capped, as those of the held-out score. */
const MAX_WEIGHT = 20;
/** An error beyond this factor (as a logarithm) is one stall. */
const CLIP = 2;
/** No row counts more for the method than this many average ones. */
const MAX_STAKE = 8;
/** Stake of a row under goals about total time: its predicted latency to this power, as for the trees. */
const STAKE_POWER = 0.5;

/** @param population rows of each lane that these were chosen from: a lane that was thinned out more counts more for the method */
export function neuralData(
  rows: readonly NeuralRow[],
  names: TreeFeatures,
  statistic: 'median' | 'mean',
  population: Readonly<Record<Lane, number>>,
): { readonly data: NeuralData; readonly scales: Scales } {
  const width = NEURAL_INPUTS.length;
  const data = {
    rows: rows.length,
    inputs: new Float64Array(rows.length * width),
    lane: Uint8Array.from(rows, ({ observation }) => (observation.method === 'grpc' ? 0 : 1)),
    target: Float64Array.from(rows, residualOf),
    weight: Float64Array.from(rows, (row) => (statistic === 'mean' ? predictedOf(row) ** STAKE_POWER : 1)),
    method: new Uint8Array(rows.length),
    methodWeight: new Float64Array(rows.length),
  };
  for (const [index, { observation, recent }] of rows.entries()) {
    fillInputs(data.inputs.subarray(index * width, (index + 1) * width), names, observation, recent);
  }
  const thinned = thinning(data.lane, population);
  for (const [index, row] of rows.entries()) {
    const advantage = advantageOf(row, statistic);
    data.method[index] = advantage > 0 ? 1 : 0;
    data.methodWeight[index] = Math.abs(advantage) * (thinned[data.lane[index] ?? 0] ?? 1);
  }
  balance(data.weight, data.lane);
  cap(data.methodWeight);
  const scales = { ...standardise(data.inputs, width), target: targetScales(data.target, data.lane) };
  for (const [index, target] of data.target.entries()) {
    data.target[index] = target / (scales.target[data.lane[index] === 0 ? 0 : 1] ?? 1);
  }
  return { data, scales };
}

function predictedOf({ observation, comparison }: NeuralRow): number {
  return (observation.method === 'grpc' ? comparison.grpc : comparison.zeroCopy).latencyUs;
}

function residualOf(row: NeuralRow): number {
  return Math.log(row.observation.latencyUs / predictedOf(row));
}

/**
 * What zero-copy is cheaper by, doubly robust (Dudík, Langford, Li, ICML 2011): the cost model's word on both lanes, corrected by what was seen in the one that was taken. Its sign
 * is the method's label and its size the label's weight, which makes a classifier of a cost (Zadrozny, Langford, Abe, ICDM 2003): where the cheaper lane is decided by
 * noise, labels cancel.
 */
function advantageOf(row: NeuralRow, statistic: 'median' | 'mean'): number {
  const { observation, comparison } = row;
  const weight = Math.min(MAX_WEIGHT, 1 / Math.max(1e-6, observation.propensity));
  const sign = observation.method === 'grpc' ? 1 : -1;
  const { grpc, zeroCopy } = comparison;
  const residual = Math.max(-CLIP, Math.min(CLIP, residualOf(row)));
  if (statistic === 'median') return Math.log(grpc.latencyUs / zeroCopy.latencyUs) + sign * weight * residual;
  const surprise = predictedOf(row) * (Math.exp(residual) - 1);
  const saved = grpc.latencyUs - zeroCopy.latencyUs + sign * weight * surprise;
  return saved / Math.max(grpc.latencyUs, zeroCopy.latencyUs) ** (1 - STAKE_POWER);
}

function thinning(lane: Uint8Array, population: Readonly<Record<Lane, number>>): readonly [number, number] {
  const zeroCopy = lane.reduce((sum, each) => sum + each, 0);
  return [population.grpc / Math.max(1, lane.length - zeroCopy), population.zero_copy / Math.max(1, zeroCopy)];
}

/** Mean 1 within each lane. */
function balance(weight: Float64Array, lane: Uint8Array): void {
  for (const which of [0, 1]) {
    let sum = 0;
    let count = 0;
    for (const [index, value] of weight.entries()) {
      if (lane[index] !== which) continue;
      sum += value;
      count += 1;
    }
    for (const [index, value] of weight.entries()) if (lane[index] === which) weight[index] = (value * count) / sum;
  }
}

/** Mean 1 or a little less, none beyond MAX_STAKE. */
function cap(weight: Float64Array): void {
  const sum = weight.reduce((total, value) => total + value, 0);
  if (!(sum > 0)) return;
  for (const [index, value] of weight.entries()) weight[index] = Math.min(MAX_STAKE, (value * weight.length) / sum);
}

/** In place: mean 0 and deviation 1 by column. A column that never varies becomes 0. */
function standardise(inputs: Float64Array, width: number): Omit<Scales, 'target'> {
  const rows = inputs.length / width;
  const scales = {
    low: new Float64Array(width).fill(Number.POSITIVE_INFINITY),
    high: new Float64Array(width).fill(Number.NEGATIVE_INFINITY),
    mean: new Float64Array(width),
    deviation: new Float64Array(width),
  };
  for (let column = 0; column < width; column += 1) {
    let sum = 0;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let at = column; at < inputs.length; at += width) {
      const value = inputs[at] ?? 0;
      sum += value;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const mean = sum / rows;
    let squares = 0;
    for (let at = column; at < inputs.length; at += width) squares += ((inputs[at] ?? 0) - mean) ** 2;
    const deviation = high > low ? Math.sqrt(squares / rows) : 1;
    for (let at = column; at < inputs.length; at += width) inputs[at] = ((inputs[at] ?? 0) - mean) / deviation;
    scales.low[column] = low;
    scales.high[column] = high;
    scales.mean[column] = mean;
    scales.deviation[column] = deviation;
  }
  return scales;
}

const TO_DEVIATION = 1.4826;

/** 1.4826 times the median absolute value, which is the standard deviation where it is normal. */
function targetScales(target: Float64Array, lane: Uint8Array): readonly [number, number] {
  const of = (which: number): number => {
    const sizes = target
      .filter((_, index) => lane[index] === which)
      .map(Math.abs)
      .sort();
    return Math.max(1e-3, TO_DEVIATION * (sizes[sizes.length >> 1] ?? 1));
  };
  return [of(0), of(1)];
}
