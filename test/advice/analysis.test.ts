/** Each kind of advice on traffic that asks for it, and what comes of it; calm traffic is in runtime.test.ts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import type { PoolSnapshot } from '../../src/decision/types.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { AdviceBook } from '../../src/metrics/analysis/advice/advice-book.ts';
import { advise } from '../../src/metrics/analysis/advice/advise.ts';
import { bestThreshold } from '../../src/metrics/analysis/advice/cut.ts';
import { realizedGain, strataOf } from '../../src/metrics/analysis/advice/realized.ts';
import type { Recommendation } from '../../src/metrics/analysis/advice/types.ts';
import { variantAdvice } from '../../src/metrics/analysis/advice/variants.ts';
import { toObservation } from '../../src/metrics/observation.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import { atOnce } from '../../src/metrics/slices.ts';
import { PoolFactory } from '../../src/wiring/pools.ts';
import { record } from '../metrics/support/records.ts';
import { COSTS } from './traffic.ts';

const MIB = 2 ** 20;

/** A pool as configured, and records whose lanes are taken as `lane` says and cost what COSTS says. */
function world(
  options: object,
  lane: (bytes: number) => 'grpc' | 'zero_copy',
  change: (record: TransferRecord) => Partial<TransferRecord> = () => ({}),
) {
  const [config] = parseConfig({
    logger: false,
    pools: [{ name: 'ml', goal: 'maximize_throughput', ...options }],
  }).pools;
  if (config === undefined) throw new Error('there is one');
  const slot = new PoolFactory({ elapsedMs: () => 0, onRuleDisabled: () => undefined, mode: () => 'enabled' }).newSlot(
    config,
  );
  const random = seededRandom(5);
  const records = Array.from({ length: 1500 }, (_, index) => {
    const dataSize = Math.round(2 ** (17 + 9 * random()));
    const method = random() < 0.05 ? (lane(dataSize) === 'grpc' ? 'zero_copy' : 'grpc') : lane(dataSize);
    const explored = method !== lane(dataSize);
    const us = method === 'grpc' ? COSTS.grpc(dataSize) : COSTS.zeroCopy(dataSize);
    const made = record({
      ...{ pool: 'ml', dataSize, method, explored, reason: explored ? 'exploration' : 'threshold', outcome: 'success' },
      ...{ dataType: 'tensor', format: 'numpy', compression: false, warm: undefined, inFlight: 1, fallback: false },
      ...{ systemLoad: 0.1, availableMemory: 1e10, timestampUs: 1.7e15 + index * 1000 },
      latencyUs: us * Math.exp(0.2 * (random() - 0.5)),
    });
    return { ...made, ...change(made) };
  });
  const model = new CostModel();
  for (const each of records) {
    const observation = toObservation(each);
    if (observation !== undefined) model.learn(observation);
  }
  slot.costModel = model.snapshot();
  return { slot, records };
}

function found(
  pool: PoolSnapshot,
  records: readonly TransferRecord[],
  stage: 'observe' | 'adaptive' = 'adaptive',
): Recommendation[] {
  return atOnce(advise({ pool, configuredStage: stage, records, costModel: {}, versions: [] }));
}

const saying = (all: readonly Recommendation[], kind: string, subject: string): Recommendation | undefined =>
  all.find((each) => each.kind === kind && each.subject === subject);

