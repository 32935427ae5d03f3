/** Both layers of learning in the running package: a real training process reads what is stored. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Alert, type Runtime, type RuntimeEvent, startRuntime } from 'pitwall';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MetricsStore, openStore } from '../../dist/metrics/store.js';
import { seededRandom } from '../../src/learning/random.ts';
import { TENSOR, teach, temporaryFolder, testRuntime, until } from './support.ts';

const OPTIONS = {
  pools: [
    {
      name: 'ml',
      goal: 'minimize_latency' as const,
      minimumThresholdMb: 0.001,
      explorationRate: 0.3,
      rolloutStage: 'adaptive' as const,
    },
  ],
};

/** A machine that no line describes: gRPC has a step at 64 KiB that only a second layer can see. Equal seeds, equal latencies. */
function stepped(seed: number): (method: string, size: number) => number {
  const random = seededRandom(seed);
  return (method, size) => {
    const latencyUs = method === 'grpc' ? (size < 65_536 ? 300 : 3_000) + size / 200 : 900 + size / 2_000;
    return latencyUs * Math.exp(0.2 * (random() - 0.5));
  };
}

/** A folder in which a runtime has recorded, and trained and published a model, once for all tests; each gets a copy. */
const TAUGHT = mkdtempSync(join(tmpdir(), 'pitwall taught '));

beforeAll(async () => {
  const random = seededRandom(1);
  const runtime = await startRuntime({ ...OPTIONS, dataDir: TAUGHT, logger: false, random: seededRandom(2) });
  await teach(runtime, 1_600, () => Math.round(2 ** (10 + 10 * random())), stepped(1));
  await published(runtime);
  await runtime.shutdown();
});
afterAll(() => rmSync(TAUGHT, { recursive: true, force: true }));

function taughtFolder(): string {
  const folder = temporaryFolder();
  cpSync(TAUGHT, folder, { recursive: true });
  return folder;
}

/** Trains on what is stored; fails the test where the model is not published. */
async function published(runtime: Runtime): Promise<number> {
  const outcome = await runtime.learning.trainModel('ml');
  if (outcome.type === 'published') return outcome.version;
  throw new Error(`not published: ${JSON.stringify(outcome)}`);
}

