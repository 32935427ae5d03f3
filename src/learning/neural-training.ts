/**
 * Trains the network: He's initialisation (He et al., ICCV 2015), Adam (Kingma & Ba, ICLR 2015) on mini-batches, inverted dropout, early stopping on the last rows in time.
 * Equal data and equal random sequences give equal networks, bit for bit.
 */
import { lossOf } from './neural-loss.ts';
import {
  backward,
  forward,
  type Layer,
  type Layers,
  layersOf,
  type Masks,
  type NetworkShape,
  parameterCount,
  scratchOf,
} from './neural-network.ts';

/** Rows in order of time. */
export interface NeuralData {
  readonly rows: number;
  /** Standardised, row by row. */
  readonly inputs: Float64Array;
  readonly lane: Uint8Array;
  readonly target: Float64Array;
  readonly weight: Float64Array;
  readonly method: Uint8Array;
  readonly methodWeight: Float64Array;
}

export interface NeuralOptions {
  /** Default 100, and fewer where rows times epochs would be more than `visits`. */
  readonly epochs?: number;
  /** Rows that are looked at in all, those of each epoch counted: bounds the time. Default 60 000. */
  readonly visits?: number;
  /** Default 32. */
  readonly batch?: number;
  /** Default 0.002. */
  readonly learningRate?: number;
  /** Share of the hidden units that sit out, each row anew. Default 0.2. */
  readonly dropout?: number;
  /** Share of each weight that a step takes off, times the learning rate (Loshchilov & Hutter, ICLR 2019). Default 0.01. */
  readonly weightDecay?: number;
  /** Share of the rows, the last in time, that early stopping looks at. Default 0.2. */
  readonly validationShare?: number;
  /** Epochs without improvement after which it stops. Default 10. */
  readonly patience?: number;
  /** Looked at after each epoch; true ends the training with what there is. */
  readonly cancelled?: () => boolean;
}

export interface TrainedNetwork {
  readonly parameters: Float64Array;
  /** Epochs that the parameters took; 0: nothing was better than no correction. */
  readonly epochs: number;
  /** Weighted mean absolute error of each lane on the validation rows, in the target's unit: without the network, and with it. */
  readonly errors: readonly [grpc: ValidationErrors, zeroCopy: ValidationErrors];
}

export interface ValidationErrors {
  readonly before: number;
  readonly after: number;
}

/** Share by which a loss must be lower to be an improvement: less is luck with these rows. */
const LEAST_GAIN = 0.002;

type Settings = Required<NeuralOptions>;

const DEFAULTS: Settings = {
  epochs: 100,
  visits: 60_000,
  batch: 32,
  learningRate: 0.002,
  dropout: 0.2,
  weightDecay: 0.01,
  validationShare: 0.2,
  patience: 10,
  cancelled: () => false,
};

/** @param random uniform in [0, 1) */
export function trainNetwork(
  shape: NetworkShape,
  data: NeuralData,
  random: () => number,
  options: NeuralOptions = {},
): TrainedNetwork {
  const settings = { ...DEFAULTS, ...options };
  const trainRows = Math.max(1, Math.floor(data.rows * (1 - settings.validationShare)));
  const layers = initialised(shape, random);
  const step = stepper(shape, layers, data, random, settings);
  const order = Uint32Array.from({ length: trainRows }, (_, row) => row);
  const epochs = Math.min(settings.epochs, Math.ceil(settings.visits / trainRows));
  const before = validate(shape, layers, data, trainRows);
  // The last layer begins at 0, so the first network that is judged is no correction at all.
  let best = { ...before, parameters: layers.flat.slice(), epochs: 0 };
  for (let epoch = 1; epoch <= epochs && !settings.cancelled(); epoch += 1) {
    shuffle(order, random);
    for (let from = 0; from < trainRows; from += settings.batch) step(order.subarray(from, from + settings.batch));
    const after = validate(shape, layers, data, trainRows);
    if (after.loss < (1 - LEAST_GAIN) * best.loss) best = { ...after, parameters: layers.flat.slice(), epochs: epoch };
    else if (epoch - best.epochs >= settings.patience) break;
  }
  const errors = (lane: 0 | 1): ValidationErrors => ({ before: before.errors[lane], after: best.errors[lane] });
  return { parameters: best.parameters, epochs: best.epochs, errors: [errors(0), errors(1)] };
}

