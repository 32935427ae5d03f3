import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bottleneck, explainRise } from '../../src/metrics/analysis/bottleneck.ts';
import { pearson, spearman } from '../../src/metrics/analysis/correlation.ts';
import { groupAlarms } from '../../src/metrics/analysis/grouping.ts';
import { outliers } from '../../src/metrics/analysis/robust.ts';
import { record, seeded } from './support/records.ts';

function latencies(seed: number, scatter: number): (median: number) => number {
  const random = seeded(seed);
  return (median) =>
    median * Math.exp(scatter * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

describe('outliers', () => {
  it('are found where they are, and calm values have hardly any', () => {
    const draw = latencies(3, 0.3);
    const calm = Array.from({ length: 2000 }, () => draw(500));
    expect(outliers(calm).length).toBeLessThan(8);
    const values = calm.map((value, index) => (index % 100 === 7 ? value * 12 : value));
    const found = new Set(outliers(values).map(({ index }) => index));
    for (let index = 7; index < values.length; index += 100) expect(found.has(index)).toBe(true);
    expect(outliers([1, 2, 3])).toEqual([]);
    expect(outliers(new Array(50).fill(10))).toEqual([]);
  });
});

describe('correlations', () => {
  it('are 1 for what rises together, by rank for any monotonic relation (property)', () => {
    const distinct = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 50 });
    fc.assert(
      fc.property(distinct, (xs) => {
        expect(
          pearson(
            xs,
            xs.map((x) => 3 * x + 7),
          ),
        ).toBeCloseTo(1, 9);
        expect(
          spearman(
            xs,
            xs.map((x) => -(x ** 3)),
          ),
        ).toBeCloseTo(-1, 9);
      }),
    );
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(spearman([1, 2, 2, 3], [1, 2, 2, 3])).toBeCloseTo(1, 9);
  });
});

describe('a bottleneck', () => {
  const parts = (overrides: Partial<Parameters<typeof record>[0]>) =>
    Array.from({ length: 50 }, () =>
      record({ latencyUs: 1000, serializeUs: 100, transportUs: 600, workerUs: 50, ...overrides }),
    );

  it('is the part that takes most, or waiting where no part does', () => {
    expect(bottleneck(parts({}))).toMatchObject({ part: 'transport', transfers: 50 });
    expect(bottleneck(parts({ latencyUs: 5000 }))?.part).toBe('wait');
    expect(bottleneck(parts({ serializeUs: undefined, transportUs: undefined, workerUs: undefined }))).toBeUndefined();
  });

  it('explains a rise by the part that rose', () => {
    const [first] = explainRise(parts({}), parts({ latencyUs: 1500, serializeUs: 590 }));
    expect(first).toMatchObject({ part: 'serialize', risenUs: 490 });
    expect(explainRise(parts({}), parts({}))).toEqual([]);
  });
});

describe('alarms', () => {
  it('that began together are one group, with what happened just before', () => {
    const alarm = (sinceUs: number, name: string) => ({ atUs: sinceUs + 5_000_000, sinceUs, name });
    const deploy = { atUs: 95_000_000, kind: 'deploy', detail: 'v2' };
    const restart = { atUs: 900_000_000, kind: 'restart', detail: 'worker 1' };
    const groups = groupAlarms(
      [alarm(100_000_000, 'a'), alarm(950_000_000, 'c'), alarm(120_000_000, 'b')],
      [deploy, restart],
    );
    expect(groups.map((group) => group.alarms.map(({ name }) => name))).toEqual([['a', 'b'], ['c']]);
    expect(groups.map((group) => group.suspects)).toEqual([[deploy], [restart]]);
  });
});
