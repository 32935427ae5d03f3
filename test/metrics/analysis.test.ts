import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Baseline,
  baselineFromJson,
  baselineToJson,
  copyBaseline,
  newBaseline,
  observe,
  reportOf,
} from '../../src/metrics/analysis/baseline.ts';
import { bottleneck, explainRise } from '../../src/metrics/analysis/bottleneck.ts';
import { pearson, spearman } from '../../src/metrics/analysis/correlation.ts';
import { groupAlarms } from '../../src/metrics/analysis/grouping.ts';
import { outliers } from '../../src/metrics/analysis/robust.ts';
import { record, seeded } from './support/records.ts';

/** Simulated weeks of 2 000 transfers of one kind each: PITWALL_WEEKS=10000 for the long form. */
const WEEKS = Number(process.env.PITWALL_WEEKS ?? 60);
const SCATTERS = [0.1, 0.2, 0.3, 0.4];

function latencies(seed: number, scatter: number): (median: number) => number {
  const random = seeded(seed);
  return (median) =>
    median * Math.exp(scatter * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

function feed(
  baseline: Baseline,
  values: Iterable<number>,
): { readonly baseline: Baseline; readonly alarms: number[] } {
  let state = copyBaseline(baseline);
  const alarms: number[] = [];
  let index = 0;
  for (const value of values) {
    const { next, regression } = observe(state, value);
    state = next;
    if (regression !== undefined) alarms.push(index);
    index += 1;
  }
  return { baseline: state, alarms };
}

describe('a baseline', () => {
  it(`raises less than one false alarm in ten of ${WEEKS} calm weeks, and finds 20 % more in 200 transfers in over 95 %`, () => {
    let falseAlarms = 0;
    let found = 0;
    let shifts = 0;
    for (const [place, scatter] of SCATTERS.entries()) {
      for (let week = 0; week < WEEKS; week += 1) {
        const draw = latencies(week * 31 + place, scatter);
        const calm = feed(
          newBaseline(),
          Array.from({ length: 2500 }, () => draw(500)),
        );
        falseAlarms += calm.alarms.length;
        const shifted = feed(
          calm.baseline,
          Array.from({ length: 200 }, () => draw(600)),
        );
        shifts += 1;
        if (shifted.alarms.length > 0) found += 1;
      }
    }
    expect(falseAlarms / shifts).toBeLessThan(0.1);
    expect(found / shifts).toBeGreaterThan(0.95);
  });

  it('can be stored and read again, and nothing else is taken for one', () => {
    const draw = latencies(2, 0.2);
    const { baseline } = feed(
      newBaseline(),
      Array.from({ length: 700 }, () => draw(500)),
    );
    expect(baselineFromJson(JSON.parse(JSON.stringify(baselineToJson(baseline))))).toEqual(baseline);
    for (const garbage of [undefined, null, 3, 'x', [], {}, { version: 1 }, { ...baselineToJson(baseline), numbers: ['x'] }])
      expect(baselineFromJson(garbage)).toBeUndefined();
  });

  it('estimates how much slower it has become', () => {
    const draw = latencies(5, 0.2);
    const { baseline } = feed(
      newBaseline(),
      Array.from({ length: 2000 }, () => draw(1000)),
    );
    let state = baseline;
    for (let transfer = 0; transfer < 200; transfer += 1) {
      const { next, regression } = observe(state, draw(1500));
      state = next;
      if (regression === undefined) continue;
      expect(regression.ratio).toBeGreaterThan(1.25);
      expect(regression.ratio).toBeLessThan(1.8);
      expect(regression.baselineUs).toBeGreaterThan(900);
      return;
    }
    throw new Error('the canary did not ring');
  });

  it('follows a slow trend without alarm, and does not swallow a regression that lasts', () => {
    const draw = latencies(9, 0.25);
    const slow = feed(
      newBaseline(),
      Array.from({ length: 60_000 }, (_, index) => draw(500 * (1 + (0.3 * index) / 60_000))),
    );
    expect(slow.alarms).toEqual([]);
    expect(reportOf(slow.baseline).medianUs).toBeGreaterThan(600);
    const lasting = feed(
      slow.baseline,
      Array.from({ length: 3000 }, () => draw(650 * 1.25)),
    );
    expect(lasting.alarms.length).toBe(1);
    expect(reportOf(lasting.baseline).status).toBe('regressed');
  });

  it('does not take a few wild values, or a speed-up, for a regression', () => {
    const draw = latencies(11, 0.2);
    const { baseline } = feed(
      newBaseline(),
      Array.from({ length: 1000 }, () => draw(500)),
    );
    const wild = feed(
      baseline,
      Array.from({ length: 2000 }, (_, index) => (index % 50 === 0 ? 500_000 : draw(500))),
    );
    expect(wild.alarms).toEqual([]);
    expect(
      feed(
        baseline,
        Array.from({ length: 2000 }, () => draw(300)),
      ).alarms,
    ).toEqual([]);
    expect(feed(baseline, [0, Number.MIN_VALUE, 1e300]).alarms).toEqual([]);
  });
});

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