describe('learning', () => {
  it('refuses to train on too little, and says how it stands', async () => {
    const runtime = await testRuntime({ ...OPTIONS, dataDir: temporaryFolder() });
    await teach(
      runtime,
      100,
      (i) => 2 ** (10 + (i % 10)),
      (_method, size) => 100 + size / 100,
    );
    expect(await runtime.learning.trainModel('ml')).toStrictEqual({
      type: 'too_few_samples',
      samples: 100,
      needed: 1_000,
    });
    expect(await runtime.learning.status('ml')).toMatchObject({
      modelId: undefined,
      stage: 'observe',
      trainings: 1,
      lastOutcome: 'too_few_samples',
    });
    await expect(runtime.learning.trainModel('nobody')).rejects.toThrow('pool: expected');
    const inMemory = await testRuntime(OPTIONS);
    expect(await inMemory.learning.trainModel('ml')).toStrictEqual({ type: 'nothing_stored' });
  });

  it('trains in a process on what is stored, publishes what is surely better, and lets it steer where it is sure', async () => {
    const events: RuntimeEvent[] = [];
    const runtime = await testRuntime({ ...OPTIONS, dataDir: taughtFolder() });
    runtime.subscribe((event) => events.push(event));
    await runtime.learning.clearModels('ml');
    const version = await published(runtime);
    const [other, kept, ...more] = await runtime.learning.versions('ml');
    expect(more).toStrictEqual([]);
    expect(kept).toMatchObject({
      version,
      modelId: expect.stringMatching(new RegExp(`^ml-v${version}(-neural-network)?$`)),
      outcome: 'published',
      reason: expect.stringMatching(/held-out cost against the cost model -\d/),
      lineage: { statistic: 'median', libraries: { 'ml-cart': expect.any(String), node: process.versions.node } },
    });
    expect(kept?.lineage.rows).toBeGreaterThanOrEqual(1_000);
    expect(kept?.bytes).toBeGreaterThan(100);
    // Both learners were trained on the same rows, and judged on the same others; the better one serves, and says which it is.
    expect([kept?.learner, other?.learner].sort()).toStrictEqual(['boosted_trees', 'neural_network']);
    expect(kept?.modelId.endsWith('-neural-network')).toBe(kept?.learner === 'neural_network');
    expect(kept?.scores.rival?.learner).toBe(other?.learner);
    expect(other).toMatchObject({
      version: version - 1,
      outcome: 'refused',
      scores: { rival: { learner: kept?.learner } },
    });
    expect(other?.reason).toMatch(/of the same training came first/);
    expect(other?.scores.heldOut.rows).toBe(kept?.scores.heldOut.rows);
    const snapshot = runtime.snapshot('ml');
    expect(snapshot).toMatchObject({ rolloutStage: 'confident', requiredConfidence: 0.9 });
    expect(snapshot?.model).toMatchObject({ modelId: kept?.modelId, requiredConfidence: 0.9 });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'model_stage',
        step: expect.objectContaining({ direction: 'up', cause: 'held_out', evidence: expect.stringContaining('%') }),
      }),
    );
    const decisions = Array.from({ length: 200 }, (_, i) =>
      runtime.decideTransferMethod({ ...TENSOR, dataSize: 1_100 + 5_000 * i }),
    );
    const byModel = decisions.filter(({ reason }) => reason === 'model');
    expect(new Set(byModel.map(({ modelId }) => modelId))).toStrictEqual(new Set([kept?.modelId]));
    expect(decisions.find(({ reason }) => reason === 'cost_model')?.modelId).toBeUndefined();
    expect(runtime.learning.predict({ ...TENSOR, dataSize: 2e5 })).toMatchObject({
      source: 'model',
      learner: kept?.learner,
    });
    // The configured stage is the ceiling, at once.
    await runtime.updatePolicy('ml', { rolloutStage: 'observe' });
    expect(runtime.snapshot('ml')?.rolloutStage).toBe('observe');
    expect(runtime.decideTransferMethod({ ...TENSOR, dataSize: 40_000 }).reason).not.toBe('model');
  });

  it('keeps versions over a restart: pinned, rolled back, unpinned, cleared', async () => {
    const dataDir = taughtFolder();
    const first = await testRuntime({ ...OPTIONS, dataDir });
    const one = (await first.learning.versions('ml')).at(-1)?.version ?? 0;
    expect(one).toBeGreaterThan(0);
    await first.learning.pin('ml', one);
    // Whatever comes of it: what is pinned stays.
    const next = await first.learning.trainModel('ml');
    expect(next.type).toBe('not_better');
    expect(await first.learning.status('ml')).toMatchObject({ version: one, pinned: one });
    await expect(first.learning.pin('ml', 999)).rejects.toMatchObject({ code: 'PITWALL_VERSION_REFUSED' });
    await expect(first.learning.pin('ml', 0.5)).rejects.toThrow('version: expected');
    await first.shutdown();

    const second = await testRuntime({ ...OPTIONS, dataDir });
    const versions = await second.learning.versions('ml');
    expect(versions.map(({ version, outcome }) => [version, outcome])).toStrictEqual([
      [one - 1, 'refused'],
      [one, 'published'],
      [one + 1, 'refused'],
      [one + 2, 'refused'],
    ]);
    expect(versions.slice(2).map(({ lineage }) => lineage.parent)).toStrictEqual([one, one]);
    expect(await second.learning.status('ml')).toMatchObject({ version: one, pinned: one, stage: 'confident' });
    const serving = (): string | undefined => second.snapshot('ml')?.model?.modelId;
    const idOf = (version: number): string | undefined => versions.find((each) => each.version === version)?.modelId;
    await until(() => serving() === idOf(one), 'the model serves again');
    // What was refused can be had, too, by an operator who knows better: of either learner.
    const pinned = [one + 1, one + 2];
    for (const version of pinned) {
      expect((await second.learning.pin('ml', version)).version).toBe(version);
      expect(serving()).toBe(idOf(version));
    }
    expect(pinned.map((version) => versions.find((each) => each.version === version)?.learner).sort()).toStrictEqual([
      'boosted_trees',
      'neural_network',
    ]);
    expect((await second.learning.rollBack('ml')).version).toBe(one);
    expect(await second.learning.status('ml')).toMatchObject({ version: one, pinned: undefined });
    await expect(second.learning.rollBack('ml')).rejects.toThrow('no earlier published version');
    await second.learning.unpin('ml');
    await second.learning.clearModels('ml');
    expect(second.snapshot('ml')).toMatchObject({ model: undefined, rolloutStage: 'observe', requiredConfidence: 1 });
    await second.shutdown();

    const third = await testRuntime({ ...OPTIONS, dataDir });
    expect(await third.learning.versions('ml')).toStrictEqual([]);
    expect(await third.learning.clear('ml')).toMatchObject({ type: expect.stringMatching(/published|not_better/) });
    // Numbers are not given twice.
    expect((await third.learning.versions('ml')).map(({ version }) => version)).toStrictEqual([one + 3, one + 4]);
  });

  it('a training that is cancelled is one that failed, and the next one works', async () => {
    const runtime = await testRuntime({ ...OPTIONS, dataDir: taughtFolder() });
    const training = runtime.learning.trainModel('ml');
    const joined = runtime.learning.trainModel('ml');
    await until(() => runtime.whereis('worker_pool') !== undefined, 'the pool of processes is there');
    await runtime.learning.cancelTraining('ml');
    expect(await training).toMatchObject({ type: 'failed', error: { code: 'PITWALL_TRAINING_CANCELLED' } });
    expect(await joined).toStrictEqual(await training);
    // It is asked while it trains, and answers.
    const again = runtime.learning.trainModel('ml');
    expect(await runtime.learning.status('ml')).toMatchObject({ training: true, lastOutcome: 'failed' });
    expect(await again).toMatchObject({ type: expect.stringMatching(/published|not_better/) });
  });
});

