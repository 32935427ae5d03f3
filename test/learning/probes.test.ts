/** Trying the other lane in idle time: what is tried, what it teaches, what it may cost, and what must never come of it. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { GetProbes, ProbeFrom } from '../../src/actors/prober.ts';
import { type ProberInfo, prober } from '../../src/actors/prober.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { bestProbe, counterfactual } from '../../src/learning/probe-choice.ts';
import type { Lane, Observation } from '../../src/learning/types.ts';
import type { TransferRecord } from '../../src/metrics/record.ts';
import {
  call,
  cast,
  createTestClock,
  type ServerRef,
  started,
  startGenServer,
  startSystem,
  stopSystem,
} from '../../src/otp/index.ts';
import { type PoolSlot, SnapshotBoard } from '../../src/snapshots.ts';
import type { ProbeLane, ProbeOffer } from '../../src/transports/probe-offer.ts';
import { record } from '../metrics/support/records.ts';
import { poolSlot } from './pool-slot.ts';
import { FEATURES, latencyOf, MACHINE, observe, randomSize, seededRandom } from './synthetic.ts';

describe('a probe', () => {
  test('is made where the lanes are most in doubt, never beyond the bytes that are left', () => {
    const cost = new CostModel();
    const random = seededRandom(1);
    for (let i = 0; i < 300; i += 1) cost.learn(observe(MACHINE, 'grpc', randomSize(random), random));
    const snapshot = cost.snapshot();
    const candidates = [1e3, 1e5, 3e5, 1e7].map((dataSize) => observe(MACHINE, 'grpc', dataSize, random));
    const worth = (dataSize: number): number => {
      const { logRatio = 0, logRatioStandardError = 0 } = snapshot.compare?.({ ...FEATURES, dataSize }) ?? {};
      return Math.abs(logRatio) / logRatioStandardError;
    };
    const best = bestProbe(candidates, snapshot, 1e9);
    const nearest = [...candidates].sort((a, b) => worth(a.dataSize) - worth(b.dataSize))[0];
    expect(best?.candidate.dataSize).toBe(nearest?.dataSize);
    expect(best?.other).toBe('zero_copy');
    expect(bestProbe(candidates, snapshot, 2e3)?.candidate.dataSize ?? 1e3).toBe(1e3);
    expect(bestProbe([], snapshot, 1e9)).toBeUndefined();
  });

  test('says what the transfer would have taken: the handler’s time stays, the lanes’ difference counts', () => {
    const live = observe(MACHINE, 'grpc', 1e5, seededRandom(1));
    const choice = { candidate: { ...live, latencyUs: 10_000 }, other: 'zero_copy' as const };
    const said = counterfactual(choice, { taken: [900, 800], other: [350, 300], warm: true }, 7);
    expect(said).toMatchObject({
      method: 'zero_copy',
      latencyUs: 9_500,
      propensity: 1,
      inFlight: 1,
      warm: true,
      atMs: 7,
    });
    // No lane is quicker than its probe was.
    const quick = { ...choice, candidate: { ...live, latencyUs: 400 } };
    expect(counterfactual(quick, { taken: [900], other: [300], warm: true }, 7)?.latencyUs).toBe(300);
    expect(counterfactual(choice, { taken: [], other: [300], warm: true }, 7)).toBeUndefined();
  });

  test('teaches the lane that live traffic does not take, and touches nothing that is about traffic', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const [without, withProbes] = [new CostModel(), new CostModel()];
        for (let i = 0; i < 200; i += 1) {
          const seen = observe(MACHINE, 'grpc', randomSize(random), random);
          without.learn(seen);
          withProbes.learn(seen);
        }
        for (let i = 0; i < 20; i += 1)
          withProbes.learnProbe(observe(MACHINE, 'zero_copy', randomSize(random), random));
        const error = (model: CostModel): number =>
          Math.abs(
            Math.log(
              model.snapshot().estimate('zero_copy', FEATURES).latencyUs /
                latencyOf(MACHINE, 'zero_copy', FEATURES.dataSize),
            ),
          );
        expect(error(withProbes)).toBeLessThan(error(without) + 0.15);
        const doubt = (model: CostModel): number => model.snapshot().compare?.(FEATURES).logRatioStandardError ?? 0;
        expect(doubt(withProbes)).toBeLessThan(doubt(without));
        expect(withProbes.kinds()).toStrictEqual(without.kinds());
        expect(withProbes.counters).toStrictEqual(without.counters);
        const limits = [without, withProbes].map((model) => model.snapshot().explorationLimits?.());
        expect(limits[1]).toStrictEqual({ ...limits[0], floorScale: expect.closeTo(0.2, 12) });
        const interval = (model: CostModel) => model.snapshot().estimate('grpc', FEATURES).intervalUs;
        const factor = (model: CostModel): number => (interval(model)?.[1] ?? 1) / (interval(model)?.[0] ?? 1);
        expect(factor(withProbes)).toBeCloseTo(factor(without), 9);
      }),
      { numRuns: 20 },
    );
  });

  test('lets exploration on live traffic sink, to a floor that is not 0, and rise again when probes are long ago', () => {
    const model = new CostModel();
    const random = seededRandom(3);
    // Sure which lane is better: what is left is the floor.
    const sure = (): void => {
      for (let i = 0; i < 3_000; i += 1)
        model.learn(observe(MACHINE, i % 2 === 0 ? 'grpc' : 'zero_copy', randomSize(random), random));
    };
    const other = (): number => {
      const choice = model
        .snapshot()
        .choose?.({ ...FEATURES, dataSize: 150_000 }, { statistic: 'median', explorationRate: 0.05, random: 0.999 });
      return 1 - (choice?.propensity ?? 1);
    };
    sure();
    const before = other();
    for (let i = 0; i < 20; i += 1) model.learnProbe(observe(MACHINE, 'zero_copy', randomSize(random), random));
    const after = other();
    expect(after).toBeLessThan(before);
    expect(after).toBeGreaterThan(0.0019);
    sure();
    expect(other()).toBeGreaterThan(after);
  });
});

interface Host {
  readonly ref: ServerRef<GetProbes, ProbeFrom, ProberInfo>;
  readonly slot: PoolSlot;
  readonly taught: Observation[];
  readonly sent: { lane: Lane; bytes: number }[];
  readonly stopped: string[];
  readonly offers: Map<string, ProbeOffer>;
  /** Lets so much time pass, with what happens in it. */
  pass(ms: number): Promise<void>;
  records(count: number): void;
}