describe('policies', () => {
  it('a pool that does not learn: its base threshold, and that it should', () => {
    const { slot, records } = world({ learningEnabled: false, zeroCopyThresholdMb: 1 }, (bytes) =>
      bytes >= MIB ? 'zero_copy' : 'grpc',
    );
    const all = found(slot, records);
    const threshold = saying(all, 'threshold', 'default');
    expect(threshold?.change).toMatchObject({ type: 'set' });
    const mib = threshold?.change?.type === 'set' ? threshold.change.patch.zeroCopyThresholdMb : undefined;
    // The lanes cross at 7.9 MiB.
    expect(mib).toBeGreaterThan(6);
    expect(mib).toBeLessThan(10);
    expect(threshold?.expectedGain.interval[0]).toBeGreaterThan(0.03);
    const learning = saying(all, 'pool_setting', 'learningEnabled');
    expect(learning?.change).toEqual({ type: 'set', patch: { learningEnabled: true } });
    expect(learning?.expectedGain.value).toBeLessThan(threshold?.expectedGain.value ?? 0);
  });

  it('bounds that keep payloads from being weighed', () => {
    const small = world({ learningEnabled: false, minimumThresholdMb: 40, zeroCopyThresholdMb: 40 }, (bytes) =>
      bytes >= 40 * MIB ? 'zero_copy' : 'grpc',
    );
    const minimum = saying(found(small.slot, small.records), 'bounds', 'minimum');
    expect(minimum?.change?.type === 'set' ? minimum.change.patch.minimumThresholdMb : 40).toBeLessThan(20);
    expect(minimum?.expectedGain.value).toBeGreaterThan(0.03);
    const large = world({ maximumThresholdMb: 1, zeroCopyThresholdMb: 1 }, (bytes) =>
      bytes > MIB ? 'zero_copy' : 'grpc',
    );
    const maximum = saying(found(large.slot, large.records), 'bounds', 'maximum');
    expect(maximum?.change?.type === 'set' ? maximum.change.patch.maximumThresholdMb : 0).toBeGreaterThan(64);
    expect(maximum?.expectedGain.value).toBeGreaterThan(0.05);
  });

  it('trials that cost more than they teach', () => {
    const { slot, records } = world({ explorationRate: 0.05 }, (bytes) => (bytes > 8 * MIB ? 'zero_copy' : 'grpc'));
    const advice = saying(found(slot, records), 'pool_setting', 'explorationRate');
    expect(advice?.change).toEqual({ type: 'set', patch: { explorationRate: 0.0125 } });
    expect(advice?.expectedGain.interval[0]).toBeGreaterThan(0);
  });

  it('an arena without room', () => {
    const { slot, records } = world(
      {},
      () => 'grpc',
      ({ dataSize }) =>
        dataSize > 8 * MIB ? { reason: 'shared_memory_exhausted', explored: false, method: 'grpc' } : {},
    );
    expect(saying(found(slot, records), 'pool_setting', 'arenaBytes')).toBeUndefined();
    slot.transport = { zeroCopyReady: true, reason: undefined, warmBytes: 0, roomBytes: 8 * MIB };
    const advice = saying(found(slot, records), 'pool_setting', 'arenaBytes');
    expect(advice).toMatchObject({ effort: 'config', change: undefined });
    expect(advice?.snippet).toContain('arenaBytes: 256 * 2 ** 20');
  });
});

describe('formats and compression', () => {
  const random = seededRandom(6);
  const sent = (count: number, overrides: Partial<TransferRecord>, medianUs: number): TransferRecord[] =>
    Array.from({ length: count }, () =>
      record({
        ...{
          pool: 'ml',
          method: 'grpc',
          outcome: 'success',
          reason: 'cost_model',
          dataType: 'json',
          format: 'json',
          compression: false,
          dataSize: 300_000,
        },
        ...overrides,
        latencyUs: medianUs * Math.exp(0.4 * (random() - 0.5)),
      }),
    );

  it('are told from what was sent in both ways, and by how much', () => {
    const records = [...sent(300, { compression: true }, 4000), ...sent(150, {}, 2000)];
    const [advice, ...others] = atOnce(variantAdvice('ml', records, 'share_of_total_latency'));
    expect(others).toEqual([]);
    expect(advice).toMatchObject({
      kind: 'compression',
      subject: 'json json',
      title: 'do not compress json (json)',
      effort: 'code',
    });
    expect(advice?.snippet).toContain('compression: false');
    // Half of what the compressed ones take, which is four fifths of all.
    expect(advice?.expectedGain.value).toBeGreaterThan(0.36);
    expect(advice?.expectedGain.value).toBeLessThan(0.44);
    expect(advice?.confidence).toBe(0.8);
  });

  it('say nothing of other sizes, other lanes, or too few', () => {
    const apart = [...sent(300, { compression: true }, 4000), ...sent(300, { dataSize: 3_000_000 }, 2000)];
    expect(atOnce(variantAdvice('ml', apart, 'share_of_total_latency'))).toEqual([]);
    const lanes = [...sent(300, { format: 'arrow' }, 4000), ...sent(300, { method: 'zero_copy' }, 2000)];
    expect(atOnce(variantAdvice('ml', lanes, 'share_of_total_latency'))).toEqual([]);
    const few = [...sent(300, { compression: true }, 4000), ...sent(60, {}, 2000)];
    expect(atOnce(variantAdvice('ml', few, 'share_of_total_latency'))).toEqual([]);
  });
});

