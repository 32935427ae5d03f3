/**
 * A small feed-forward network, forward and backward by hand: two hidden layers of rectified linear units, and at their end one head per lane for the latency and
 * a softmax over the methods (the seed's design).
 *
 *   inputs ─▶ 64 ReLU ─▶ 32 ReLU ─▶ 0 latency gRPC | 1 latency zero-copy | 2, 3 logits of gRPC and zero-copy
 *
 * All parameters lie in one array, so that an optimiser, a test by finite differences and a file see one vector. A layer's weights are kept by input (all outputs of
 * input 0, then of input 1): an input that is 0, as about half of all rectified ones are, is skipped in both directions.
 */

export interface NetworkShape {
  readonly inputs: number;
  readonly first: number;
  readonly second: number;
}

export const OUTPUTS = 4;
export const GRPC_LATENCY = 0;
export const ZERO_COPY_LATENCY = 1;
/** Then zero-copy's. */
export const METHOD_LOGITS = 2;

/** How many numbers a network of this shape has. */
export function parameterCount({ inputs, first, second }: NetworkShape): number {
  return (inputs + 1) * first + (first + 1) * second + (second + 1) * OUTPUTS;
}

/** The layers of a flat vector: views, no copies. */
export interface Layers {
  readonly flat: Float64Array;
  readonly first: Layer;
  readonly second: Layer;
  readonly last: Layer;
}

export interface Layer {
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** @param flat `parameterCount(shape)` numbers: weights, then biases, layer by layer */
export function layersOf(shape: NetworkShape, flat: Float64Array): Layers {
  let at = 0;
  const take = (length: number): Float64Array => {
    at += length;
    return flat.subarray(at - length, at);
  };
  const layer = (from: number, to: number): Layer => ({ weights: take(from * to), biases: take(to) });
  return {
    flat,
    first: layer(shape.inputs, shape.first),
    second: layer(shape.first, shape.second),
    last: layer(shape.second, OUTPUTS),
  };
}

/** Room for one row on its way through, overwritten by each pass. */
export interface Scratch {
  readonly input: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly output: Float64Array;
  /** Derivatives of the loss by what a layer gives; those of `output` are the caller's to fill. */
  readonly outputDelta: Float64Array;
  readonly secondDelta: Float64Array;
  readonly firstDelta: Float64Array;
}

export function scratchOf({ inputs, first, second }: NetworkShape): Scratch {
  return {
    input: new Float64Array(inputs),
    first: new Float64Array(first),
    second: new Float64Array(second),
    output: new Float64Array(OUTPUTS),
    outputDelta: new Float64Array(OUTPUTS),
    secondDelta: new Float64Array(second),
    firstDelta: new Float64Array(first),
  };
}

/** Factors on the hidden units: 0, or 1 / (1 - rate), so that the mean stays (inverted dropout: Srivastava et al., JMLR 15, 2014). */
export interface Masks {
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** From `scratch.input` to `scratch.output`. @param masks undefined: all units take part */
export function forward(layers: Layers, scratch: Scratch, masks?: Masks): void {
  through(layers.first, scratch.input, scratch.first);
  rectify(scratch.first, masks?.first);
  through(layers.second, scratch.first, scratch.second);
  rectify(scratch.second, masks?.second);
  through(layers.last, scratch.second, scratch.output);
}

/**
 * Adds the derivatives of the loss by each parameter to `gradient`, from `scratch.outputDelta`, after a forward pass with the same masks.
 */
export function backward(layers: Layers, gradient: Layers, scratch: Scratch, masks?: Masks): void {
  back(layers.last, gradient.last, scratch.second, scratch.outputDelta, scratch.secondDelta, masks?.second);
  back(layers.second, gradient.second, scratch.first, scratch.secondDelta, scratch.firstDelta, masks?.first);
  back(layers.first, gradient.first, scratch.input, scratch.firstDelta, undefined, undefined);
}

/** Inputs that are not 0 go two at a time: half as many loads and stores of what is summed up (2.8 us a pass became 2.1, on a busy machine). */
function through({ weights, biases }: Layer, from: Float64Array, to: Float64Array): void {
  const width = to.length;
  for (let o = 0; o < width; o += 1) to[o] = biases[o] ?? 0;
  let held = 0;
  let heldRow = -1;
  for (let i = 0; i < from.length; i += 1) {
    const value = from[i] ?? 0;
    if (value === 0) continue;
    const row = i * width;
    if (heldRow < 0) {
      held = value;
      heldRow = row;
      continue;
    }
    for (let o = 0; o < width; o += 1) {
      to[o] = (to[o] ?? 0) + held * (weights[heldRow + o] ?? 0) + value * (weights[row + o] ?? 0);
    }
    heldRow = -1;
  }
  if (heldRow < 0) return;
  for (let o = 0; o < width; o += 1) to[o] = (to[o] ?? 0) + held * (weights[heldRow + o] ?? 0);
}

function rectify(units: Float64Array, mask: Float64Array | undefined): void {
  for (let i = 0; i < units.length; i += 1) {
    const value = units[i] ?? 0;
    units[i] = value > 0 ? value * (mask === undefined ? 1 : (mask[i] ?? 0)) : 0;
  }
}

/**
 * @param from what the layer was given: a unit that is 0 was not active, and passes nothing back
 * @param fromDelta filled with the derivatives by what came before the rectifier; undefined: nobody needs them
 */
function back(
  { weights }: Layer,
  gradient: Layer,
  from: Float64Array,
  delta: Float64Array,
  fromDelta: Float64Array | undefined,
  mask: Float64Array | undefined,
): void {
  const width = delta.length;
  for (let o = 0; o < width; o += 1) gradient.biases[o] = (gradient.biases[o] ?? 0) + (delta[o] ?? 0);
  for (let i = 0; i < from.length; i += 1) {
    const value = from[i] ?? 0;
    if (fromDelta !== undefined) fromDelta[i] = 0;
    if (value === 0) continue;
    const row = i * width;
    let sum = 0;
    for (let o = 0; o < width; o += 1) {
      const change = delta[o] ?? 0;
      gradient.weights[row + o] = (gradient.weights[row + o] ?? 0) + value * change;
      sum += (weights[row + o] ?? 0) * change;
    }
    if (fromDelta !== undefined) fromDelta[i] = sum * (mask === undefined ? 1 : (mask[i] ?? 0));
  }
}
