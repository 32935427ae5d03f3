/** Tensors: typed array and shape, encoded as `.npy` version 1.0 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
import { InvalidArgumentError } from '../errors.ts';
import { type Encodable, encodableOf } from './encodable.ts';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Which array holds which of numpy's types. */
export interface TensorArrays {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int8: Int8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly uint16: Uint16Array;
  readonly uint32: Uint32Array;
  readonly uint64: BigUint64Array;
  readonly float16: Uint16Array;
  readonly bool: Uint8Array;
}

/** Numbers in row-major order, how many there are along each axis, and numpy's name of their type. */
export interface Tensor<Data extends TensorData = TensorData> {
  readonly data: Data;
  readonly shape: readonly number[];
  /** `float32`, `int64`, … `float16` and `bool` have no array of their own: their bits lie in a Uint16Array, a Uint8Array. */
  readonly dtype: string;
}

/**
 * A tensor over `data`, without a copy.
 *
 * @param shape default: one axis
 * @param dtype default: what the array holds; `float16` for the bits in a Uint16Array, `bool` for those in a Uint8Array
 * @throws InvalidArgumentError where the shape does not hold as many numbers as there are, or the type is another one than the array's
 */
export function tensor<Data extends TensorData>(
  data: Data,
  shape: readonly number[] = [data.length],
  dtype?: string,
): Tensor<Data> {
  const type = elementTypeOf(data, dtype);
  if (type === undefined) {
    throw new InvalidArgumentError(
      dtype === undefined ? 'data' : 'dtype',
      dtype ?? data,
      'a type that the array holds',
    );
  }
  checkShape(shape, data.length);
  return { data, shape: Object.freeze([...shape]), dtype: type.name };
}

/** Whether a value can travel as a tensor: an array of numbers and its shape. */
export function isTensor(value: object): value is Pick<Tensor, 'data' | 'shape'> & { readonly dtype?: unknown } {
  return 'data' in value && 'shape' in value && Array.isArray(value.shape) && elementTypeOf(value.data) !== undefined;
}

/** Header and numbers, the numbers as they lie. @throws InvalidArgumentError for a shape that is not the data's */
export function encodeTensor({ data, shape, dtype }: Parameters<typeof headerOf>[0]): Encodable {
  checkShape(shape, data.length);
  const header = headerOf({ data, shape, dtype });
  const place = placeOf(header, data);
  return place === undefined
    ? encodableOf(header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    : encodableOf(place);
}

/** A tensor that is still to be filled, in memory that is given: header first, numbers behind it. */
export interface TensorLayout<Data extends TensorData = TensorData> {
  readonly byteLength: number;
  /** Writes the header into `memory`, which must be as long as `byteLength`, and gives the tensor behind it. */
  over(memory: Uint8Array): Tensor<Data>;
}

/**
 * @throws InvalidArgumentError for a type that JavaScript has no array for, and a shape of other than whole numbers
 */
export function tensorLayout<Type extends keyof TensorArrays>(
  dtype: Type,
  shape: readonly number[],
): TensorLayout<TensorArrays[Type]> {
  const type = ELEMENT_TYPES.find(({ name }) => name === dtype);
  if (type === undefined) {
    throw new InvalidArgumentError('dtype', dtype, [...new Set(ELEMENT_TYPES.map(({ name }) => name))].join(', '));
  }
  if (!Array.isArray(shape)) throw new InvalidArgumentError('shape', shape, 'a list of whole numbers');
  const count = shape.reduce((product, length) => product * length, 1);
  checkShape(shape, count);
  const header = headerOf({ data: new type.Array(new ArrayBuffer(0), 0, 0), shape, dtype });
  return {
    byteLength: header.length + count * type.Array.BYTES_PER_ELEMENT,
    over(memory) {
      memory.set(header);
      // The table pairs each name with its array.
      const data = new type.Array(memory.buffer, memory.byteOffset + header.length, count) as TensorArrays[Type];
      return { data, shape: Object.freeze([...shape]), dtype: type.name };
    },
  };
}

/** Header and numbers in one piece, where the very header lies before the numbers already, as `tensorLayout` puts it. */
function placeOf(header: Buffer, data: TensorData): Uint8Array | undefined {
  const start = data.byteOffset - header.length;
  if (start < 0) return undefined;
  const before = new Uint8Array(data.buffer, start, header.length);
  return header.equals(before) ? new Uint8Array(data.buffer, start, header.length + data.byteLength) : undefined;
}

/**
 * The tensor in `.npy` bytes: a view of them where they are aligned, else a copy.
 * @throws InvalidArgumentError for bytes that are no `.npy`, or of a type that JavaScript has no array for
 */
export function decodeTensor(bytes: Uint8Array): Tensor {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 12 || !view.subarray(0, 6).equals(MAGIC.subarray(0, 6))) throw notNpy('other bytes');
  const longHeader = (view[6] ?? 1) > 1;
  const headerStart = longHeader ? 12 : 10;
  const dataStart = headerStart + (longHeader ? view.readUInt32LE(8) : view.readUInt16LE(8));
  const header = view.toString('latin1', headerStart, dataStart);
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]?.match(/\d+/g)?.map(Number) ?? [];
  const type = ELEMENT_TYPES.find((candidate) => candidate.descr === descr);
  if (type === undefined) throw notNpy(`elements of type ${descr}`);
  if (/'fortran_order':\s*True/.test(header)) throw notNpy('Fortran order');
  const count = shape.reduce((product, length) => product * length, 1);
  if (dataStart + count * type.Array.BYTES_PER_ELEMENT > view.length) throw notNpy('fewer bytes than its shape needs');
  return { data: arrayOver(type, view, dataStart, count), shape, dtype: type.name };
}