describe('the best threshold', () => {
  it('costs no more than any other', () => {
    const size = fc.integer({ min: 1, max: 1e9 });
    const us = fc.double({ min: 1, max: 1e6, noNaN: true });
    const cases = fc.array(fc.record({ dataSize: size, grpcUs: us, zeroCopyUs: us }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(cases, size, (all, other) => {
        const made = all.map(({ dataSize, grpcUs, zeroCopyUs }) => ({
          ...{ grpcUs, zeroCopyUs, standardError: 0, samples: 100, explored: false },
          observation: { ...observed(), dataSize },
        }));
        const cost = (threshold: number): number =>
          made.reduce((sum, each) => sum + (each.observation.dataSize >= threshold ? each.zeroCopyUs : each.grpcUs), 0);
        expect(cost(bestThreshold(made))).toBeLessThanOrEqual(cost(other) * (1 + 1e-9));
      }),
      { numRuns: 200 },
    );
  });

  function observed() {
    const observation = toObservation(record({ outcome: 'success', reason: 'cost_model' }));
    if (observation === undefined) throw new Error('a success is one');
    return observation;
  }
});

describe('the realized gain', () => {
  const random = seededRandom(8);
  const days = (count: number, share: number, factor: number): TransferRecord[] =>
    Array.from({ length: count }, () => {
      const large = random() < share;
      const latencyUs = factor * (large ? 20_000 : 1_000) * Math.exp(0.6 * (random() - 0.5));
      return record({
        outcome: 'success',
        reason: 'cost_model',
        dataType: 'tensor',
        dataSize: large ? 3e7 : 3e5,
        latencyUs,
      });
    });

  it.each(['share_of_total_latency', 'share_of_typical_latency'] as const)(
    'is none where only the traffic is other (%s)',
    (unit) => {
      const { gain } = realizedGain(strataOf(days(1000, 0.5, 1), unit), strataOf(days(1000, 0.1, 1), unit), unit);
      expect(gain?.interval[0]).toBeLessThan(0);
      expect(gain?.interval[1]).toBeGreaterThan(0);
      expect(Math.abs(gain?.value ?? 1)).toBeLessThan(0.05);
    },
  );

  it.each(['share_of_total_latency', 'share_of_typical_latency'] as const)(
    'is what was gained, or lost (%s)',
    (unit) => {
      const better = realizedGain(strataOf(days(1000, 0.5, 1), unit), strataOf(days(1000, 0.2, 0.8), unit), unit);
      expect(better.gain?.interval[0]).toBeLessThan(0.2);
      expect(better.gain?.interval[1]).toBeGreaterThan(0.2);
      expect(better.gain?.interval[0]).toBeGreaterThan(0.1);
      const worse = realizedGain(strataOf(days(1000, 0.5, 1), unit), strataOf(days(1000, 0.5, 1.3), unit), unit);
      expect(worse.gain?.interval[1]).toBeLessThan(0);
      expect(
        realizedGain(strataOf(days(1000, 0.5, 1), unit), strataOf(days(150, 0.5, 1), unit), unit).gain,
      ).toBeUndefined();
    },
  );
});

describe('the book', () => {
  const advice = (value: number, thresholdMb: number, subject = 'tensor'): Recommendation => ({
    ...{
      kind: 'threshold',
      pool: 'ml',
      subject,
      title: `fix it at ${thresholdMb}`,
      why: 'figures',
      effort: 'none',
      confidence: 0.95,
      snippet: 'x',
    },
    expectedGain: { value, interval: [value - 0.02, value + 0.02], unit: 'share_of_total_latency' },
    change: { type: 'override', dataType: subject, thresholdMb },
    transfers: 1000,
  });

  it('ranks, keeps the id of the same proposal, gives another one another, and lets go of what the evidence no longer says', () => {
    const book = new AdviceBook();
    book.found('ml', [advice(0.1, 4), advice(0.3, 2, 'text')], 1);
    expect(book.list('ml').map(({ subject, id }) => `${subject} ${id}`)).toEqual(['text a2', 'tensor a1']);
    book.found('ml', [advice(0.12, 4.5), advice(0.3, 9, 'text')], 2);
    expect(book.list('ml').map(({ subject, id, sinceMs }) => `${subject} ${id} ${sinceMs}`)).toEqual([
      'text a3 2',
      'tensor a1 1',
    ]);
    // What stands stays a little below what it took to come up.
    book.found('ml', [advice(0.025, 4)], 3);
    expect(book.list(undefined)).toHaveLength(1);
    book.found('ml', [], 4);
    expect(book.list(undefined)).toEqual([]);
    book.found(
      'ml',
      [
        advice(0.025, 4),
        {
          ...advice(0.05, 4, 'text'),
          confidence: 0.6,
          expectedGain: { ...advice(0.05, 4).expectedGain, interval: [-0.1, 0.2] },
        },
      ],
      5,
    );
    expect(book.list(undefined)).toEqual([]);
  });

  it('remembers what was dismissed, over a restart, until it promises twice as much', () => {
    const book = new AdviceBook();
    book.found('ml', [advice(0.1, 4)], 1);
    expect(book.dismiss('a1', 2)).toBe(true);
    const later = new AdviceBook();
    later.restore(book.toJson());
    later.found('ml', [advice(0.15, 4)], 3);
    expect(later.list(undefined)).toEqual([]);
    later.found('ml', [advice(0.25, 4)], 4);
    expect(later.list(undefined).map(({ id }) => id)).toEqual(['a2']);
  });

  it('takes nothing that is no book from the store', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (stored) => {
        const book = new AdviceBook();
        book.restore(
          JSON.parse(JSON.stringify({ standing: stored, tracked: stored, dismissed: stored, nextId: stored })),
        );
        expect([...book.list(undefined), ...book.tracked(undefined)]).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
