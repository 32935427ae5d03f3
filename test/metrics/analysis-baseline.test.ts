import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyResult, type PoolShape, simulatePool } from '../../bench/analysis/pool.ts';
import {
  autoregressive,
  bimodal,
  daily,
  Random,
  type Source,
  sizes,
  studentT3,
  wild,
} from '../../bench/analysis/sources.ts';
import { emptyTrial, foundWithin, quantile, tryKind } from '../../bench/analysis/trial.ts';
import {
  acceptBaseline,
  type BaselineOptions,
  baselineFromJson,
  baselineToJson,
  copyBaseline,
  newBaseline,
  observe,
  reportOf,
} from '../../src/metrics/analysis/baseline.ts';
import { cusumBar, serialInflation } from '../../src/metrics/analysis/cusum.ts';
import { watchOptionsFor } from '../../src/metrics/analysis/watch-options.ts';

/** Weeks of a simulated pool: PITWALL_WEEKS=10000 for the long form, which takes hours; see docs/regressions.md. */
const WEEKS = Number(process.env.PITWALL_WEEKS ?? 100);
const SMALL_POOL: PoolShape = { kinds: 40, rarest: 3, busiest: 400, scatters: [0.1, 0.2, 0.3, 0.4] };

/** What each of a series of transfers made known. `factor` is what the transfer takes, times the usual. */
function follow(
  factors: readonly number[],
  seed: number,
  scatter = 0.25,
  options: BaselineOptions = {},
  baseline = newBaseline(),
) {
  const random = new Random(seed);
  const news: { readonly at: number; readonly what: string; readonly ratio: number; readonly worsened?: boolean }[] =
    [];
  for (const [at, factor] of factors.entries()) {
    const { regression, recovered, improved } = observe(
      baseline,
      800 * factor * Math.exp(scatter * random.normal()),
      options,
    );
    if (regression) news.push({ at, what: 'regression', ratio: regression.ratio, worsened: regression.worsened });
    if (recovered) news.push({ at, what: 'recovered', ratio: recovered.ratio });
    if (improved) news.push({ at, what: 'improved', ratio: improved.ratio });
  }
  return { baseline, news, whats: news.map(({ what }) => what) };
}

function levels(...parts: readonly (readonly [count: number, factor: number])[]): number[] {
  return parts.flatMap(([count, factor]) => new Array<number>(count).fill(factor));
}

