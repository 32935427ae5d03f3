/** Service-level objectives: strictly read, judged by their figures. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, judge } from '../../src/cli/judgement.ts';
import { OBJECTIVE_NAMES, readObjective, readObjectives } from '../../src/cli/objective.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import type { QuantityStatistics, RangeStatistics } from '../../src/metrics/statistics.ts';

const LATENCIES = ['mean', 'p50', 'p95', 'p99', 'p99.9'];
const SHARES = ['error-rate', 'fallback-rate'];

/** Suffixes of each kind of limit, and what a 1 before them is worth. */
const unitsOf = (name: string): readonly (readonly [suffix: string, worth: number])[] => {
  if (LATENCIES.includes(name)) {
    return [
      ['us', 1],
      ['ms', 1e3],
      ['s', 1e6],
    ];
  }
  if (SHARES.includes(name)) {
    return [
      ['', 1],
      ['%', 0.01],
    ];
  }
  return name === 'count'
    ? [['', 1]]
    : [
        ['kBps', 1e-3],
        ['MBps', 1],
        ['GBps', 1e3],
      ];
};

const digits = fc.tuple(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 0, max: 999 }), fc.boolean());

describe('an objective', () => {
  it('is read as the number and unit that were written', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OBJECTIVE_NAMES), digits, fc.nat(), (name, [whole, part, hasPart], pick) => {
        const units = unitsOf(name);
        const [suffix, worth] = units[pick % units.length] ?? ['', 1];
        const number = hasPart && name !== 'count' ? `${whole}.${part}` : String(whole);
        const value = Number(number) * worth;
        const refused = (value === 0 && !SHARES.includes(name)) || (SHARES.includes(name) && value > 1);
        if (refused) expect(() => readObjective(`${name}=${number}${suffix}`)).toThrow(UsageError);
        else {
          const read = readObjective(`${name}=${number}${suffix}`);
          expect(read).toMatchObject({ name, text: `${number}${suffix}` });
          expect(Math.abs(read.limit - value)).toBeLessThanOrEqual(value * 1e-12);
        }
      }),
    );
  });

  it('of any other text is refused, and nothing else is thrown', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.tuple(fc.constantFrom(...OBJECTIVE_NAMES), fc.string()).map(([name, rest]) => `${name}=${rest}`),
      fc
        .tuple(
          fc.constantFrom(...OBJECTIVE_NAMES, '__proto__', 'constructor'),
          fc.double(),
          fc.constantFrom('ms', '%', 'MBps', ''),
        )
        .map(([name, value, unit]) => `${name}=${value}${unit}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          const { name, limit, text: written } = readObjective(given);
          // What is accepted is a plain decimal number and a unit, to the letter.
          expect(`${name}=${written}`).toBe(given);
          expect(written).toMatch(/^\d+(\.\d+)?(us|ms|s|%|kBps|MBps|GBps)?$/);
          expect(limit).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(limit)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });

  it.each([
    ['p99', /NAME=LIMIT/],
    ['p99=', /such as 20ms/],
    ['p99=20', /such as 20ms/],
    ['p99=-1ms', /such as 20ms/],
    ['p99=1e3ms', /such as 20ms/],
    ['p99=+20ms', /such as 20ms/],
    ['p99= 20ms', /such as 20ms/],
    ['p99=20MS', /such as 20ms/],
    ['p99=0ms', /such as 20ms/],
    ['p98=20ms', /did you mean p95/],
    ['errorrate=1%', /did you mean error-rate/],
    ['error-rate=101%', /0\.1% or 0\.001/],
    ['error-rate=1.5', /0\.1% or 0\.001/],
    ['throughput=100', /100MBps/],
    ['throughput=100MB', /100MBps/],
    ['count=1.5', /such as 1000/],
    ['__proto__=1ms', /no objective/],
  ])('%s is refused with what would be accepted', (text, says) => {
    expect(() => readObjective(text)).toThrow(says);
  });

  it('is needed, and named once', () => {
    expect(() => readObjectives([])).toThrow(/is needed/);
    expect(() => readObjectives(['p99=1ms', 'mean=1ms', 'p99=2ms'])).toThrow(/p99 is given twice/);
  });
});

const latency: QuantityStatistics = {
  count: 990,
  mean: 5000,
  min: 10,
  max: 90_000,
  p50: 4000,
  p95: 9000,
  p99: 20_000,
  p999: 50_000,
};
const statistics: RangeStatistics = {
  count: 1010,
  success: 990,
  ignored: 10,
  failed: 10,
  zeroCopy: 500,
  grpc: 510,
  fallback: 101,
  explored: 0,
  bytes: 1e9,
  quantities: { latencyUs: latency, throughputMBps: { ...latency, mean: 250 } },
  relativeAccuracy: 0.01,
};

describe('a judgement', () => {
  it.each([
    ['p99=20ms', 'holds', 20_000, 990],
    ['p99=19.999ms', 'violated', 20_000, 990],
    ['p50=4ms', 'holds', 4000, 990],
    ['p95=9ms', 'holds', 9000, 990],
    ['p99.9=49ms', 'violated', 50_000, 990],
    ['mean=5ms', 'holds', 5000, 990],
    ['mean=4.999ms', 'violated', 5000, 990],
    ['error-rate=1%', 'holds', 0.01, 1000],
    ['error-rate=0.01', 'holds', 0.01, 1000],
    ['error-rate=0.99%', 'violated', 0.01, 1000],
    ['fallback-rate=10%', 'holds', 0.1, 1010],
    ['fallback-rate=9.9%', 'violated', 0.1, 1010],
    ['throughput=250MBps', 'holds', 250, 990],
    ['throughput=0.3GBps', 'violated', 250, 990],
    ['count=1010', 'holds', 1010, 1010],
    ['count=1011', 'violated', 1010, 1010],
  ])('of %s is "%s"', (text, verdict, value, count) => {
    expect(judge(readObjective(text), statistics, 1)).toMatchObject({ verdict, measured: { value, count } });
  });

  it('tells where the error of a quantile could turn it, and how much room is left', () => {
    const of = (text: string) => judge(readObjective(text), statistics, 1);
    expect(of('p99=20.1ms')).toMatchObject({ verdict: 'holds', close: true });
    expect(of('p99=19.9ms')).toMatchObject({ verdict: 'violated', close: true });
    expect(of('p99=40ms')).toMatchObject({ verdict: 'holds', close: false, margin: 0.5 });
    expect(of('mean=5.01ms')).toMatchObject({ close: false });
    expect(of('throughput=500MBps').margin).toBe(-0.5);
    expect(of('fallback-rate=0%').margin).toBeUndefined();
  });

  it('is not made on nothing, nor on too little', () => {
    const failures = { ...statistics, success: 0, quantities: {} };
    expect(judge(readObjective('p99=1s'), failures, 1).verdict).toBe('no data');
    expect(judge(readObjective('p99=1s'), statistics, 1000).verdict).toBe('too few');
    expect(judge(readObjective('count=1'), statistics, 100_000).verdict).toBe('holds');
  });

  it('is 0 where all hold, 1 where one is broken, 2 where nothing is broken and something cannot be told', () => {
    const of = (...texts: string[]) => exitCodeOf(texts.map((text) => judge(readObjective(text), statistics, 995)));
    expect(of('error-rate=1%', 'fallback-rate=10%')).toBe(0);
    expect(of('error-rate=1%', 'fallback-rate=1%')).toBe(1);
    expect(of('error-rate=0.5%', 'p99=1s')).toBe(1);
    expect(of('error-rate=1%', 'p99=1s')).toBe(2);
    expect(exitCodeOf([])).toBe(2);
  });
});
