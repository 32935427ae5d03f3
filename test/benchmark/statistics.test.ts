/** The pure half of a benchmark: order, intervals, comparison, throttle, and the test that stops it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/learning/random.ts';
import { crossing, logRatio, ratioInterval, resampledLogRatios } from '../../src/metrics/analysis/benchmark/compare.ts';
import { ImpactTest, type ProductionTransfer } from '../../src/metrics/analysis/benchmark/impact.ts';
import { quantile, quantileEstimate } from '../../src/metrics/analysis/benchmark/quantiles.ts';
import { cellsOf, DEFAULT_PLAN, planOf } from '../../src/metrics/analysis/benchmark/scenario.ts';
import { schedule } from '../../src/metrics/analysis/benchmark/schedule.ts';
import { Throttle } from '../../src/metrics/analysis/benchmark/throttle.ts';

describe('a scenario', () => {
  it('has a default for everything', () => {
    expect(planOf()).toEqual(DEFAULT_PLAN);
    expect(planOf({ sizes: [4096, 1024, 4096] }).sizes).toEqual([1024, 4096]);
  });

  it('is refused as a whole, by the names of its fields', () => {
    const wrong = {
      sizes: [0, 1024, 'big'],
      types: ['tensor', 'picture'],
      lanes: ['zeroCopy'],
      repetitions: 0,
      share: 1.5,
      concurency: [2],
      memory: [],
      pool: 7,
      payload: 'x',
    };
    expect(() => planOf(wrong)).toThrow(expect.objectContaining({ code: 'PITWALL_INVALID_SCENARIO' }));
    try {
      planOf(wrong);
    } catch (error) {
      const { problems } = error as { problems: { path: string; message: string }[] };
      const paths = ['concurency', 'pool', 'payload', 'sizes[0]', 'sizes[2]', 'types[1]', 'lanes[0]', 'memory'];
      expect(problems.map(({ path }) => path).sort()).toEqual([...paths, 'repetitions', 'share'].sort());
      expect(problems.find(({ path }) => path === 'concurency')?.message).toContain('did you mean "concurrency"?');
    }
  });

  it('takes any type with a payload of the host, and none of its own making without', () => {
    const types = [{ dataType: 'picture', format: 'png' }];
    expect(planOf({ types, payload: () => Buffer.alloc(1) }).kinds).toEqual(types);
    expect(() => planOf({ types })).toThrow('types[0]');
  });

  it('is bounded', () => {
    const sizes = Array.from({ length: 64 }, (_, index) => index + 1);
    expect(() => planOf({ sizes, concurrency: sizes, memory: ['warm', 'cold'] })).toThrow(/at most 4096 visits/);
    expect(() => planOf({ sizes, concurrency: sizes.slice(0, 8), repetitions: 10_000 })).toThrow('repetitions');
  });

  it('never throws anything else, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.dictionary(fc.constantFrom('sizes', 'types', 'pool', 'share'), fc.anything()),
        (a, b) => {
          for (const scenario of [a, b]) {
            try {
              planOf(scenario);
            } catch (error) {
              expect(error).toMatchObject({ code: 'PITWALL_INVALID_SCENARIO' });
            }
          }
        },
      ),
    );
  });
});

describe('the order', () => {
  const plan = planOf({ sizes: [1024, 2048, 4096], concurrency: [1, 4], repetitions: 6, warmUp: 2, seed: 7 });
  const cells = cellsOf(plan);

  it('visits everything once a round, each round differently, and equally for equal seeds', () => {
    const visits = [...schedule(plan, cells.length)];
    const rounds = [...new Set(visits.map(({ round }) => round))];
    expect(rounds).toEqual([-2, -1, 0, 1, 2, 3, 4, 5]);
    const orders = rounds.map((round) =>
      visits.filter((visit) => visit.round === round).map(({ cell, lane }) => `${cell} ${lane}`),
    );
    for (const order of orders) expect(new Set(order).size).toBe(cells.length * 2);
    expect(new Set(orders.map((order) => order.join())).size).toBe(8);
    expect([...schedule(plan, cells.length)]).toEqual(visits);
    expect([...schedule({ ...plan, seed: 8 }, cells.length)]).not.toEqual(visits);
  });
});

describe('intervals of quantiles', () => {
  it('are the ranks of the tables', () => {
    // P(Bin(16, 1/2) < 4) = 0.0106, P(... < 5) = 0.0384: the 4th and the 13th of 16 at 95 %.
    const sixteen = Array.from({ length: 16 }, (_, index) => index + 1);
    expect(quantileEstimate(sixteen, 0.5, 0.95)).toEqual({ q: 0.5, us: 8.5, interval: { low: 4, high: 13 } });
    // 5 values say nothing of a median at 95 %; 6 do, by their extremes.
    expect(quantileEstimate(sixteen.slice(0, 5), 0.5, 0.95).interval).toBeUndefined();
    expect(quantileEstimate(sixteen.slice(0, 6), 0.5, 0.95).interval).toEqual({ low: 1, high: 6 });
    expect(quantileEstimate(sixteen, 0.99, 0.95).interval).toBeUndefined();
  });

  it('cover what they say, of whatever distribution', () => {
    const random = seededRandom(11);
    for (const [draw, truth] of [
      [() => random() ** 3, 0.125],
      [() => Math.tan(Math.PI * (random() - 0.5)), 0],
    ] as const) {
      let covered = 0;
      for (let trial = 0; trial < 2_000; trial += 1) {
        const values = Array.from({ length: 31 }, draw).sort((a, b) => a - b);
        const { interval } = quantileEstimate(values, 0.5, 0.9);
        if (interval && interval.low <= truth && truth <= interval.high) covered += 1;
      }
      expect(covered / 2_000).toBeGreaterThan(0.89);
      expect(covered / 2_000).toBeLessThan(0.97);
    }
  });

  it('hold their estimate', () => {
    const values = fc.array(fc.double({ min: 0.1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 0.99), (unsorted, q) => {
        const sorted = unsorted.sort((a, b) => a - b);
        const { us, interval } = quantileEstimate(sorted, q, 0.95);
        expect(us).toBe(quantile(sorted, q));
        if (interval) expect(interval.low <= us && us <= interval.high).toBe(true);
      }),
    );
  });
});

describe('the comparison of lanes', () => {
  const noisy = (seed: number, centre: number, rounds: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: rounds }, () => centre * Math.exp((random() + random() + random() - 1.5) * 0.5));
  };

  it('has intervals that cover the true ratio about as often as they say', () => {
    let covered = 0;
    const trials = 200;
    for (let trial = 0; trial < trials; trial += 1) {
      const pair = { zeroCopy: noisy(trial, 70, 30), grpc: noisy(trial + 10_000, 100, 30) };
      const { low, high } = ratioInterval(resample(pair, 5), 0.9);
      if (low <= 0.7 && 0.7 <= high) covered += 1;
    }
    expect(covered / trials).toBeGreaterThan(0.83);
    expect(covered / trials).toBeLessThan(0.99);
  });

  it('says nothing of fewer than five rounds, and the same for the same seed', () => {
    const pair = { zeroCopy: noisy(1, 70, 4), grpc: noisy(2, 100, 4) };
    expect(resample(pair, 5)).toBeUndefined();
    const more = { zeroCopy: noisy(1, 70, 9), grpc: noisy(2, 100, 9) };
    expect(resample(more, 5)).toEqual(resample(more, 5));
    expect(resample(more, 5)).not.toEqual(resample(more, 6));
  });

  it('finds where two lines cross, with an interval around it', () => {
    // gRPC 50 us + 1 ns a byte, zero-copy 150 us + 0.1 ns a byte: they cross at 111 111 bytes.
    const sizes = [4_096, 16_384, 65_536, 262_144, 1_048_576];
    const series = sizes.map((dataSize, index) => {
      const pair = {
        zeroCopy: noisy(index, 150 + dataSize * 0.0001, 40),
        grpc: noisy(index + 50, 50 + dataSize * 0.001, 40),
      };
      return { dataSize, logRatio: logRatio(pair), resampled: resample(pair, 3) };
    });
    const found = crossing(series, 0.95);
    expect(found?.bytes).toBeGreaterThan(80_000);
    expect(found?.bytes).toBeLessThan(160_000);
    expect(found?.lowBytes).toBeLessThan(found?.bytes ?? 0);
    expect(found?.highBytes).toBeGreaterThan(found?.bytes ?? Number.POSITIVE_INFINITY);
    expect(crossing(series.slice(0, 2), 0.95)).toMatchObject({
      bytes: undefined,
      faster: 'grpc',
      highBytes: undefined,
    });
    expect(crossing(series.slice(3), 0.95)).toMatchObject({
      bytes: undefined,
      faster: 'zero_copy',
      lowBytes: undefined,
    });
    expect(crossing(series.slice(0, 1), 0.95)).toBeUndefined();
  });

  function resample(pair: Parameters<typeof logRatio>[0], seed: number): Float64Array {
    const steps = resampledLogRatios(pair, seed);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value as Float64Array; // undefined only where the test asks for it
    }
  }
});

describe('the throttle', () => {
  it('keeps work at its share, counted on a clock of its own', () => {
    const pieces = fc.array(fc.double({ min: 0.01, max: 50, noNaN: true }), { minLength: 200, maxLength: 400 });
    fc.assert(
      fc.property(pieces, fc.double({ min: 0.01, max: 1, noNaN: true }), (works, share) => {
        const throttle = new Throttle(share);
        let nowMs = 0;
        for (const ms of works) {
          nowMs += ms;
          nowMs += throttle.worked(ms);
        }
        // What is owed and not rested yet is below 2 ms.
        expect(throttle.workedMs / (nowMs + 2)).toBeLessThanOrEqual(share + 1e-9);
        expect(throttle.workedMs).toBeCloseTo(
          works.reduce((sum, ms) => sum + ms, 0),
          6,
        );
      }),
    );
  });

  it('rests not at all where all of the machine is its own', () => {
    expect(new Throttle(1).worked(1_000)).toBe(0);
  });
});

describe('the watch over production', () => {
  const transfer = (latencyUs: number, outcome: ProductionTransfer['outcome'] = 'success'): ProductionTransfer => ({
    pool: 'ml',
    method: 'grpc',
    dataType: 'tensor',
    compression: false,
    dataSize: 65_536,
    latencyUs,
    outcome,
  });
  const lognormal = (random: () => number): number => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return 800 * Math.exp(0.35 * normal);
  };
  const run = (seed: number, factor: number, count: number): number | undefined => {
    const random = seededRandom(seed);
    const test = new ImpactTest(0.1);
    for (let index = 0; index < 200; index += 1) test.learn(transfer(lognormal(random)));
    for (let index = 0; index < count; index += 1)
      if (test.judge([transfer(factor * lognormal(random))])) return index + 1;
    return undefined;
  };

  it('rings when production is twice as slow, within tens of transfers', () => {
    const found = Array.from({ length: 100 }, (_, seed) => run(seed, 2, 200));
    expect(found.every((after) => after !== undefined && after <= 60)).toBe(true);
  });

  it('is calm while nothing changes, and at the edge of what is tolerated', () => {
    const false1 = Array.from({ length: 40 }, (_, seed) => run(seed + 500, 1, 2_000)).filter(
      (after) => after !== undefined,
    );
    expect(false1).toEqual([]);
    // 40 x 1000 transfers exactly at the tolerance: 4 false stops expected at most.
    const false2 = Array.from({ length: 40 }, (_, seed) => run(seed + 900, 1.1, 1_000)).filter(
      (after) => after !== undefined,
    );
    expect(false2.length).toBeLessThanOrEqual(10);
  });

  it('takes failures for the slowest there is, and callers who gave up for nothing', () => {
    const random = seededRandom(3);
    const test = new ImpactTest(0.1);
    for (let index = 0; index < 100; index += 1) test.learn(transfer(lognormal(random)));
    for (let index = 0; index < 1_000; index += 1) test.judge([transfer(50_000, 'ignored')]);
    expect(test.passed).toBe(false);
    expect(test.summary().during).toBe(0);
    for (let index = 0; index < 40; index += 1) test.judge([transfer(1, 'failed')]);
    expect(test.passed).toBe(true);
  });

  it('is not moved by one outlier, however large, nor by another mix of sizes', () => {
    const random = seededRandom(4);
    const test = new ImpactTest(0.1);
    for (let index = 0; index < 200; index += 1) test.learn(transfer(lognormal(random)));
    test.judge([transfer(1e9)]);
    for (let index = 0; index < 500; index += 1) {
      test.judge([{ ...transfer(20 * lognormal(random)), dataSize: 8_000_000 }]);
    }
    expect(test.passed).toBe(false);
  });
});