describe('a pool of many kinds', () => {
  it(`has fewer than one false alarm a week over ${WEEKS} weeks, and 20 % more is found within 200 transfers in over 95 %`, () => {
    const result = emptyResult();
    for (let seed = 0; seed * 50 < WEEKS; seed += 1) simulatePool(SMALL_POOL, { seed, weeks: 50, shifts: 5 }, result);
    expect(result.alarms / result.weeks).toBeLessThan(0.5);
    for (const { found, shifts } of result.byScatter.values()) expect(found / shifts).toBeGreaterThan(0.95);
  });

  it('shares its allowed alarms out over kinds and transfers', () => {
    const rates = [3, 50, 1_000, 100_000];
    const all = rates.reduce((sum, rate) => sum + rate, 0);
    const options = rates.map((transfersPerWeek) =>
      watchOptionsFor({ transfersPerWeek, poolTransfersPerWeek: all, kinds: rates.length, alarmsPerWeek: 0.25 }),
    );
    const alarms = options.map(({ runLength }, place) => (rates[place] ?? 0) / runLength);
    // The rarest has the shortest run that is allowed at all, so that the sum stays below.
    expect(alarms.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(0.25 + 1e-9);
    expect(alarms.at(-1)).toBeGreaterThan(0.12);
    expect(options.map(({ minTransfers }) => minTransfers)).toEqual([8, 8, 8, 40]);
    expect(options.map(({ learnCount }) => learnCount)).toEqual([60, 60, 200, 200]);
    expect(
      watchOptionsFor({ transfersPerWeek: Number.NaN, poolTransfersPerWeek: 0, kinds: 0 }).runLength,
    ).toBeGreaterThan(0);
  });
});

describe('what latencies really do', () => {
  const disturbances: readonly (readonly [name: string, make: (random: Random) => Source, found: number])[] = [
    ['heavy tails', (random) => studentT3(random, 0.2), 0.9],
    ['one in a hundred takes ten times as long', (random) => wild(random, 0.2), 0.9],
    ['two modes', (random) => bimodal(random, 0.1, 0.5), 0.85],
    ['values that depend on those before', (random) => autoregressive(random, 0.2, 0.3), 0.9],
    ['and more so', (random) => autoregressive(random, 0.2, 0.6), 0.8],
    ['a daily load of 30 %, told', (random) => daily(random, 0.2, 3_000, true), 0.9],
    ['a mix of sizes that changes, told', (random) => sizes(random, 0.2, true, 1_500), 0.9],
  ];

  it.each(disturbances)('%s: no more false alarms than wanted, and 20 % more is found', (_, make, found) => {
    const result = emptyTrial();
    for (let kind = 0; kind < 12; kind += 1)
      tryKind(make(new Random(kind * 7919 + 17)), { calm: 5_000, rise: 1.2, patience: 200 }, result);
    expect(result.falseAlarms).toBeLessThanOrEqual(1);
    expect(foundWithin(result, 200)).toBeGreaterThanOrEqual(found);
    expect(Math.abs(Math.log(quantile(result.estimates, 0.5)))).toBeLessThan(0.08);
  });

  it('a load that is not told is taken for a regression: the canary of the covariate', () => {
    const result = emptyTrial();
    for (let kind = 0; kind < 5; kind += 1)
      tryKind(daily(new Random(kind), 0.2, 3_000, false), { calm: 6_000, rise: 1.2, patience: 1 }, result);
    expect(result.falseAlarms).toBeGreaterThan(5);
  });
});

describe('a baseline', () => {
  it('follows a slow trend without alarm, and says how far it has come', () => {
    const slow = Array.from({ length: 40_000 }, (_, index) => 1 + (0.3 * index) / 40_000);
    const { news, baseline } = follow(slow, 20);
    expect(news).toEqual([]);
    expect(reportOf(baseline).medianUs).toBeGreaterThan(980);
    expect(reportOf(baseline).trend).toBeGreaterThan(1.2);
    expect(follow(levels([3_000, 1.3 * 1.25]), 21, 0.25, {}, baseline).whats).toEqual(['regression']);
  });

  it('takes neither a few wild values nor a speed-up for a regression, nor a rise that is too small', () => {
    const wildOnes = Array.from({ length: 3_000 }, (_, index) => (index > 500 && index % 50 === 0 ? 1_000 : 1));
    expect(follow(wildOnes, 22, 0.2).news).toEqual([]);
    expect(follow(levels([1_000, 1], [500, 0.6]), 23).news).toEqual([]);
    expect(follow(levels([2_000, 1], [10, 8], [2_000, 1]), 24).news).toEqual([]);
    expect(follow(levels([2_000, 1], [3_000, 1.05]), 25).news).toEqual([]);
  });

  it('follows values that never change, and finds the rise of those', () => {
    expect(follow(levels([1_000, 1], [100, 1.3]), 26, 0).whats).toEqual(['regression']);
  });
});

describe('after an alarm', () => {
  it('it rings once, again when it gets worse, and says when it is over', () => {
    for (const seed of [1, 2, 3]) {
      const { news, whats, baseline } = follow(levels([2_000, 1], [2_000, 2], [2_000, 3], [2_000, 1]), seed);
      expect(whats).toEqual(['regression', 'regression', 'recovered']);
      expect(news.map(({ worsened }) => worsened)).toEqual([false, true, undefined]);
      expect(news[0]?.ratio).toBeCloseTo(2, 0);
      expect(news[1]?.ratio).toBeCloseTo(3, 0);
      expect(news[2]?.ratio).toBeCloseTo(1, 0);
      expect(news[2]?.at).toBeLessThan(6_300);
      expect(reportOf(baseline)).toMatchObject({ status: 'watching', ratio: 1 });
    }
  });

  it('a regression that lasts is not swallowed, and partly better is not recovered', () => {
    const { whats, baseline } = follow(levels([2_000, 1], [2_000, 2], [20_000, 1.35]), 4);
    expect(whats).toEqual(['regression']);
    const { status, medianUs, ratio } = reportOf(baseline);
    expect(status).toBe('regressed');
    expect(medianUs).toBeCloseTo(800, -2);
    expect(ratio).toBeCloseTo(1.35, 1);
  });

  it('acceptBaseline makes the present the new normal', () => {
    const { baseline } = follow(levels([2_000, 1], [1_000, 1.5]), 5);
    acceptBaseline(baseline);
    expect(reportOf(baseline)).toMatchObject({ status: 'watching', trend: 1, ratio: 1 });
    expect(reportOf(baseline).medianUs).toBeCloseTo(1200, -2.2);
    expect(follow(levels([3_000, 1.5]), 6, 0.25, {}, copyBaseline(baseline)).news).toEqual([]);
    expect(follow(levels([500, 2]), 7, 0.25, {}, copyBaseline(baseline)).whats).toEqual(['regression']);
    expect(acceptBaseline(newBaseline()).stage).toBe('learning');
  });
});

describe('learning', () => {
  it('forgets a slow start, however long it was', () => {
    for (const cold of [60, 100, 150]) {
      const { news, baseline } = follow(levels([cold, 2], [3_000, 1]), cold);
      expect(news).toEqual([]);
      expect(reportOf(baseline).medianUs).toBeCloseTo(800, -2);
    }
    const { whats, baseline } = follow(levels([1_000, 2], [4_000, 1]), 8);
    expect(whats).toEqual(['improved']);
    expect(reportOf(baseline).medianUs).toBeCloseTo(800, -2);
    expect(follow(levels([300, 1.25]), 9, 0.25, {}, baseline).whats).toEqual(['regression']);
  });

  it('does not swallow a regression that came meanwhile', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { news, baseline } = follow(levels([120, 1], [600, 1.4]), seed, 0.2);
      expect(news.map(({ what }) => what)).toEqual(['regression']);
      expect(news[0]?.ratio).toBeGreaterThan(1.2);
      expect(reportOf(baseline).medianUs).toBeLessThan(900);
    }
  });

  it('takes a kind that never settles as it is, and a sample whose size changes meanwhile', () => {
    const restless = Array.from({ length: 4_000 }, (_, index) => (Math.floor(index / 130) % 2 === 0 ? 4 : 1));
    expect(reportOf(follow(restless, 30, 0.1).baseline).status).not.toBe('learning');
    const { baseline } = follow(levels([128, 1]), 31);
    expect(follow(levels([1, 1]), 32, 0.25, { learnCount: 60 }, baseline).baseline.stage).toBe('watching');
  });

  it('a short improvement is not taken for the new normal, a lasting one is', () => {
    expect(follow(levels([5_000, 1], [1_000, 0.7], [3_000, 1]), 10).whats).toEqual([]);
    expect(follow(levels([1_000, 1], [3_000, 0.7], [500, 1]), 11).whats).toEqual(['improved', 'regression']);
  });
});