describe('a change of regime', () => {
  it('is noticed, and retrains at once, long before the hour', async () => {
    const events: RuntimeEvent[] = [];
    const runtime = await testRuntime({ ...OPTIONS, dataDir: taughtFolder(), random: seededRandom(3) });
    runtime.subscribe((event) => events.push(event));
    expect(runtime.config.modelUpdateIntervalSeconds).toBe(3_600);
    const before = (await runtime.learning.versions('ml')).length;
    const one = (await runtime.learning.status('ml'))?.version;
    const random = seededRandom(4);
    const size = (): number => Math.round(2 ** (10 + 10 * random()));
    await teach(runtime, 300, size, stepped(5));
    expect((await runtime.learning.detectDrift('ml')).drifted).toBe(false);
    // Everything takes four times as long, and gRPC has no step any more.
    await teach(
      runtime,
      400,
      size,
      (method, bytes) => 4 * (method === 'grpc' ? 300 + bytes / 100 : 2_700 + bytes / 700),
    );
    const found = (type: RuntimeEvent['type']): boolean => events.some((event) => event.type === type);
    await until(() => found('drift') && found('trained'), 'drift, and a training');
    const versions = await runtime.learning.versions('ml');
    expect(versions.length).toBeGreaterThan(before);
    expect(versions.at(-1)).toMatchObject({ cause: 'drift', lineage: { parent: one } });
    expect((await runtime.learning.detectDrift('ml')).alarms.length).toBeGreaterThan(0);
  });
});