/** Hidden weights normal with variance 2 / inputs, biases 0, the last layer 0. */
export function initialised(shape: NetworkShape, random: () => number): Layers {
  const layers = layersOf(shape, new Float64Array(parameterCount(shape)));
  const fill = ({ weights }: Layer, inputs: number): void => {
    const deviation = Math.sqrt(2 / inputs);
    for (let i = 0; i < weights.length; i += 1) weights[i] = deviation * normal(random);
  };
  fill(layers.first, shape.inputs);
  fill(layers.second, shape.first);
  return layers;
}

/** One step of Adam with the mean gradient of some rows. */
function stepper(
  shape: NetworkShape,
  layers: Layers,
  data: NeuralData,
  random: () => number,
  settings: Settings,
): (rows: Uint32Array) => void {
  const scratch = scratchOf(shape);
  const gradient = layersOf(shape, new Float64Array(layers.flat.length));
  const masks = { first: new Float64Array(shape.first), second: new Float64Array(shape.second) };
  const update = adam(layers.flat, gradient.flat, settings);
  return (rows) => {
    gradient.flat.fill(0);
    for (const row of rows) {
      drop(masks, settings.dropout, random);
      scratch.input.set(data.inputs.subarray(row * shape.inputs, (row + 1) * shape.inputs));
      forward(layers, scratch, masks);
      lossOf(scratch.output, truthOf(data, row), scratch.outputDelta);
      backward(layers, gradient, scratch, masks);
    }
    update(rows.length);
  };
}

const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-8;

function adam(parameters: Float64Array, gradient: Float64Array, settings: Settings): (rows: number) => void {
  const first = new Float64Array(parameters.length);
  const second = new Float64Array(parameters.length);
  const kept = 1 - settings.learningRate * settings.weightDecay;
  let steps = 0;
  return (rows) => {
    steps += 1;
    const rate = (settings.learningRate * Math.sqrt(1 - SECOND_DECAY ** steps)) / (1 - FIRST_DECAY ** steps);
    for (let i = 0; i < parameters.length; i += 1) {
      const slope = (gradient[i] ?? 0) / rows;
      const mean = FIRST_DECAY * (first[i] ?? 0) + (1 - FIRST_DECAY) * slope;
      const square = SECOND_DECAY * (second[i] ?? 0) + (1 - SECOND_DECAY) * slope * slope;
      first[i] = mean;
      second[i] = square;
      parameters[i] = kept * (parameters[i] ?? 0) - (rate * mean) / (Math.sqrt(square) + EPSILON);
    }
  };
}

/** Of the validation rows, all units taking part. */
function validate(
  shape: NetworkShape,
  layers: Layers,
  data: NeuralData,
  from: number,
): { readonly loss: number; readonly errors: readonly [number, number] } {
  const scratch = scratchOf(shape);
  const sums = [0, 0];
  const weights = [0, 0];
  let loss = 0;
  for (let row = from; row < data.rows; row += 1) {
    scratch.input.set(data.inputs.subarray(row * shape.inputs, (row + 1) * shape.inputs));
    forward(layers, scratch);
    const truth = truthOf(data, row);
    loss += lossOf(scratch.output, truth, scratch.outputDelta);
    const error = Math.abs((scratch.output[truth.lane] ?? 0) - truth.target);
    sums[truth.lane] = (sums[truth.lane] ?? 0) + truth.weight * error;
    weights[truth.lane] = (weights[truth.lane] ?? 0) + truth.weight;
  }
  const mean = (lane: 0 | 1): number => (weights[lane] ? (sums[lane] ?? 0) / weights[lane] : 0);
  return { loss, errors: [mean(0), mean(1)] };
}

function truthOf(data: NeuralData, row: number) {
  return {
    lane: data.lane[row] ?? 0,
    target: data.target[row] ?? 0,
    weight: data.weight[row] ?? 0,
    method: data.method[row] ?? 0,
    methodWeight: data.methodWeight[row] ?? 0,
  };
}

function drop({ first, second }: Masks, rate: number, random: () => number): void {
  const kept = 1 / (1 - rate);
  for (let i = 0; i < first.length; i += 1) first[i] = random() < rate ? 0 : kept;
  for (let i = 0; i < second.length; i += 1) second[i] = random() < rate ? 0 : kept;
}

/** Fisher-Yates. */
function shuffle(order: Uint32Array, random: () => number): void {
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const held = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = held;
  }
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
