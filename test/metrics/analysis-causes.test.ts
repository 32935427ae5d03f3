import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bottleneck, describeBottleneck, explainRise } from '../../src/metrics/analysis/bottleneck.ts';
import { explainOutliers, outlyingTransfers } from '../../src/metrics/analysis/outlier-causes.ts';
import type { MachineEvidence } from '../../src/metrics/analysis/outlier-exposure.ts';
import { circumstanceChanges, describeRegression } from '../../src/metrics/analysis/regression-advice.ts';
import { associate, fisherExact, type TwoByTwo } from '../../src/metrics/analysis/two-by-two.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { record, START_US, seeded } from './support/records.ts';

describe("Fisher's exact test", () => {
  it('agrees with published values', () => {
    // Fisher's tea: four of four right of eight, and three of four.
    expect(fisherExact({ casesWith: 4, casesWithout: 0, othersWith: 0, othersWithout: 4 })).toBeCloseTo(1 / 70, 12);
    expect(fisherExact({ casesWith: 3, casesWithout: 1, othersWith: 1, othersWithout: 3 })).toBeCloseTo(17 / 70, 12);
    // Convicted twins, R's help page of fisher.test: p = 0.0004652 one-sided.
    expect(fisherExact({ casesWith: 10, casesWithout: 3, othersWith: 2, othersWithout: 15 })).toBeCloseTo(0.0004652, 7);
  });

  const counts = fc.record({
    casesWith: fc.integer({ min: 0, max: 60 }),
    casesWithout: fc.integer({ min: 0, max: 60 }),
    othersWith: fc.integer({ min: 0, max: 400 }),
    othersWithout: fc.integer({ min: 0, max: 400 }),
  });

  it('is the tail of the hypergeometric distribution (property)', () => {
    fc.assert(
      fc.property(counts, (table) => {
        expect(fisherExact(table)).toBeCloseTo(tailBySum(table), 9);
      }),
      { numRuns: 300 },
    );
  });

  it('gives a probability, the smaller the more cases there are, and a ratio within its interval (property)', () => {
    fc.assert(
      fc.property(counts, (table) => {
        const { pValue, riskRatio, low, high } = associate(table);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
        if (Number.isNaN(riskRatio)) return;
        expect(low).toBeLessThanOrEqual(riskRatio);
        expect(high).toBeGreaterThanOrEqual(riskRatio);
        if (table.casesWithout === 0) return;
        const more = { ...table, casesWith: table.casesWith + 1, casesWithout: table.casesWithout - 1 };
        expect(fisherExact(more)).toBeLessThanOrEqual(pValue + 1e-12);
      }),
    );
  });
});

/** Term by term from binomial coefficients in whole numbers. */
function tailBySum({ casesWith, casesWithout, othersWith, othersWithout }: TwoByTwo): number {
  const cases = casesWith + casesWithout;
  const having = casesWith + othersWith;
  const others = othersWith + othersWithout;
  let sum = 0n;
  for (let count = casesWith; count <= Math.min(cases, having); count += 1)
    if (having - count <= others) sum += choose(cases, count) * choose(others, having - count);
  return Number((sum * 10n ** 15n) / choose(cases + others, having)) / 1e15;
}

function choose(all: number, some: number): bigint {
  let result = 1n;
  for (let step = 1; step <= some; step += 1) result = (result * BigInt(all - some + step)) / BigInt(step);
  return result;
}

const EVERY_US = 10_000;

/** 2 000 transfers of 1 ms, one each 10 ms; `slow` says by how many microseconds one takes longer. */
function run(slow: (index: number, random: () => number) => Partial<TransferRecord>): TransferRecord[] {
  const random = seeded(4);
  return Array.from({ length: 2_000 }, (_, index) => {
    const changes = slow(index, random);
    const latencyUs = 1_000 * (0.8 + 0.4 * random()) + (changes.latencyUs ?? 0);
    return record({ ...changes, latencyUs, timestampUs: START_US + index * EVERY_US + Math.round(latencyUs) });
  });
}

function explained(records: readonly TransferRecord[], evidence: MachineEvidence) {
  return explainOutliers(records, outlyingTransfers(records), evidence);
}