describe('what is stored of a model', () => {
  /** A stored version, changed while the runtime is down; the runtime that finds it. */
  async function afterwards(change: (store: MetricsStore, key: string) => Promise<void>): Promise<Runtime> {
    const dataDir = taughtFolder();
    const store = await openStore({ dataDir, now: () => Date.now() * 1000, retentionHours: 168, onWarning: () => {} });
    // The last one serves.
    const key = [...store.entries('models')].map(([name]) => name).findLast((name) => name.startsWith('"ml" '));
    await change(store, key ?? 'no version is stored');
    await store.close();
    return testRuntime({ ...OPTIONS, dataDir });
  }

  async function changeVersion(
    store: MetricsStore,
    key: string,
    change: (version: Record<string, unknown>) => object,
  ): Promise<void> {
    const version = store.get('models', key);
    await store.put('models', key, JSON.parse(JSON.stringify(change(version as Record<string, unknown>))));
  }

  const cases: [string, (store: MetricsStore, key: string) => Promise<void>, RegExp][] = [
    [
      'corrupted',
      async (store, key) => {
        const bytes = store.getBytes('models', `${key} model`) ?? new Uint8Array();
        const changed = Uint8Array.from(bytes);
        changed[100] = (changed[100] ?? 0) ^ 0xff;
        await store.putBytes('models', `${key} model`, changed);
      },
      /corrupted: the checksum is wrong/,
    ],
    [
      'truncated',
      async (store, key) => {
        const bytes = store.getBytes('models', `${key} model`) ?? new Uint8Array();
        await store.putBytes('models', `${key} model`, bytes.slice(0, 64));
      },
      /truncated: 64 bytes/,
    ],
    [
      'of another machine',
      (store, key) =>
        changeVersion(store, key, (version) => ({
          ...version,
          lineage: { ...(version.lineage as object), machine: 'plan9-mips, 1 x R3000' },
        })),
      /foreign: trained on plan9-mips/,
    ],
  ];

  it.each(cases)(
    'where it is %s, is refused with the reason, once, and the cost model serves',
    async (_what, change, reason) => {
      const runtime = await afterwards(change);
      const alerts = await untilAlert(runtime, 'state_refused');
      expect(alerts).toHaveLength(1);
      expect(alerts[0]?.message).toMatch(reason);
      expect(runtime.snapshot('ml')).toMatchObject({ model: undefined, rolloutStage: 'observe' });
      const decision = runtime.decideTransferMethod({ ...TENSOR, dataSize: 200_000 });
      expect(['cost_model', 'marginal_benefit', 'exploration']).toContain(decision.reason);
      // Another one is trained from what is stored, and takes its place.
      if (_what !== 'corrupted') return;
      await published(runtime);
      expect(await runtime.alerts()).toStrictEqual([]);
    },
  );
});

async function untilAlert(runtime: Runtime, kind: string): Promise<readonly Alert[]> {
  for (let look = 0; look < 200; look += 1) {
    const found = (await runtime.alerts()).filter((alert) => alert.kind === kind);
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no alert ${kind}`);
}

describe('predictions', () => {
  it('predicts with probabilities, intervals and confidence', async () => {
    const runtime = await testRuntime(OPTIONS);
    await teach(
      runtime,
      400,
      (i) => 2 ** (12 + (i % 10)),
      (method, size) => (method === 'grpc' ? 500 + size / 200 : 600 + size / 2_000),
    );
    const prediction = runtime.learning.predict({ ...TENSOR, dataSize: 4e6 });
    expect(prediction.methodProbability.zero_copy).toBeGreaterThan(0.9);
    expect(prediction.methodProbability.zero_copy + prediction.methodProbability.grpc).toBeCloseTo(1, 12);
    expect(prediction.estimatedLatencyUs.grpc).toBeGreaterThan(prediction.estimatedLatencyUs.zero_copy);
    const [low, high] = prediction.intervalUs.grpc ?? [Number.NaN, Number.NaN];
    expect(low).toBeLessThan(high);
    expect(() => runtime.learning.predict({ pool: 'unknown', dataSize: 1 })).toThrow('nothing was learned');
  });
});

describe('cost and benefit', () => {
  it('names every part of both costs, and takes the machine that it is given', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const analysis = runtime.costBenefit.analyze(
      { ...TENSOR, dataSize: 100 * 2 ** 20 },
      { systemLoad: 0.45, availableMemory: 2 ** 33, warmth: 'warm' },
    );
    expect(analysis).toMatchObject({
      recommendation: 'zero_copy',
      factors: {
        dataSize: 104_857_600,
        systemLoad: 0.45,
        availableMemory: 8_589_934_592,
        warmth: 'warm',
        historicalPerformance: 'unknown',
      },
    });
    expect(analysis.rationale).toMatch(/^Zero-copy provides .*x latency improvement and 67% memory savings$/);
    const { grpc } = analysis.methods;
    const parts = grpc.estimatedLatencyUs + grpc.estimatedCpuUs + grpc.serializationOverheadUs;
    expect(grpc.totalCost).toBeCloseTo(parts, 6);
    const busy = runtime.costBenefit.analyze(TENSOR, { systemLoad: 1, inFlight: 8 });
    const idle = runtime.costBenefit.analyze(TENSOR, { systemLoad: 0.05, inFlight: 1 });
    expect(busy.methods.grpc.estimatedLatencyUs).toBeGreaterThan(idle.methods.grpc.estimatedLatencyUs);
    expect(runtime.costBenefit.estimatePerformance('grpc', TENSOR).method).toBe('grpc');
    expect(runtime.costBenefit.flips(TENSOR)).toContainEqual(
      expect.objectContaining({ factor: 'data_size', method: 'grpc' }),
    );
  });
});
