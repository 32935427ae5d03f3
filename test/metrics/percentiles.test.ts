import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/metrics/byte-buffer.ts';
import { QuantileSketch } from '../../src/metrics/sketch.ts';
import { record, START_US } from './support/records.ts';
import { stores } from './support/stores.ts';

const { open } = stores();
const QUANTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p999', 0.999],
] as const;

/** The value at a rank, as the sketch defines it: the one at floor(q * (n - 1)) of the sorted values. */
function exact(sorted: readonly number[], q: number): number {
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
}

const value = fc.oneof(
  fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
  fc.integer({ min: 0, max: 1000 }),
  fc.constantFrom(0, 1, 0.5, 1e6, 1e-9),
);

describe('percentiles', () => {
  it('are within 1 % of the exact ones, merged in any grouping, through bytes and back (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 8 }),
        (groups) => {
          const merged = new QuantileSketch();
          for (const [index, group] of groups.entries()) {
            const part = new QuantileSketch();
            for (const item of group) part.add(item);
            if (index % 2 === 0) merged.merge(part);
            else {
              const writer = new ByteWriter();
              part.write(writer);
              merged.mergeFrom(new ByteReader(writer.finish()));
            }
          }
          const sorted = groups
            .flat()
            .map((item) => (item < 1e-6 ? 0 : item))
            .sort((a, b) => a - b);
          expect(merged.count).toBe(sorted.length);
          expect(merged.quantiles([0, 0.5, 0.95, 1])).toEqual([0, 0.5, 0.95, 1].map((q) => merged.quantile(q)));
          for (const [, q] of QUANTILES) {
            const truth = exact(sorted, q);
            expect(Math.abs(merged.quantile(q) - truth)).toBeLessThanOrEqual(truth * 0.01 + 1e-9);
          }
        },
      ),
    );
  });

  it('of a store, over any range and any split into batches, are those of the records (property)', async () => {
    const transfer = fc.record({
      at: fc.integer({ min: 0, max: 400_000_000 }),
      latencyUs: value,
      cpuTimeUs: fc.option(value, { nil: undefined }),
    });
    const input = fc.record({
      batches: fc.array(fc.array(transfer, { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 5 }),
      from: fc.integer({ min: 0, max: 200_000_000 }),
      length: fc.integer({ min: 1_000_000, max: 400_000_000 }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ batches, from, length }) => {
        const { store } = await open({ dataDir: false });
        for (const batch of batches)
          await store.append(batch.map(({ at, ...fields }) => record({ ...fields, timestampUs: START_US + at })));
        const within = batches.flat().filter(({ at }) => at >= from && at < from + length);
        const result = store.statistics({ pool: 'ml', fromUs: START_US + from, toUs: START_US + from + length });
        expect(result.count).toBe(within.length);
        for (const quantity of ['latencyUs', 'cpuTimeUs'] as const) {
          const sorted = within
            .map((fields) => fields[quantity])
            .filter((item) => item !== undefined)
            .map((item) => (item < 1e-6 ? 0 : item))
            .sort((a, b) => a - b);
          const found = result.quantities[quantity];
          expect(found?.count ?? 0).toBe(sorted.length);
          if (found === undefined) continue;
          for (const [name, q] of QUANTILES) {
            const truth = exact(sorted, q);
            expect(Math.abs(found[name] - truth)).toBeLessThanOrEqual(truth * 0.01 + 1e-9);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
