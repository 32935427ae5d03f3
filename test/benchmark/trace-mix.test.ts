/** The mixture of a trace: seeded, and as wide as it is said to be. */
import { describe, expect, it } from 'vitest';
import { TraceMix } from '../../src/metrics/analysis/benchmark/trace-mix.ts';

describe('the mixture of a trace', () => {
  const mix = new TraceMix(5);
  const runs = Array.from({ length: 6_000 }, () => mix.next());
  const transfers = runs.flatMap((run) => run.transfers);
  const singles = runs.filter(({ width }) => width === 1).flatMap((run) => run.transfers);
  const share = (holds: (transfer: (typeof transfers)[number]) => boolean): number =>
    singles.filter(holds).length / singles.length;

  it('is equal for equal seeds', () => {
    const again = new TraceMix(5);
    expect(runs.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => again.next()));
    expect(new TraceMix(6).next()).not.toEqual(runs[0]);
  });

  it('has sizes from 1 KiB to 64 MiB, spread over their logarithms, large ones rarer and rarer', () => {
    expect(Math.min(...transfers.map(({ dataSize }) => dataSize))).toBeGreaterThanOrEqual(1_024);
    expect(Math.max(...transfers.map(({ dataSize }) => dataSize))).toBeLessThanOrEqual(64 * 2 ** 20);
    const between = (low: number, high: number): number => share(({ dataSize }) => dataSize >= low && dataSize < high);
    // Ten octaves below 1 MiB take the weight of ten times ln 2, all above that of 1.
    expect(between(2 ** 10, 2 ** 15)).toBeCloseTo(between(2 ** 15, 2 ** 20), 1);
    expect(between(2 ** 20, 2 ** 27)).toBeGreaterThan(0.08);
    expect(between(2 ** 20, 2 ** 27)).toBeLessThan(0.16);
    expect(between(2 ** 20, 2 ** 21)).toBeGreaterThan(between(2 ** 21, 2 ** 27));
  });

  it('has every type in both pools, 15 % gzip, and bursts of neighbours through a window', () => {
    expect(new Set(transfers.map(({ pool, dataType }) => `${pool} ${dataType}`)).size).toBe(7);
    expect(share(({ compression }) => compression)).toBeCloseTo(0.15, 1);
    const bursts = runs.filter(({ width }) => width > 1);
    expect(bursts.length / runs.length).toBeGreaterThan(0.02);
    for (const { transfers: burst, width } of bursts) {
      expect(width).toBeLessThanOrEqual(8);
      expect(burst.length).toBeGreaterThanOrEqual(2 * width);
      const [first] = burst;
      for (const { dataSize } of burst) {
        expect(dataSize / (first?.dataSize ?? 1)).toBeGreaterThan(0.49);
        expect(dataSize / (first?.dataSize ?? 1)).toBeLessThan(2.01);
      }
    }
  });

  it('is warm and cold by turns', () => {
    const phases = new Set(Array.from({ length: 1_000 }, (_, index) => mix.warmBytes(index * 100)));
    // 100 seconds of phases of 2 to 8.
    expect(phases.size).toBeGreaterThan(12);
    expect(phases.size).toBeLessThan(51);
    for (const bytes of phases) expect(bytes >= 16 * 1024 && bytes <= 64 * 2 ** 20).toBe(true);
  });
});
