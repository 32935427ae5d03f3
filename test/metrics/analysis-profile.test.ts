import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  partialSpearman,
  pearsonWithInterval,
  slope,
  spearman,
  spearmanWithInterval,
} from '../../src/metrics/analysis/correlation.ts';
import { profile } from '../../src/metrics/analysis/profile.ts';
import { medianInterval } from '../../src/metrics/analysis/robust.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { record, seeded } from './support/records.ts';

function normals(seed: number): () => number {
  const random = seeded(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Share of samples whose 95 % interval holds the truth. */
function coverage(runs: number, holds: (seed: number) => boolean): number {
  let held = 0;
  for (let seed = 0; seed < runs; seed += 1) if (holds(seed)) held += 1;
  return held / runs;
}

/** Pairs of normals with that correlation. */
function pairs(seed: number, count: number, correlation: number): [number[], number[]] {
  const normal = normals(seed);
  const xs = Array.from({ length: count }, normal);
  const ys = xs.map((x) => correlation * x + Math.sqrt(1 - correlation ** 2) * normal());
  return [xs, ys];
}

describe('intervals', () => {
  it("of Pearson's, Spearman's, a slope and a median hold the truth about 95 times in 100", () => {
    const within = (interval: { readonly low: number; readonly high: number }, truth: number) =>
      interval.low <= truth && truth <= interval.high;
    // Spearman's of a bivariate normal: 6 / pi asin(r / 2).
    const rank = (6 / Math.PI) * Math.asin(0.6 / 2);
    const shares = [
      coverage(600, (seed) => within(pearsonWithInterval(...pairs(seed, 60, 0.6)), 0.6)),
      coverage(600, (seed) => within(spearmanWithInterval(...pairs(seed, 60, 0.6)), rank)),
      coverage(600, (seed) => within(slope(...pairs(seed, 60, 0.6)), 0.6)),
      coverage(600, (seed) => within(medianInterval(pairs(seed, 61, 0)[0]), 0)),
    ];
    for (const share of shares) {
      expect(share).toBeGreaterThan(0.92);
      expect(share).toBeLessThan(0.98);
    }
  });

  it('stay within -1..1, hold the value, and heed no order and no scale (property)', () => {
    const list = fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), {
      minLength: 5,
      maxLength: 60,
    });
    fc.assert(
      fc.property(list, (points) => {
        const xs = points.map(([x]) => x);
        const ys = points.map(([, y]) => y);
        const { value, low, high, count } = spearmanWithInterval(xs, ys);
        expect(count).toBe(points.length);
        if (Number.isNaN(value)) return;
        expect(value).toBeCloseTo(spearman(xs, ys), 12);
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(value + 1e-12);
        expect(high).toBeGreaterThanOrEqual(value - 1e-12);
        const swapped = spearmanWithInterval(ys, xs);
        expect(swapped.value).toBeCloseTo(value, 9);
        const stretched = spearmanWithInterval(
          xs.map((x) => x ** 3 + 4),
          ys,
        );
        expect(stretched.value).toBeCloseTo(value, 9);
        const partial = partialSpearman(
          xs,
          ys,
          ys.map(() => 7),
        );
        expect(partial.value).toBeCloseTo(value, 9);
      }),
    );
  });

  it('are open where there is next to nothing to go by', () => {
    expect(spearmanWithInterval([1, 2, 3], [1, 2, 4])).toMatchObject({ value: 1, low: -1, high: 1 });
    expect(pearsonWithInterval([1], [1]).value).toBeNaN();
    expect(slope([2, 2, 2], [1, 2, 3]).value).toBeNaN();
  });
});

describe('a profile', () => {
  /** Latency follows size and load; in flight follows size, and does nothing of its own. */
  function records(count: number): TransferRecord[] {
    const random = seeded(8);
    const normal = normals(9);
    return Array.from({ length: count }, () => {
      const dataSize = Math.round(1024 * 2 ** (random() * 12));
      const systemLoad = random();
      const inFlight = 1 + Math.round(Math.max(0, Math.log2(dataSize / 1024) / 3 + normal() * 0.5));
      const compression = dataSize > 100_000 && random() < 0.8;
      const warm = random() < 0.5;
      const latencyUs = (200 + dataSize / 500) * Math.exp(0.8 * systemLoad + (warm ? -0.7 : 0) + 0.2 * normal());
      return record({ dataSize, systemLoad, inFlight, compression, warm, latencyUs, format: 'numpy' });
    });
  }

  it('credits size, load and warmth with what is theirs, and not what goes along with size', () => {
    const { quantities, groupings, count } = profile(records(2_000));
    expect(count).toBe(2_000);
    const byName = new Map(quantities.map((each) => [each.quantity, each]));
    expect(byName.get('dataSize')?.correlation.low).toBeGreaterThan(0.7);
    expect(byName.get('dataSize')?.elasticity?.value).toBeGreaterThan(0.3);
    expect(byName.get('systemLoad')?.givenSize?.low).toBeGreaterThan(0.3);
    const inFlight = byName.get('inFlight');
    expect(inFlight?.correlation.low).toBeGreaterThan(0.5);
    expect(Math.abs(inFlight?.givenSize?.value ?? 1)).toBeLessThan(0.15);
    // Never varied, so nothing is said.
    expect(byName.has('availableMemory')).toBe(false);
    expect(groupings.map(({ grouping }) => grouping)).toEqual(['compression', 'warm']);
    const [compression, warm] = groupings;
    expect(compression?.correlation?.low).toBeGreaterThan(0.5);
    for (const level of compression?.levels ?? []) expect(level.ratioGivenSize).toBeCloseTo(1, 0.9);
    expect(warm?.givenSize?.high).toBeLessThan(-0.3);
    const [hot, cold] = [...(warm?.levels ?? [])].sort((a, b) => a.ratioGivenSize - b.ratioGivenSize);
    expect(hot?.value).toBe('true');
    expect((cold?.ratioGivenSize ?? 0) / (hot?.ratioGivenSize ?? 1)).toBeCloseTo(Math.exp(0.7), 0.5);
    expect((cold?.latencyUs.count ?? 0) + (hot?.latencyUs.count ?? 0)).toBe(2_000);
  });

  it('heeds successes only, and answers for none', () => {
    expect(profile([record({ outcome: 'failed' })])).toMatchObject({ count: 0, quantities: [], groupings: [] });
    const mixed = [...records(100), ...Array.from({ length: 100 }, () => record({ outcome: 'failed', systemLoad: 1 }))];
    expect(profile(mixed)).toEqual(profile(mixed.slice(0, 100)));
  });
});
