import { tableFromArrays } from 'apache-arrow';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunksOf, contiguous } from '../../src/transports/encodable.ts';
import { compress, decodePayload, decompress, encodePayload } from '../../src/transports/payload.ts';
import { decodeTensor, type TensorData, tensor } from '../../src/transports/tensor.ts';

/** As the other side sees it: encoded into the middle of a larger buffer at an aligned place, as a slice of shared memory is. */
async function travel(
  payload: unknown,
  label = {},
): Promise<{ value: unknown; dataType: string; format: string; memory: ArrayBuffer }> {
  const { dataType, format, content } = await encodePayload(payload, label);
  const memory = new ArrayBuffer(content.byteLength + 128);
  const slice = new Uint8Array(memory, 64, content.byteLength);
  content.writeTo(slice, 0);
  expect(Buffer.from(slice).equals(contiguous(content))).toBe(true);
  expect(Buffer.concat([...chunksOf(content, 1_000)]).equals(slice)).toBe(true);
  return { value: await decodePayload(dataType, format, slice), dataType, format, memory };
}

const ARRAYS: readonly [string, TensorData][] = [
  ['float32', Float32Array.of(1.5, -2, 3)],
  ['float64', Float64Array.of(Math.PI, Number.NaN)],
  ['int8', Int8Array.of(-1, 2)],
  ['int16', Int16Array.of(-300, 2)],
  ['int32', Int32Array.of(-70_000)],
  ['int64', BigInt64Array.of(-1n, 2n ** 62n)],
  ['uint8', Uint8Array.of(255)],
  ['uint16', Uint16Array.of(65_535)],
  ['uint32', Uint32Array.of(2 ** 32 - 1)],
  ['uint64', BigUint64Array.of(2n ** 64n - 1n)],
];

describe('tensors', () => {
  it.each(ARRAYS)('%s arrives as a view of the bytes, in its shape', async (dtype, data) => {
    const { value, memory } = await travel(tensor(data, [1, data.length]));
    expect(value).toEqual({ data, shape: [1, data.length], dtype });
    expect(value).toHaveProperty('data.buffer', memory);
  });

  it("any shape up to numpy's number of axes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }), async (shape) => {
        const data = new Float32Array(shape.reduce((total, length) => total * length, 1)).map((_, i) => i);
        const { value } = await travel(tensor(data, shape));
        expect(value).toEqual({ data, shape, dtype: 'float32' });
      }),
    );
  });

  it('bits that JavaScript has no array for keep their type', async () => {
    expect((await travel(tensor(Uint16Array.of(15_360), [1], 'float16'))).value).toMatchObject({ dtype: 'float16' });
    expect((await travel(tensor(Uint8Array.of(0, 1), [2], 'bool'))).value).toMatchObject({ dtype: 'bool' });
    expect((await travel(Uint8ClampedArray.of(3))).value).toEqual({
      data: Uint8Array.of(3),
      shape: [1],
      dtype: 'uint8',
    });
  });

  it('reads what numpy itself writes', () => {
    // numpy.save of numpy.arange(3, dtype='<i2') by numpy 1.24.
    const header = `\x93NUMPY\x01\x00v\x00{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }${' '.repeat(60)}\n`;
    const bytes = Buffer.concat([Buffer.from(header, 'latin1'), Buffer.from([0, 0, 1, 0, 2, 0])]);
    expect(bytes.length).toBe(128 + 6);
    expect(decodeTensor(bytes)).toEqual({ data: Int16Array.of(0, 1, 2), shape: [3], dtype: 'int16' });
  });

  it.each([
    ['a shape of other size', () => tensor(new Float32Array(3), [2])],
    ['a negative axis', () => tensor(new Float32Array(0), [-0.5, 0])],
    ['too many axes', () => tensor(new Float32Array(1), new Array(65).fill(1))],
    ['a type that the array does not hold', () => tensor(new Float32Array(1), [1], 'int32')],
  ])('refuses %s', (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'PITWALL_INVALID_ARGUMENT' }));
  });

  it('bytes that are no .npy give an error, whatever they are', () => {
    const start = Buffer.from(
      "\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,), }",
      'latin1',
    );
    expect(() => decodeTensor(start)).toThrow(/fewer bytes/);
    void fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(60), (noise, keep) => {
        const bytes = Buffer.concat([start.subarray(0, keep), noise]);
        try {
          decodeTensor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});

describe('other payloads', () => {
  it('bytes arrive as a view, text and JSON as themselves', async () => {
    const { value, memory } = await travel(Buffer.from('abc'));
    expect(value).toEqual(Buffer.from('abc'));
    expect(value).toHaveProperty('buffer', memory);
    for (const bytes of [new ArrayBuffer(4), new SharedArrayBuffer(4), new DataView(new ArrayBuffer(4))]) {
      expect(await travel(bytes)).toMatchObject({ dataType: 'binary', value: Buffer.alloc(4) });
    }
    for (const plain of ['', 'naïve 🚀', null, 0, false, [1, { a: 'ü' }], { data: 1, shape: 2 }]) {
      expect((await travel(plain)).value).toEqual(plain);
    }
  });

  it('JSON of any document', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (document) => {
        expect((await travel([document])).value).toEqual(JSON.parse(JSON.stringify([document])));
      }),
    );
  });

  it('an Arrow table arrives over the bytes, its buffers as they lie in the table', async () => {
    const table = tableFromArrays({
      n: Float64Array.from({ length: 1_000 }, (_, i) => i),
      s: ['a', 'b'].concat(Array(998).fill('c')),
    });
    const { content } = await encodePayload(table);
    expect(content.parts().some((part) => part.buffer === table.getChild('n')?.data[0]?.values.buffer)).toBe(true);
    const { value, dataType, format, memory } = await travel(table);
    expect({ dataType, format }).toEqual({ dataType: 'dataframe', format: 'arrow' });
    const arrived = value as typeof table;
    expect(arrived.toArray().map(String)).toEqual(table.toArray().map(String));
    expect(arrived.getChild('n')?.data[0]?.values.buffer).toBe(memory);
  });

  it('bytes that are encoded already travel as what they are said to be', async () => {
    const { content } = await encodePayload(tensor(Int32Array.of(1, 2)));
    const npy = contiguous(content);
    expect(await travel(npy, { format: 'numpy' })).toMatchObject({
      dataType: 'tensor',
      value: { data: Int32Array.of(1, 2) },
    });
    expect(await travel(npy, { format: 'parquet', dataType: 'dataframe' })).toMatchObject({
      format: 'parquet',
      value: npy,
    });
    await expect(encodePayload({ a: 1 }, { format: 'json' })).rejects.toMatchObject({ field: 'payload' });
    await expect(encodePayload(npy, { format: '' })).rejects.toMatchObject({ field: 'format' });
  });

  it('what cannot be sent is an error that says so', async () => {
    const cycle: { self?: object } = {};
    cycle.self = cycle;
    for (const bad of [
      undefined,
      () => 1,
      Symbol('s'),
      cycle,
      10n,
      { toJSON: () => undefined },
      { data: new Float32Array(2), shape: [3] },
    ]) {
      await expect(encodePayload(bad)).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
    }
  });

  it('gzip comes back as it was, and never as more than was said', async () => {
    const { content } = await encodePayload('x'.repeat(100_000));
    const packed = contiguous(await compress(content));
    expect(packed.byteLength).toBeLessThan(2_000);
    expect((await decompress(packed, 100_000)).toString()).toBe('x'.repeat(100_000));
    await expect(decompress(packed, 99_999)).rejects.toThrow(RangeError);
  });
});