async function startProber(lane: (name: Lane) => ProbeLane = quick, bytesPerMinute = 64 * 2 ** 20): Promise<Host> {
  const clock = createTestClock(1e12);
  const system = startSystem({ name: 'probes', clock });
  onTestFinished(() => stopSystem(system, { timeoutMs: 0 }));
  const slot = poolSlot({ minimumThresholdMb: 0.001 });
  const cost = new CostModel();
  slot.costModel = cost.snapshot();
  const board = new SnapshotBoard();
  board.add(slot);
  const sent: Host['sent'] = [];
  const counted =
    (name: Lane): ProbeLane =>
    (payload, context) => {
      sent.push({ lane: name, bytes: context.cell.dataSize });
      return lane(name)(payload, context);
    };
  const offers = new Map<string, ProbeOffer>([
    ['ml', { lanes: { grpc: counted('grpc'), zeroCopy: counted('zero_copy') }, bytesPerMinute }],
  ]);
  const taught: Observation[] = [];
  const stopped: string[] = [];
  const ref = started(
    await startGenServer(system, prober, {
      board,
      offers,
      nowMs: () => clock.now(),
      elapsedMs: () => performance.now(),
      teach: (_pool, probes) => {
        taught.push(...probes);
        for (const probe of probes) cost.learnProbe(probe);
        slot.costModel = cost.snapshot();
      },
      onStopped: (_pool, why) => void stopped.push(why),
    }),
  );
  const random = seededRandom(5);
  const records = (count: number): void => {
    const batch = Array.from({ length: count }, (): TransferRecord => {
      const dataSize = randomSize(random);
      const latencyUs = latencyOf(MACHINE, 'grpc', dataSize);
      return record({ dataSize, latencyUs, method: 'grpc', dataType: 'binary', format: 'raw' });
    });
    cast(ref, { type: 'observed', records: batch });
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      // Lanes answer in turns of their own.
      for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await call(ref, { type: 'get_probes', pool: 'ml' });
    }
  };
  return { ref, slot, taught, sent, stopped, offers, pass, records };
}

