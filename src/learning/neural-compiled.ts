/**
 * A trained network as one ArrayBuffer of flat arrays: transferred between threads without a copy, stored as it is, read without parsing.
 *
 *   byte 0   u32 magic 'PWNN' | u32 version | u32 checksum of all that follows byte 12 | u32 meta bytes
 *       16   u32 inputs | u32 first hidden units | u32 second hidden units | u32 outputs
 *       32   f64 low[inputs]           range of each input in the rows that it was trained on
 *            f64 high[inputs]
 *            f64 parameters[]          weights by input, then biases, layer by layer; scales of inputs and targets are worked in
 *            u8  meta[]                JSON, UTF-8: vocabulary
 *
 * Inputs are held within their range: where the trees stop, a network would go on along a straight line into what nobody has measured.
 */
import { PitwallError } from '../errors.ts';
import { type CompiledMeta, checkedMeta, checksum } from './compiled-trees.ts';
import { NEURAL_SHAPE } from './neural-inputs.ts';
import { zeroCopyProbabilityOf } from './neural-loss.ts';
import {
  forward,
  GRPC_LATENCY,
  type Layers,
  layersOf,
  OUTPUTS,
  parameterCount,
  type Scratch,
  scratchOf,
  ZERO_COPY_LATENCY,
} from './neural-network.ts';
import type { Lane } from './types.ts';

export const NEURAL_VERSION = 1;

const MAGIC = 0x4e4e5750;
const HEADER_BYTES = 32;
const CHECKED_FROM = 12;
const MAX_META_BYTES = 65_536;
/** No trained weight is near it; products of larger ones would not stay finite. */
const MAX_WEIGHT = 1e6;

const { inputs: INPUTS, first: FIRST, second: SECOND } = NEURAL_SHAPE;
const PARAMETERS = parameterCount(NEURAL_SHAPE);
const META_FROM = HEADER_BYTES + (2 * INPUTS + PARAMETERS) * 8;

export interface NetworkRange {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** @param parameters of NEURAL_SHAPE, for inputs as they come */
export function compileNetwork(parameters: Float64Array, { low, high }: NetworkRange, meta: CompiledMeta): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(meta));
  const buffer = new ArrayBuffer(META_FROM + text.length);
  const view = new DataView(buffer);
  for (const [index, value] of [MAGIC, NEURAL_VERSION, 0, text.length, INPUTS, FIRST, SECOND, OUTPUTS].entries()) {
    view.setUint32(index * 4, value, true);
  }
  let at = HEADER_BYTES;
  for (const values of [low, high, parameters]) {
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  }
  new Uint8Array(buffer, META_FROM).set(text);
  view.setUint32(8, checksum(new Uint8Array(buffer, CHECKED_FROM)), true);
  return buffer;
}

/** A network that was checked and can be asked. What it says follows from the row alone; the scratch space inside is overwritten by each call. */
export class CompiledNetwork {
  readonly meta: CompiledMeta;
  /** Room for a row, to be filled before `run`. */
  readonly row = new Float64Array(INPUTS);
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #layers: Layers;
  readonly #scratch: Scratch = scratchOf(NEURAL_SHAPE);
  #ran = false;

  /** @throws PitwallError `PITWALL_INVALID_MODEL` with the reason, for a buffer that `compileNetwork` of this version cannot have made. */
  constructor(buffer: ArrayBuffer) {
    this.meta = checkedHeader(buffer);
    this.#low = new Float64Array(buffer, HEADER_BYTES, INPUTS);
    this.#high = new Float64Array(buffer, HEADER_BYTES + INPUTS * 8, INPUTS);
    this.#layers = layersOf(NEURAL_SHAPE, new Float64Array(buffer, HEADER_BYTES + 2 * INPUTS * 8, PARAMETERS));
    this.#checkNumbers();
  }

  /** Passes `row` through. A decision asks for both lanes and the method of one row: the same row again costs a comparison. */
  run(): void {
    const { input } = this.#scratch;
    let changed = !this.#ran;
    for (let i = 0; i < INPUTS; i += 1) {
      const value = Math.max(this.#low[i] ?? 0, Math.min(this.#high[i] ?? 0, this.row[i] ?? 0));
      if (value !== input[i]) {
        input[i] = value;
        changed = true;
      }
    }
    if (!changed) return;
    forward(this.#layers, this.#scratch);
    this.#ran = true;
  }

  /** Of the last run: natural log of the factor on the cost model's estimate. */
  latency(lane: Lane): number {
    return this.#scratch.output[lane === 'grpc' ? GRPC_LATENCY : ZERO_COPY_LATENCY] ?? 0;
  }

  /** Of the last run: what the softmax says of zero-copy. */
  zeroCopyProbability(): number {
    return zeroCopyProbabilityOf(this.#scratch.output);
  }

  #checkNumbers(): void {
    for (let i = 0; i < INPUTS; i += 1) {
      const [low, high] = [this.#low[i] ?? Number.NaN, this.#high[i] ?? Number.NaN];
      if (!(low <= high && Number.isFinite(low) && Number.isFinite(high))) refuse(`input ${i} ranges ${low}..${high}`);
    }
    for (const [index, value] of this.#layers.flat.entries()) {
      if (!(Math.abs(value) <= MAX_WEIGHT)) refuse(`parameter ${index} is ${value}`);
    }
  }
}

function checkedHeader(buffer: ArrayBuffer): CompiledMeta {
  const bytes = buffer.byteLength;
  if (bytes < META_FROM) refuse(`${bytes} bytes are less than a network`);
  if (bytes > META_FROM + MAX_META_BYTES) refuse(`${bytes} bytes are more than ${META_FROM + MAX_META_BYTES}`);
  const view = new DataView(buffer);
  const word = (index: number): number => view.getUint32(index * 4, true);
  if (word(0) !== MAGIC) refuse('it is no compiled network');
  if (word(1) !== NEURAL_VERSION) refuse(`version ${word(1)}, expected ${NEURAL_VERSION}`);
  for (const [index, expected] of [INPUTS, FIRST, SECOND, OUTPUTS].entries()) {
    if (word(4 + index) !== expected) refuse(`layer ${index} is ${word(4 + index)} wide, expected ${expected}`);
  }
  if (META_FROM + word(3) !== bytes) refuse(`${bytes} bytes, its header says ${META_FROM + word(3)}`);
  if (word(2) !== checksum(new Uint8Array(buffer, CHECKED_FROM))) refuse('the checksum is wrong');
  return checkedMeta(new Uint8Array(buffer, META_FROM));
}

function refuse(reason: string): never {
  throw new PitwallError('PITWALL_INVALID_MODEL', `model refused: ${reason}`);
}
