import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockEncoder, BlockView } from '../../src/metrics/block-codec.ts';
import { recordsOf } from '../../src/metrics/block-records.ts';
import { ByteReader, ByteWriter } from '../../src/metrics/byte-buffer.ts';
import { readNumbers, writeNumbers } from '../../src/metrics/column-codec.ts';
import { MAX_SIZE_BAND, sizeBand, sizeBandBounds, sizeBandLabel } from '../../src/metrics/size-band.ts';
import { atOnce } from '../../src/metrics/slices.ts';
import { record, traffic } from './support/records.ts';

const amount = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 32),
);

describe('a column', () => {
  it('gives every value back bit for bit, in whatever form it is written (property)', () => {
    const column = fc.array(fc.option(amount, { nil: Number.NaN, freq: 4 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(column, (values) => {
        const writer = new ByteWriter(4);
        writeNumbers(writer, Float64Array.from(values), values.length);
        const back = readNumbers(new ByteReader(writer.finish()), values.length);
        expect(typeof back === 'string' ? back : [...back]).toEqual(values);
      }),
    );
  });

  it('takes one byte a row for small integers and none for constants', () => {
    const sized = (values: number[]) => {
      const writer = new ByteWriter();
      writeNumbers(writer, Float64Array.from(values), values.length);
      return writer.length;
    };
    expect(sized(Array.from({ length: 1000 }, (_, row) => 5_000_000 + (row % 200)))).toBe(1009);
    expect(sized(new Array(1000).fill(0.1))).toBe(9);
    expect(sized(new Array(1000).fill(Number.NaN))).toBe(1);
  });
});

describe('a block', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => value.isWellFormed());
  const anyRecord = fc.record({
    transferId: text,
    dataSize: amount,
    latencyUs: amount,
    dataType: text,
    format: text,
    method: fc.constantFrom('grpc' as const, 'zero_copy' as const),
    outcome: fc.constantFrom('success' as const, 'failed' as const, 'ignored' as const),
    warm: fc.option(fc.boolean(), { nil: undefined }),
    cpuTimeUs: fc.option(amount, { nil: undefined }),
    errorCode: fc.option(text, { nil: undefined }),
    throughputMBps: amount,
    predictionError: fc.option(amount, { nil: undefined }),
    explored: fc.boolean(),
  });

  it('holds any valid records and gives them back equal (property)', () => {
    const encoder = new BlockEncoder();
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), (overrides) => {
        const records = overrides.map((fields) => record(fields));
        const [block] = atOnce(encoder.encodeAll(records));
        const view = new BlockView(block?.bytes ?? new Uint8Array());
        const at = recordsOf(view);
        expect(records.map((_, row) => at(row))).toEqual(records);
      }),
      { numRuns: 60 },
    );
  });

  it('says so when one of its bytes was changed (each byte in turn)', () => {
    const [block] = atOnce(new BlockEncoder().encodeAll(traffic({ count: 20 })));
    const bytes = block?.bytes ?? new Uint8Array();
    for (let index = 0; index < bytes.length; index += 1) {
      const damaged = bytes.slice();
      damaged[index] = (damaged[index] ?? 0) ^ 0x10;
      expect(() => new BlockView(damaged)).toThrow(expect.objectContaining({ code: 'PITWALL_STORE_CORRUPT' }));
    }
    for (const length of [0, 1, 5, 6, 100, bytes.length - 1]) {
      expect(() => new BlockView(bytes.slice(0, length))).toThrow(
        expect.objectContaining({ code: 'PITWALL_STORE_CORRUPT' }),
      );
    }
  });

  it('takes less than 80 bytes a record of mixed traffic', () => {
    const blocks = atOnce(new BlockEncoder().encodeAll(traffic({ count: 4096, everyUs: 100 })));
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    expect(bytes / 4096).toBeLessThan(80);
  });
});

describe('size bands', () => {
  it('hold the sizes that their bounds say (property)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(5000), fc.maxSafeNat()), (size) => {
        const band = sizeBand(size);
        const [low, high] = sizeBandBounds(band);
        expect(size >= low && size <= high && band <= MAX_SIZE_BAND).toBe(true);
      }),
    );
    expect([0, 1, 2, 3, 4, 65_536].map(sizeBand)).toEqual([0, 1, 2, 2, 3, 17]);
    expect(sizeBandLabel(17)).toBe('64 KiB..128 KiB');
    expect([Number.NaN, -1, Number.POSITIVE_INFINITY].map(sizeBand)).toEqual([0, 0, 53]);
  });
});
