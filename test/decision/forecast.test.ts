import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forecast, type Workload } from '../../src/decision/forecast.ts';
import { costModel, MACHINE, MIB, pool } from './machine.ts';

const TENSOR = { dataType: 'tensor', format: 'numpy', dataSize: 5 * MIB } as const;
const learner = costModel(MACHINE);
const at = (workload: Partial<Workload>) =>
  forecast(pool(), learner, { payloads: [TENSOR], ratePerSecond: 10, ...workload });

/** 900 us + 0.001 us a byte, which is what zero-copy into warm memory takes on this machine. */
const LATENCY_US = 900 + 0.001 * 5 * MIB;

describe('a forecast', () => {
  it('is M/M/1 where times scatter like that, and there is one worker', () => {
    // Times whose mean is sqrt 2 times their median have a squared coefficient of variation of 1, as exponential ones.
    const scatter = Math.SQRT2;
    const exponential = costModel({ ...MACHINE, warm: { ...MACHINE.warm, scatter } });
    const serviceUs = LATENCY_US * scatter;
    const ratePerSecond = (0.8 * 1e6) / serviceUs;
    const found = forecast(pool(), exponential, { payloads: [TENSOR], ratePerSecond });
    expect(found.utilization).toBeCloseTo(0.8, 6);
    expect(found.meanLatencyUs).toBeCloseTo(serviceUs, 3);
    // Time in queue of M/M/1: rho / (mu - lambda).
    expect(found.meanWaitUs).toBeCloseTo((0.8 * serviceUs) / 0.2, 0);
    expect(found.saturationRatePerSecond).toBeCloseTo(1e6 / serviceUs, 3);
  });

  it('follows Erlang C for several workers', () => {
    // Textbook: 3 servers, 2 erlangs offered: an arrival waits with probability 0.4444.
    const ratePerSecond = (2 * 1e6) / LATENCY_US;
    const { meanWaitUs } = forecast(pool(), learner, { payloads: [TENSOR], ratePerSecond, workers: 3 });
    // Constant service times halve the wait of exponential ones.
    expect(meanWaitUs).toBeCloseTo((0.444_444 * LATENCY_US) / (3 - 2) / 2, 0);
  });

  it('says where it stops being sustainable, and that waiting then has no end', () => {
    const full = at({ ratePerSecond: 1e4 });
    expect(full.sustainable).toBe(false);
    expect(full.meanWaitUs).toBe(Number.POSITIVE_INFINITY);
    expect(full.utilization).toBe(1);
    const below = at({ ratePerSecond: full.saturationRatePerSecond * 0.99 });
    expect(below.sustainable).toBe(true);
    expect(full.throughputMBps).toBeCloseTo((full.saturationRatePerSecond * 5 * MIB) / 1e6, 3);
  });

  it('takes for each payload the lane that would be taken, and says how sure it is', () => {
    const small = { ...TENSOR, dataSize: 50_000 };
    const { payloads, effectiveSamples } = at({ payloads: [TENSOR, small] });
    expect(payloads.map(({ method }) => method)).toEqual(['zero_copy', 'grpc']);
    expect(payloads[0]?.intervalUs).toEqual([LATENCY_US / 2, LATENCY_US * 2]);
    expect(effectiveSamples).toBe(100);
  });

  it('adds the cpu time of its own traffic to the load, where it is told the cores', () => {
    const loaded = costModel({ ...MACHINE, warm: { ...MACHINE.warm, underLoad: 1 } });
    const workload = { payloads: [TENSOR], ratePerSecond: 100, workers: 4, systemLoad: 0.2 };
    const without = forecast(pool(), loaded, workload);
    const shared = forecast(pool(), loaded, { ...workload, cores: 1 });
    expect(without.systemLoad).toBeCloseTo(0.2, 9);
    expect(shared.systemLoad).toBeGreaterThan(0.25);
    expect(shared.meanLatencyUs).toBeGreaterThan(without.meanLatencyUs);
    expect(shared.systemLoad).toBeCloseTo(Math.min(1, 0.2 + shared.cpuCores), 2);
  });

  it('gives more for more: waiting, utilization and memory never fall with the rate (property)', () => {
    const rates = fc.double({ min: 0.1, max: 1_000, noNaN: true });
    fc.assert(
      fc.property(
        rates,
        fc.double({ min: 1, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 16 }),
        (rate, factor, workers) => {
          const [few, many] = [rate, rate * factor].map((ratePerSecond) => at({ ratePerSecond, workers }));
          if (!few || !many) throw new Error('two forecasts');
          expect(many.utilization).toBeGreaterThanOrEqual(few.utilization - 1e-9);
          expect(many.meanWaitUs).toBeGreaterThanOrEqual(few.meanWaitUs - 1e-6);
          expect(many.memory.zero_copy).toBeGreaterThanOrEqual(few.memory.zero_copy - 1e-6);
          expect(few.inFlight).toBeCloseTo(few.utilization * workers, 6);
        },
      ),
    );
  });

  it.each([
    [{ payloads: [] }, /workload\.payloads/],
    [{ payloads: [{ ...TENSOR, dataSize: -1 }] }, /payloads\[0\]\.dataSize/],
    [{ payloads: [{ ...TENSOR, share: 0 }] }, /payloads\[0\]\.share/],
    [{ payloads: [{ ...TENSOR, dataType: 7 as never }] }, /payloads\[0\]\.dataType/],
    [{ ratePerSecond: 0 }, /ratePerSecond/],
    [{ ratePerSecond: Number.NaN }, /ratePerSecond/],
    [{ workers: 1.5 }, /workers/],
    [{ systemLoad: 2 }, /systemLoad/],
    [{ cores: 0 }, /cores/],
  ])('refuses %j, naming the field', (wrong, message) => {
    expect(() => at(wrong)).toThrow(message);
  });
});