describe('outliers', () => {
  it('of a collection are put down to it, those without are not', () => {
    const hit = (index: number) => index % 100 === 50;
    const records = run((index) => (hit(index) || index % 500 === 7 ? { latencyUs: 8_000 } : {}));
    const pauses = records.flatMap((_, index) => {
      const fromUs = START_US + index * EVERY_US + 300;
      return hit(index) ? [{ fromUs, toUs: fromUs + 7_500 }] : [];
    });
    const report = explained(records, { pauses });
    expect(report.outliers).toHaveLength(24);
    for (const { record: slow, causes } of report.outliers) {
      const index = Math.floor((slow.timestampUs - slow.latencyUs - START_US) / EVERY_US + 0.01);
      expect(causes.map(({ cause, by }) => ({ cause, by }))).toEqual(
        hit(index) ? [{ cause: 'gc', by: 'accounts_for' }] : [],
      );
    }
    expect(report.causes[0]).toMatchObject({ cause: 'gc', named: true, casesWith: 20, casesWithout: 4, othersWith: 0 });
    expect(report.causes[0]?.sentence).toContain('20 of 24 outliers met a garbage collection, 0 of 1976');
  });

  it('meet chance collections no more often than others for being slow', () => {
    const records = run((index) => (index % 40 === 0 ? { latencyUs: 60_000 } : {}));
    const random = seeded(9);
    const pauses = Array.from({ length: 400 }, () => {
      const fromUs = START_US + random() * records.length * EVERY_US;
      return { fromUs, toUs: fromUs + 2_000 };
    });
    const report = explained(records, { pauses });
    expect(report.outliers).toHaveLength(50);
    expect(report.causes.filter(({ named }) => named)).toEqual([]);
    expect(report.outliers.flatMap(({ causes }) => causes)).toEqual([]);
  });

  it('are put down to queueing and load where they go with them, and to neither where they do not', () => {
    const burst = run((index, random) => {
      const inFlight = index % 50 < 3 ? 8 : 1;
      return { inFlight, systemLoad: random(), latencyUs: inFlight > 1 && random() < 0.5 ? 15_000 : 0 };
    });
    const named = explained(burst, {}).causes.filter((each) => each.named);
    expect(named.map(({ cause }) => cause)).toEqual(['queueing']);
    const loaded = run((_, random) => {
      const systemLoad = random();
      return {
        systemLoad,
        inFlight: 1 + Math.floor(random() * 8),
        latencyUs: systemLoad > 0.95 && random() < 0.4 ? 15_000 : 0,
      };
    });
    const { causes, outliers } = explained(loaded, {});
    expect(causes.filter((each) => each.named).map(({ cause }) => cause)).toEqual(['load']);
    expect(outliers.every((each) => /^load was (9\d|100) %/.test(each.causes[0]?.evidence ?? ''))).toBe(true);
    const calm = run((_, random) => ({
      systemLoad: random(),
      inFlight: 1 + Math.floor(random() * 8),
      latencyUs: random() < 0.02 ? 15_000 : 0,
    }));
    expect(explained(calm, {}).causes.filter((each) => each.named)).toEqual([]);
  });

  it('after restarts, and with a late event loop, are put down to those', () => {
    const restarts = [{ atUs: START_US + 700 * EVERY_US, kind: 'actor_restarted', detail: 'worker 1' }];
    const records = run((index) => (index > 700 && index < 709 ? { latencyUs: 30_000 } : {}));
    const report = explained(records, { occurrences: restarts });
    expect(report.causes[0]).toMatchObject({ cause: 'occurrence', named: true });
    expect(report.outliers[0]?.causes[0]?.evidence).toContain('shortly after actor_restarted: worker 1');
    const late = run((index) => (index % 100 === 50 ? { latencyUs: 30_000 } : {}));
    const loopDelays = Array.from({ length: 200 }, (_, sample) => ({
      atUs: START_US + (sample + 1) * 10 * EVERY_US,
      value: sample % 10 === 5 ? 28_000 : 300,
    }));
    const { causes, outliers } = explained(late, { loopDelays });
    expect(causes[0]).toMatchObject({ cause: 'event_loop_delay', named: true });
    expect(outliers[0]?.causes[0]).toMatchObject({ cause: 'event_loop_delay', by: 'accounts_for' });
  });

  it('are none where there is nothing to compare, and failures are not asked', () => {
    expect(outlyingTransfers([record(), record({ latencyUs: 1e6 })])).toEqual([]);
    const failed = run((index) => (index % 100 === 50 ? { outcome: 'failed', latencyUs: 1e6 } : {}));
    expect(outlyingTransfers(failed)).toEqual([]);
    expect(explainOutliers([], [], { pauses: [{ fromUs: 0, toUs: 1 }] })).toEqual({
      outliers: [],
      ordinary: 0,
      causes: [],
    });
  });
});