describe('a stored baseline', () => {
  const series = fc.array(
    fc.record({
      latencyUs: fc.double({ min: 1, max: 1e7, noNaN: true }),
      dataSize: fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { nil: undefined }),
      inFlight: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
      systemLoad: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 300 },
  );

  it('goes on as if it had not been (property)', () => {
    fc.assert(
      fc.property(series, series, (before, after) => {
        const options = { learnCount: 40, minTransfers: 5, runLength: 1_000, memory: 100 };
        const baseline = newBaseline();
        for (const each of before) observe(baseline, each.latencyUs, options, each);
        const restored = baselineFromJson(JSON.parse(JSON.stringify(baselineToJson(baseline))));
        if (restored === undefined) throw new Error('refused');
        for (const each of after) {
          const { regression, recovered, improved } = observe(baseline, each.latencyUs, options, each);
          expect(observe(restored, each.latencyUs, options, each)).toMatchObject({ regression, recovered, improved });
        }
        expect(baselineToJson(restored)).toEqual(baselineToJson(baseline));
      }),
      { numRuns: 60 },
    );
  });

  it('is refused where anything is wrong with it (property)', () => {
    const learned = baselineToJson(follow(levels([700, 1]), 12).baseline);
    for (const garbage of [undefined, null, 3, 'x', [], {}, { version: 1 }])
      expect(baselineFromJson(garbage)).toBeUndefined();
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(learned)), fc.anything(), (field, value) => {
        const read = baselineFromJson({ ...learned, [field]: value });
        if (read === undefined) return;
        const { medianUs } = reportOf(read);
        expect(medianUs === undefined || medianUs > 0).toBe(true);
        expect(() => observe(read, 100)).not.toThrow();
      }),
    );
  });

  it('stays small: below 3 kB as JSON, and 1 000 learning ones within 4 MB', () => {
    const watched = follow(levels([1_000, 1]), 13).baseline;
    const { length } = JSON.stringify(baselineToJson(watched));
    expect(length).toBeLessThan(3_000);
    const learning = follow(levels([199, 1]), 14).baseline;
    expect(learning.learning.byteLength * 1_000).toBeLessThan(4e6);
    expect(watched.learning.byteLength).toBe(0);
  });
});