function quick(name: Lane): ProbeLane {
  return (_payload, context) =>
    context.report({
      latencyUs: latencyOf(MACHINE, name, context.cell.dataSize),
      warm: name === 'zero_copy' || undefined,
    });
}

describe('the prober', () => {
  test('waits until the pool is idle, then tries the other lane at recorded sizes, both lanes by turns', async () => {
    const host = await startProber();
    host.records(200);
    host.slot.inFlight = 1;
    await host.pass(3_000);
    expect(host.sent).toStrictEqual([]);
    host.slot.inFlight = 0;
    await host.pass(4_000);
    expect(host.taught.length).toBeGreaterThan(1);
    expect(host.sent.slice(0, 4).map(({ lane }) => lane)).toStrictEqual(['zero_copy', 'grpc', 'grpc', 'zero_copy']);
    for (const { method, dataSize, latencyUs } of host.taught) {
      expect(method).toBe('zero_copy');
      expect(latencyUs).toBeCloseTo(latencyOf(MACHINE, 'zero_copy', dataSize), 3);
    }
    expect(await call(host.ref, { type: 'get_probes', pool: 'ml' })).toMatchObject({
      probes: host.taught.length,
      failed: 0,
    });
  });

  test('knows a pool before it probes, earns probes by traffic, and stops where nothing is in doubt', async () => {
    const host = await startProber();
    host.records(40);
    await host.pass(3_000);
    expect(host.sent).toStrictEqual([]);
    host.records(40);
    await host.pass(60_000);
    // Eighty transfers earn twenty, a minute one more.
    expect(host.taught.length).toBeGreaterThan(0);
    expect(host.taught.length).toBeLessThanOrEqual(21);
  });

  test('carries no more than its bytes a minute', async () => {
    const host = await startProber(quick, 100_000);
    host.records(128);
    await host.pass(30_000);
    const bytes = host.sent.reduce((sum, sent) => sum + sent.bytes, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(150_000);
    const none = await startProber(quick, 0);
    none.records(128);
    await none.pass(5_000);
    expect(none.sent).toStrictEqual([]);
  });

  test('gives up when a transfer comes, and learns nothing of it', async () => {
    const host: Host = await startProber((name) => (payload, context) => {
      host.slot.inFlight = 1;
      return quick(name)(payload, context);
    });
    host.records(128);
    await host.pass(3_000);
    expect(host.sent.length).toBe(1);
    expect(host.taught).toStrictEqual([]);
    expect(await call(host.ref, { type: 'get_probes', pool: 'ml' })).toMatchObject({ interrupted: 1, probes: 0 });
  });

  test('workers that do not know the command are left alone, told once; a lane that fails is tried less and less', async () => {
    const unknown = Object.assign(new Error('no handler'), { code: 'PITWALL_UNKNOWN_COMMAND' });
    const foreign = await startProber(() => () => Promise.reject(unknown));
    foreign.records(128);
    await foreign.pass(10_000);
    expect(foreign.sent.length).toBe(1);
    expect(foreign.stopped).toStrictEqual(['its workers do not know the command']);
    const broken = await startProber(() => () => Promise.reject(new Error('broken')));
    broken.records(128);
    await broken.pass(60_000);
    expect(broken.sent.length).toBeLessThanOrEqual(4);
    expect(broken.taught).toStrictEqual([]);
  });

  test('an offer that is taken back ends it; a closed circuit, a busy machine, a disabled pool are no time for it', async () => {
    const host = await startProber();
    host.records(128);
    host.slot.breaker = 'open';
    await host.pass(3_000);
    host.slot.breaker = 'closed';
    host.slot.mode = 'disabled';
    await host.pass(3_000);
    host.slot.mode = 'enabled';
    expect(host.sent).toStrictEqual([]);
    host.offers.delete('ml');
    await host.pass(3_000);
    expect(host.sent).toStrictEqual([]);
    expect(await call(host.ref, { type: 'get_probes', pool: 'ml' })).toBeUndefined();
  });
});