describe('a bottleneck', () => {
  const parts = (overrides: Partial<TransferRecord>, seed = 1) => {
    const random = seeded(seed);
    return Array.from({ length: 200 }, () => {
      const times = 0.9 + 0.2 * random();
      return record({
        latencyUs: 1000 * times,
        serializeUs: 610 * times,
        transportUs: 300,
        workerUs: 50,
        ...overrides,
      });
    });
  };

  it('is told in a sentence, with an interval', () => {
    const found = bottleneck([
      ...parts({}),
      ...Array.from({ length: 1003 }, () => record({ latencyUs: 1000, serializeUs: 610, transportUs: 300 })),
    ]);
    if (found === undefined) throw new Error('none found');
    expect(describeBottleneck(found, 'grpc', '4 MiB..8 MiB')).toBe(
      "serialize is 61 % of gRPC's time at 4 MiB..8 MiB (1 203 transfers)",
    );
    expect(found.low).toBeLessThanOrEqual(found.share);
    expect(found.high).toBeGreaterThanOrEqual(found.share);
  });

  it('tells a rise that is beyond doubt from one that is not', () => {
    const jitter = (extra: number, seed: number) => {
      const random = seeded(seed);
      return Array.from({ length: 200 }, () => record({ latencyUs: 2000, workerUs: 500 + extra + 400 * random() }));
    };
    const [certain] = explainRise(jitter(0, 1), jitter(200, 2));
    expect(certain).toMatchObject({ part: 'worker' });
    expect(certain?.lowUs).toBeGreaterThan(100);
    for (const rise of explainRise(jitter(0, 3), jitter(0, 4))) expect(rise.lowUs).toBeLessThanOrEqual(0);
  });
});

describe('an alarm in words', () => {
  const regression = { ratio: 1.42, baselineUs: 2000, currentUs: 2840, transfers: 1203, worsened: false };
  const slower = (serializeUs: number, overrides: Partial<TransferRecord> = {}) => {
    const random = seeded(3);
    return Array.from({ length: 100 }, () =>
      record({ latencyUs: 1500 + serializeUs, serializeUs: serializeUs * (0.9 + 0.2 * random()), ...overrides }),
    );
  };

  it('says what is slower, why and where to look', () => {
    const before = slower(500);
    const now = slower(1300, { systemLoad: 0.7 });
    const advice = describeRegression({
      name: 'pool ml: gRPC, tensor, 4 MiB..8 MiB',
      regression,
      parts: explainRise(before, now),
      suspects: [{ kind: 'deploy', detail: 'v2.3' }],
      circumstances: circumstanceChanges(before, now),
    });
    expect(advice.summary).toBe(
      'pool ml: gRPC, tensor, 4 MiB..8 MiB: 42 % slower than usual (median 2.00 ms before, 2.84 ms now, over 1 203 transfers)',
    );
    expect(advice.likelyCause).toMatch(
      /^deploy: v2\.3; load of the machine rose from 25 % to 70 %; serialize takes 0\.8\d ms longer/,
    );
    expect(advice.lookAt).toContain('encoding in the host');
    expect(advice.lookAt).toContain('what deploy changed (v2.3)');
  });

  it('names no cause where nothing points anywhere', () => {
    const same = slower(500);
    const advice = describeRegression({
      name: 'x',
      regression: { ...regression, worsened: true },
      parts: explainRise(same, same),
      circumstances: circumstanceChanges(same, same),
    });
    expect(advice.likelyCause).toBeUndefined();
    expect(advice.lookAt).toContain('nothing is known');
    expect(advice.summary).toContain('worse than when the alarm was raised');
  });
});