describe('odd values', () => {
  it('change nothing or little, whatever they are', () => {
    const { baseline } = follow(levels([1_000, 1]), 15);
    const before = JSON.stringify(baselineToJson(baseline));
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) observe(baseline, value);
    expect(JSON.stringify(baselineToJson(baseline))).toBe(before);
    for (const value of [0, -5, Number.MIN_VALUE, 1e300]) expect(observe(baseline, value).regression).toBeUndefined();
    const hostile = { dataSize: Number.NaN, inFlight: -1, systemLoad: Number.POSITIVE_INFINITY };
    const told = newBaseline();
    for (let index = 0; index < 500; index += 1) observe(told, 500 + (index % 7), {}, hostile);
    expect(reportOf(told).medianUs).toBeCloseTo(503, 0);
  });

  it('a copy is a baseline of its own', () => {
    const { baseline } = follow(levels([1_000, 1]), 16);
    const copy = copyBaseline(baseline);
    const before = JSON.stringify(baselineToJson(copy));
    follow(levels([500, 2]), 17, 0.25, {}, baseline);
    expect(JSON.stringify(baselineToJson(copy))).toBe(before);
  });
});

describe('the bar', () => {
  it('rises with run length, variance and serial correlation (property)', () => {
    const design = fc.record({
      drift: fc.double({ min: 0.05, max: 1, noNaN: true }),
      runLength: fc.double({ min: 1_000, max: 1e8, noNaN: true }),
      variance: fc.double({ min: 0.2, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(design, fc.double({ min: 1, max: 5, noNaN: true }), (given, inflation) => {
        const bar = cusumBar({ ...given, longRunVariance: given.variance });
        expect(cusumBar({ ...given, longRunVariance: given.variance * inflation })).toBeGreaterThanOrEqual(bar);
        expect(
          cusumBar({ ...given, runLength: 2 * given.runLength, longRunVariance: given.variance }),
        ).toBeGreaterThanOrEqual(bar);
      }),
    );
    // Siegmund's own: k = 0.5, h = 4 gives 336 transfers.
    expect(cusumBar({ drift: 0.5, runLength: 336, variance: 1, longRunVariance: 1 })).toBeCloseTo(4, 1);
    expect(serialInflation(0.5)).toBeCloseTo(3, 12);
    expect(serialInflation(-0.5)).toBe(1);
  });

  it('keeps the run length that it promises, near enough', () => {
    const random = new Random(3);
    const drift = 0.25;
    const bar = cusumBar({ drift, runLength: 2_000, variance: 1, longRunVariance: 1 });
    let alarms = 0;
    let sum = 0;
    for (let transfer = 0; transfer < 1_000_000; transfer += 1) {
      sum = Math.max(0, sum + random.normal() - drift);
      if (sum <= bar) continue;
      alarms += 1;
      sum = 0;
    }
    expect(1_000_000 / alarms / 2_000).toBeGreaterThan(0.85);
    expect(1_000_000 / alarms / 2_000).toBeLessThan(1.15);
  });
});
