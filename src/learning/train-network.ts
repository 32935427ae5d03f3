/** The second learner's training: rows in, bytes out. */
import { compileNetwork } from './neural-compiled.ts';
import { NEURAL_SHAPE } from './neural-inputs.ts';
import { GRPC_LATENCY, type Layer, layersOf, OUTPUTS, ZERO_COPY_LATENCY } from './neural-network.ts';
import { type NeuralRow, neuralData, type Scales } from './neural-rows.ts';
import { type NeuralOptions, trainNetwork } from './neural-training.ts';
import type { LaneErrors } from './training-report.ts';
import type { TreeFeatures } from './tree-features.ts';
import type { Lane } from './types.ts';

export interface NetworkTraining {
  readonly buffer: ArrayBuffer;
  readonly rows: number;
  readonly epochs: number;
  /** Weighted mean absolute log error on the rows that early stopping looked at, by lane: cost model alone, and with the network. */
  readonly validation: { readonly grpc: LaneErrors; readonly zeroCopy: LaneErrors };
}

/** A lane with fewer rows is not corrected. */
const MINIMUM_LANE_ROWS = 250;

export function trainNeuralLayer(
  rows: readonly NeuralRow[],
  names: TreeFeatures,
  statistic: 'median' | 'mean',
  population: Readonly<Record<Lane, number>>,
  random: () => number,
  options?: NeuralOptions,
): NetworkTraining {
  const { data, scales } = neuralData(rows, names, statistic, population);
  const trained = trainNetwork(NEURAL_SHAPE, data, random, options);
  const layers = layersOf(NEURAL_SHAPE, trained.parameters);
  const validation = { grpc: { costModel: 0, withModel: 0 }, zeroCopy: { costModel: 0, withModel: 0 } };
  for (const [lane, output, name] of [
    [0, GRPC_LATENCY, 'grpc'],
    [1, ZERO_COPY_LATENCY, 'zeroCopy'],
  ] as const) {
    const { before, after } = trained.errors[lane];
    const seen = data.lane.reduce((count, each) => count + (each === lane ? 1 : 0), 0);
    const helps = after < before && seen >= MINIMUM_LANE_ROWS;
    // Both heads and lanes share one early stop: a lane that it does not suit is left to the cost model.
    if (!helps) silence(layers.last, output);
    const scale = scales.target[lane];
    validation[name] = { costModel: before * scale, withModel: (helps ? after : before) * scale };
  }
  foldInputs(layers.first, scales);
  foldTarget(layers.last, GRPC_LATENCY, scales.target[0]);
  foldTarget(layers.last, ZERO_COPY_LATENCY, scales.target[1]);
  return {
    buffer: compileNetwork(trained.parameters, scales, names.vocabulary),
    rows: rows.length,
    epochs: trained.epochs,
    validation,
  };
}

/** Standardising worked into the first layer: w (x - m) / s = (w / s) x - w m / s. */
function foldInputs({ weights, biases }: Layer, { mean, deviation }: Scales): void {
  const width = biases.length;
  for (let i = 0; i < mean.length; i += 1) {
    for (let o = 0; o < width; o += 1) {
      const weight = (weights[i * width + o] ?? 0) / (deviation[i] ?? 1);
      weights[i * width + o] = weight;
      biases[o] = (biases[o] ?? 0) - weight * (mean[i] ?? 0);
    }
  }
}

function foldTarget({ weights, biases }: Layer, output: number, scale: number): void {
  for (let at = output; at < weights.length; at += OUTPUTS) weights[at] = (weights[at] ?? 0) * scale;
  biases[output] = (biases[output] ?? 0) * scale;
}

function silence(layer: Layer, output: number): void {
  foldTarget(layer, output, 0);
}
