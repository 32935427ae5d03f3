/** The learner actor: what becomes of models, on what evidence, and how often it trains. */
import { describe, expect, test } from 'vitest';
import { call, cast } from '../../src/otp/index.ts';
import { type LearnerHost, startLearner, type World } from './learner-host.ts';

/** gRPC has a step at 64 KiB that only trees can see. */
const STEPPED: World = (lane, { dataSize }, random) => {
  const latencyUs = lane === 'grpc' ? (dataSize < 65_536 ? 300 : 3_000) + dataSize / 200 : 900 + dataSize / 2_000;
  return latencyUs * Math.exp(0.2 * (random() - 0.5));
};
/** Everything takes three times as long, and gRPC has no step any more. */
const CHANGED: World = (lane, { dataSize }, random) => {
  const latencyUs = lane === 'grpc' ? 300 + dataSize / 100 : 2_700 + dataSize / 700;
  return 3 * latencyUs * Math.exp(0.2 * (random() - 0.5));
};

async function trained(host: LearnerHost): Promise<void> {
  await call(host.ref, { type: 'train_model', pool: 'ml' }, { timeoutMs: 600_000 });
}

describe('the learner', () => {
  test('lets a model climb as live traffic allows, each step with its evidence; never above the ceiling', async () => {
    const host = await startLearner({ policy: { goal: 'minimize_latency' }, intervalMs: 1e9, seed: 4 });
    await host.transfer(900, STEPPED);
    expect(host.outcomes).toMatchObject([{ type: 'published' }]);
    expect(host.steps).toMatchObject([{ direction: 'up', cause: 'held_out', to: { requiredConfidence: 0.9 } }]);
    await host.transfer(1_500, STEPPED);
    const { stage, requiredConfidence, steps } = await host.status();
    expect(requiredConfidence).toBeLessThan(0.9);
    expect(host.slot).toMatchObject({ rolloutStage: stage, requiredConfidence });
    expect(host.slot.model?.requiredConfidence).toBe(requiredConfidence);
    expect(steps.length).toBeGreaterThan(1);
    for (const { evidence, direction } of steps) {
      expect(direction).toBe('up');
      expect(evidence).toMatch(/%.*(rows|transfers)/);
    }
    const watched = await startLearner({
      policy: { goal: 'minimize_latency', rolloutStage: 'observe' },
      intervalMs: 1e9,
    });
    await watched.transfer(900, STEPPED);
    expect(watched.outcomes).toMatchObject([{ type: 'published' }]);
    expect(watched.slot).toMatchObject({ rolloutStage: 'observe', requiredConfidence: 1 });
    expect(watched.steps).toStrictEqual([]);
  });

  test('a change of regime: drift, a training at once and another on the new regime alone; the model that became wrong is sent back', async () => {
    const host = await startLearner({ policy: { goal: 'minimize_latency' } });
    await host.transfer(900, STEPPED);
    await trained(host);
    const before = host.tasks.length;
    await host.transfer(1_200, CHANGED);
    expect(host.alarms.length).toBeGreaterThan(0);
    // An hour has not passed: drift asked for them.
    expect(host.tasks.length).toBeGreaterThan(before);
    const versions = await call(host.ref, { type: 'get_versions', pool: 'ml' });
    expect(versions.at(-1)?.cause).toBe('drift');
    expect(versions.at(-1)?.lineage.fromMs).toBeGreaterThan(versions[0]?.lineage.toMs ?? 0);
    // Either the model steers no longer, or one that knows the new regime does.
    const { modelId, stage } = await host.status();
    if (modelId === 'ml-v1') expect(stage).toBe('observe');
    else
      expect(
        host.outcomes.some((outcome) => outcome.type === 'published' && outcome.version > 1) || stage === 'observe',
      ).toBe(true);
  });

  test('a model that has become wrong goes back to the rules while trainings cannot help', async () => {
    const host = await startLearner({ policy: { goal: 'minimize_latency' } });
    await host.transfer(900, STEPPED);
    await trained(host);
    expect(host.slot.rolloutStage).toBe('confident');
    const deaf = await startLearner({
      policy: { goal: 'minimize_latency' },
      stored: new Map(host.stored),
      seed: 2,
      train: async () => ({ type: 'failed', error: 'no process can be started' }),
    });
    await deaf.settled();
    await deaf.transfer(500, STEPPED);
    expect((await deaf.status()).modelId).toBe('ml-v1');
    await deaf.transfer(1_500, CHANGED);
    const { stage, steps } = await deaf.status();
    expect(stage).toBe('observe');
    expect(steps.at(-1)).toMatchObject({ direction: 'down', to: { stage: 'observe' }, modelId: 'ml-v1' });
    expect(['less_accurate', 'live_worse']).toContain(steps.at(-1)?.cause);
    expect(deaf.slot.rolloutStage).toBe('observe');
    // Failures are told, and tried again less and less often.
    const failures = deaf.outcomes.filter((outcome) => outcome.type === 'failed').length;
    expect(failures).toBeGreaterThan(0);
    expect(failures).toBeLessThan(5);
  });

  test('drift asks for no more than three trainings in a row', async () => {
    const host = await startLearner({ minimumSamples: 300 });
    await host.transfer(400, STEPPED);
    await trained(host);
    const before = host.tasks.length;
    for (let flip = 0; flip < 8; flip += 1) await host.transfer(250, flip % 2 === 0 ? CHANGED : STEPPED);
    expect(host.alarms.length).toBeGreaterThan(3);
    expect(host.tasks.length - before).toBeGreaterThan(0);
    expect(host.tasks.length - before).toBeLessThanOrEqual(3);
    // With time there are more.
    host.clock.advance(3_600_000);
    await host.transfer(300, CHANGED);
    expect(host.tasks.length - before).toBeGreaterThan(3);
  });

  test('hourly, with enough new records, and not before', async () => {
    const host = await startLearner({ minimumSamples: 300 });
    await host.transfer(290, STEPPED);
    expect(host.tasks.length).toBe(0);
    await host.transfer(350, STEPPED);
    expect(host.tasks.length).toBe(1);
    await host.transfer(400, STEPPED);
    const hourly = host.tasks.length;
    host.clock.advance(3_600_000);
    await host.settled();
    expect(host.tasks.length).toBe(hourly + 1);
  });

  test('answers while it trains; who asks for the same training gets the same answer; what was cleared meanwhile stays away', async () => {
    let finish: (() => void) | undefined;
    const host: LearnerHost = await startLearner({
      train: (task) =>
        new Promise((resolve) => {
          finish = () => void resolve({ type: 'failed', error: task.pool });
        }),
    });
    await host.transfer(100, STEPPED);
    const asked = [1, 2].map(() => call(host.ref, { type: 'train_model', pool: 'ml' }));
    expect(await host.status()).toMatchObject({ training: true, trainings: 0 });
    finish?.();
    expect(await Promise.all(asked)).toStrictEqual([1, 2].map(() => ({ type: 'failed', error: 'ml' })));
    expect(host.tasks.length).toBe(1);
    const real = await startLearner({ policy: { goal: 'minimize_latency' } });
    await real.transfer(900, STEPPED);
    const training = call(real.ref, { type: 'train_model', pool: 'ml' }, { timeoutMs: 600_000 });
    await call(real.ref, { type: 'clear_models', pool: 'ml' });
    const outcome = await training;
    const versions = await call(real.ref, { type: 'get_versions', pool: 'ml' });
    expect([outcome.type, versions.length]).toStrictEqual(['superseded', 0]);
  });

  test('is bounded: what comes faster than it can look at is counted', async () => {
    const host = await startLearner();
    await host.transfer(50, STEPPED);
    const [record] = host.records;
    if (record === undefined) throw new Error('a record was made');
    for (let batch = 0; batch < 12; batch += 1) {
      cast(host.ref, { type: 'observed', records: Array.from({ length: 2_048 }, () => record) });
    }
    await host.settled();
    const { skipped, samples } = await host.status();
    expect(skipped + samples).toBe(50 + 12 * 2_048);
    expect(skipped).toBeGreaterThan(0);
  });

  test('keeps a bounded number of versions; pinned and serving ones stay', async () => {
    const host = await startLearner({ policy: { goal: 'minimize_latency' }, minimumSamples: 300 });
    await host.transfer(600, STEPPED);
    for (let time = 0; time < 29; time += 1) await trained(host);
    const versions = await call(host.ref, { type: 'get_versions', pool: 'ml' });
    expect(versions.length).toBeLessThanOrEqual(24);
    expect(versions.at(-1)?.version).toBe(30);
    const { version } = await host.status();
    expect(versions.some((each) => each.version === version)).toBe(version !== undefined);
    const bytes = [...host.stored.keys()].filter((key) => key.endsWith(' model'));
    expect(bytes.length).toBe(versions.length);
  });

  test('goes on after a crash where it stood', async () => {
    const host = await startLearner({ policy: { goal: 'minimize_latency' }, intervalMs: 1e9 });
    await host.transfer(900, STEPPED);
    await trained(host);
    await host.transfer(1_500, STEPPED);
    const { requiredConfidence, version } = await host.status();
    const successor = await startLearner({ policy: { goal: 'minimize_latency' }, stored: new Map(host.stored) });
    await successor.settled();
    expect(await successor.status()).toMatchObject({ version, requiredConfidence });
    expect(successor.slot.model?.modelId).toBe(`ml-v${version}`);
    // Another goal compares something else: that model was not trained for it.
    const other = await startLearner({ policy: { goal: 'maximize_throughput' }, stored: new Map(host.stored) });
    await other.settled();
    expect(other.refusals).toStrictEqual([expect.stringMatching(/stale: trained for a goal that compares the median/)]);
    const elsewhere = await startLearner({ machine: 'another', stored: new Map(host.stored) });
    await elsewhere.settled();
    expect(elsewhere.refusals).toStrictEqual([
      expect.stringMatching(/foreign: trained on test machine, this is another/),
    ]);
    expect(elsewhere.slot.model).toBeUndefined();
  });

  const KEY = '"ml" 000001';
  type Stored = LearnerHost['stored'];
  const changed = (stored: Stored, change: object): Stored => {
    const version = stored.get(KEY);
    if (typeof version !== 'object' || version instanceof Uint8Array) throw new Error('a version is stored');
    return stored.set(KEY, { ...version, ...change });
  };
  const bytesOf = (stored: Stored): Uint8Array => {
    const bytes = stored.get(`${KEY} model`);
    if (bytes instanceof Uint8Array) return bytes;
    throw new Error('its bytes are stored');
  };
  const DAMAGES: readonly [string, (stored: Stored) => unknown, RegExp][] = [
    [
      'a flipped bit',
      (stored) =>
        stored.set(
          `${KEY} model`,
          bytesOf(stored).map((byte, at) => (at === 99 ? byte ^ 1 : byte)),
        ),
      /checksum is wrong/,
    ],
    [
      'bytes that are cut short',
      (stored) => stored.set(`${KEY} model`, bytesOf(stored).slice(0, 50)),
      /truncated: 50 bytes/,
    ],
    ['bytes that are gone', (stored) => stored.delete(`${KEY} model`), /its bytes are missing/],
    ['a version that is gone', (stored) => stored.delete(KEY), /not stored any more/],
    ['a version that is nonsense', (stored) => stored.set(KEY, { version: 'one' }), /expected/],
    ['a state that is nonsense', (stored) => stored.set('"ml"', { schema: 9 }), /schema: expected/],
    ['another layout', (stored) => changed(stored, { layout: 'boosted_trees:1:logSize' }), /foreign: another layout/],
    ['a learner of the future', (stored) => changed(stored, { learner: 'oracle' }), /learner: expected boosted_trees/],
    ['old age', (stored) => changed(stored, { trainedAtMs: Date.UTC(2025, 0, 1) }), /stale: trained 36\d\.\d days ago/],
  ];

  test('refuses what may not serve with the reason; the rules serve, and what comes next is kept as ever', async () => {
    const host = await startLearner({ policy: { goal: 'minimize_latency' }, intervalMs: 1e9 });
    await host.transfer(850, STEPPED);
    expect(host.outcomes).toMatchObject([{ type: 'published' }]);
    for (const [damage, change, reason] of DAMAGES) {
      const stored = new Map(host.stored);
      change(stored);
      const successor = await startLearner({ policy: { goal: 'minimize_latency' }, stored });
      await successor.settled();
      expect(successor.refusals, damage).toContainEqual(expect.stringMatching(reason));
      expect(successor.slot, damage).toMatchObject({ model: undefined, rolloutStage: 'observe' });
    }
    // Keys of somebody else are left alone.
    const strange = new Map(host.stored).set('ml', new Uint8Array(9)).set('"ml', 1).set('"ml" x', 'y');
    const successor = await startLearner({ policy: { goal: 'minimize_latency' }, stored: strange });
    await successor.settled();
    expect(successor.refusals).toStrictEqual([]);
    expect((await successor.status()).modelId).toBe('ml-v1');
  });
});
