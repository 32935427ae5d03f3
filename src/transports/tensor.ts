/** Tensors: typed array and shape, encoded as `.npy` version 1.0 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
import { InvalidArgumentError } from '../errors.ts';
import type { Encodable } from './wire.ts';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Numbers in row-major order, and how many there are along each axis. */
export interface Tensor<Data extends TensorData = TensorData> {
  readonly data: Data;
  readonly shape: readonly number[];
}

/**
 * A tensor over `data`, without a copy.
 * @param shape default: one axis
 * @throws InvalidArgumentError where the shape does not hold as many numbers as there are
 */
export function tensor<Data extends TensorData>(data: Data, shape: readonly number[] = [data.length]): Tensor<Data> {
  const count = shape.reduce((product, length) => product * length, 1);
  if (count !== data.length || shape.some((length) => !Number.isInteger(length) || length < 0)) {
    throw new InvalidArgumentError('shape', shape, `whole numbers whose product is ${data.length}`);
  }
  return { data, shape: Object.freeze([...shape]) };
}

interface ElementType {
  /** numpy's name; little-endian, as every machine that Node runs on. */
  readonly descr: string;
  readonly bytes: number;
  readonly holds: (data: unknown) => boolean;
  readonly over: (buffer: ArrayBufferLike, offset: number, count: number) => TensorData;
}

const ELEMENT_TYPES: readonly ElementType[] = [
  {
    descr: '<f4',
    bytes: 4,
    holds: (data) => data instanceof Float32Array,
    over: (b, o, n) => new Float32Array(b, o, n),
  },
  {
    descr: '<f8',
    bytes: 8,
    holds: (data) => data instanceof Float64Array,
    over: (b, o, n) => new Float64Array(b, o, n),
  },
  { descr: '|i1', bytes: 1, holds: (data) => data instanceof Int8Array, over: (b, o, n) => new Int8Array(b, o, n) },
  { descr: '<i2', bytes: 2, holds: (data) => data instanceof Int16Array, over: (b, o, n) => new Int16Array(b, o, n) },
  { descr: '<i4', bytes: 4, holds: (data) => data instanceof Int32Array, over: (b, o, n) => new Int32Array(b, o, n) },
  {
    descr: '<i8',
    bytes: 8,
    holds: (data) => data instanceof BigInt64Array,
    over: (b, o, n) => new BigInt64Array(b, o, n),
  },
  { descr: '|u1', bytes: 1, holds: (data) => data instanceof Uint8Array, over: (b, o, n) => new Uint8Array(b, o, n) },
  { descr: '<u2', bytes: 2, holds: (data) => data instanceof Uint16Array, over: (b, o, n) => new Uint16Array(b, o, n) },
  { descr: '<u4', bytes: 4, holds: (data) => data instanceof Uint32Array, over: (b, o, n) => new Uint32Array(b, o, n) },
  {
    descr: '<u8',
    bytes: 8,
    holds: (data) => data instanceof BigUint64Array,
    over: (b, o, n) => new BigUint64Array(b, o, n),
  },
];

const MAGIC = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
/** The data starts at a multiple of this, so that it can be viewed in place. */
const ALIGNMENT = 64;

export function isTensor(value: object): value is Tensor {
  return 'data' in value && 'shape' in value && Array.isArray(value.shape) && dtypeOf(value.data) !== undefined;
}

function dtypeOf(data: unknown): string | undefined {
  return ELEMENT_TYPES.find((type) => type.holds(data))?.descr;
}

export function encodeTensor({ data, shape }: Tensor): Encodable {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${dtypeOf(data)}', 'fortran_order': False, 'shape': (${axes}), }`;
  const headerLength = Math.ceil((MAGIC.length + 2 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return {
    byteLength: headerLength + bytes.length,
    writeTo(target, offset) {
      const header = Buffer.alloc(headerLength, 0x20);
      MAGIC.copy(header);
      header.writeUInt16LE(headerLength - MAGIC.length - 2, MAGIC.length);
      header.write(text, MAGIC.length + 2, 'latin1');
      header[headerLength - 1] = 0x0a;
      target.set(header, offset);
      target.set(bytes, offset + headerLength);
    },
  };
}

/**
 * The tensor in `.npy` bytes: a view of them where they are aligned, else a copy.
 * @throws InvalidArgumentError for bytes that are no `.npy`, or of a type that JavaScript has no array for
 */
export function decodeTensor(bytes: Uint8Array): Tensor {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 10 || !view.subarray(0, 6).equals(MAGIC.subarray(0, 6))) throw notNpy('other bytes');
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
  if (dataStart + count * type.bytes > view.length) throw notNpy('fewer bytes than its shape needs');
  return { data: arrayOver(type, view, dataStart, count), shape };
}

function arrayOver(type: ElementType, bytes: Buffer, start: number, count: number): TensorData {
  const offset = bytes.byteOffset + start;
  if (offset % type.bytes === 0) return type.over(bytes.buffer, offset, count);
  return type.over(bytes.buffer.slice(offset, offset + count * type.bytes), 0, count);
}

function notNpy(given: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'payload',
    given,
    'a .npy tensor in C order of a type that JavaScript has an array for',
  );
}