interface ElementType {
  readonly name: string;
  /** In a `.npy` header: little-endian, as every machine that Node runs on. */
  readonly descr: string;
  readonly Array: {
    new (buffer: ArrayBufferLike, offset: number, count: number): TensorData;
    readonly BYTES_PER_ELEMENT: number;
  };
}

/** The first type of an array is the one that it holds unless its tensor says otherwise. */
const ELEMENT_TYPES: readonly ElementType[] = [
  { name: 'float32', descr: '<f4', Array: Float32Array },
  { name: 'float64', descr: '<f8', Array: Float64Array },
  { name: 'int8', descr: '|i1', Array: Int8Array },
  { name: 'int16', descr: '<i2', Array: Int16Array },
  { name: 'int32', descr: '<i4', Array: Int32Array },
  { name: 'int64', descr: '<i8', Array: BigInt64Array },
  { name: 'uint8', descr: '|u1', Array: Uint8Array },
  { name: 'uint8', descr: '|u1', Array: Uint8ClampedArray },
  { name: 'uint16', descr: '<u2', Array: Uint16Array },
  { name: 'uint32', descr: '<u4', Array: Uint32Array },
  { name: 'uint64', descr: '<u8', Array: BigUint64Array },
  { name: 'float16', descr: '<f2', Array: Uint16Array },
  { name: 'bool', descr: '|b1', Array: Uint8Array },
];

const MAGIC = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
/** The data starts at a multiple of this, so that it can be viewed in place. */
const ALIGNMENT = 64;
/** As many as numpy allows. */
const MAX_AXES = 64;

function elementTypeOf(data: unknown, dtype?: unknown): ElementType | undefined {
  const fits = (type: ElementType): boolean => data instanceof type.Array && (dtype ?? type.name) === type.name;
  return ELEMENT_TYPES.find(fits);
}

function checkShape(shape: readonly number[], count: number): void {
  const product = shape.reduce((total, length) => total * length, 1);
  const whole = shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (whole && product === count && shape.length <= MAX_AXES) return;
  throw new InvalidArgumentError('shape', shape, `at most ${MAX_AXES} whole numbers whose product is ${count}`);
}

function headerOf(tensor: Pick<Tensor, 'data' | 'shape'> & { readonly dtype?: unknown }): Buffer {
  const { data, shape, dtype } = tensor;
  const type = elementTypeOf(data, dtype);
  if (type === undefined) throw new InvalidArgumentError('dtype', dtype, 'a type that the array holds');
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type.descr}', 'fortran_order': False, 'shape': (${axes}), }`;
  const length = Math.ceil((MAGIC.length + 2 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(length, ' ');
  MAGIC.copy(header);
  header.writeUInt16LE(length - MAGIC.length - 2, MAGIC.length);
  header.write(text, MAGIC.length + 2, 'latin1');
  header.write('\n', length - 1, 'latin1');
  return header;
}

function arrayOver(type: ElementType, bytes: Buffer, start: number, count: number): TensorData {
  const offset = bytes.byteOffset + start;
  const width = type.Array.BYTES_PER_ELEMENT;
  if (offset % width === 0) return new type.Array(bytes.buffer, offset, count);
  return new type.Array(bytes.buffer.slice(offset, offset + count * width), 0, count);
}

function notNpy(given: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'payload',
    given,
    'a .npy tensor in C order of a type that JavaScript has an array for',
  );
}
