/** A network that came first, in the learner's hands: published, kept, climbing, restored and refused as trees are. */
import { expect, test } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { LEARNER_KINDS, openSecondLayer } from '../../src/learning/second-layer.ts';
import { trainModel } from '../../src/learning/train-model.ts';
import { toObservation } from '../../src/metrics/observation.ts';
import { call } from '../../src/otp/index.ts';
import type { Trained } from '../../src/workers/training-task.ts';
import { type LearnerHost, startLearner, type World } from './learner-host.ts';

/** gRPC has a step at 64 KiB that no term of the cost model knows. */
const STEPPED: World = (lane, { dataSize }, random) => {
  const latencyUs = lane === 'grpc' ? (dataSize < 65_536 ? 300 : 3_000) + dataSize / 200 : 900 + dataSize / 2_000;
  return latencyUs * Math.exp(0.2 * (random() - 0.5));
};

test('a network serves as trees do: published with its name, steering, kept beside the other, restored, refused where it is damaged', async () => {
  const policy = { goal: 'minimize_latency' } as const;
  const host: LearnerHost = await startLearner({
    policy,
    intervalMs: 1e9,
    seed: 4,
    train: async ({ options, incumbent }) => {
      const rows = host.records.flatMap((record) => toObservation(record) ?? []);
      const serving = incumbent && openSecondLayer(incumbent.learner, incumbent.buffer);
      // One tree is no match for a network.
      const made = trainModel(rows, { ...options, boosting: { rounds: 1 }, neural: { visits: 30_000 } }, serving);
      const result: Trained = { type: 'trained', ...made, readMs: 0, trainMs: 0, cpuMs: 0, libraries: {} };
      return { type: 'ok', result };
    },
  });
  await host.transfer(900, STEPPED);
  expect(host.tasks[0]?.options.learners).toStrictEqual(LEARNER_KINDS);
  expect(host.outcomes).toMatchObject([{ type: 'published', modelId: 'ml-v2-neural-network', version: 2 }]);
  const versions = await call(host.ref, { type: 'get_versions', pool: 'ml' });
  expect(versions).toMatchObject([
    { version: 1, modelId: 'ml-v1', learner: 'boosted_trees', outcome: 'refused' },
    { version: 2, learner: 'neural_network', outcome: 'published', scores: { rival: { learner: 'boosted_trees' } } },
  ]);
  expect(versions[0]?.reason).toMatch(/the neural network of the same training came first/);
  expect(host.slot).toMatchObject({ rolloutStage: 'confident', model: { learner: 'neural_network' } });
  const request = { pool: 'ml', dataType: 'tensor', format: 'numpy', compression: false } as const;
  const random = seededRandom(1);
  const ids = Array.from({ length: 60 }, (_, i) => {
    const sized = { ...request, dataSize: 2_000 * (i + 1), sessionId: undefined, attributes: undefined };
    return decide(sized, host.slot, undefined, host.clock.now(), random, `d${i}`).modelId;
  });
  expect(new Set(ids)).toContain('ml-v2-neural-network');
  await host.transfer(1_000, STEPPED);
  expect((await host.status()).requiredConfidence).toBeLessThan(0.9);

  const stored = new Map(host.stored);
  const successor = await startLearner({ policy, stored: new Map(stored) });
  expect(await successor.status()).toMatchObject({ modelId: 'ml-v2-neural-network' });
  // Either can be pinned.
  expect(await call(successor.ref, { type: 'pin_version', pool: 'ml', version: 1 })).toMatchObject({ type: 'ok' });
  expect(successor.slot.model).toMatchObject({ modelId: 'ml-v1', learner: 'boosted_trees' });
  const key = [...stored.keys()].findLast((name) => name.endsWith(' model')) ?? '';
  const bytes = stored.get(key);
  if (!(bytes instanceof Uint8Array)) throw new Error('its bytes are stored');
  const damaged = new Map(stored).set(
    key,
    bytes.map((byte, at) => (at === 999 ? byte ^ 1 : byte)),
  );
  const next = await startLearner({ policy, stored: damaged });
  await next.settled();
  expect(next.refusals).toMatchObject([expect.stringMatching(/ml-v2-neural-network: corrupted/)]);
  expect(next.slot.model).toBeUndefined();
});
