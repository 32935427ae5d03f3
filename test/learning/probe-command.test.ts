/** The command that workers answer without any handler, over real processes and both real lanes; and who offers it. */
import { startRuntime } from 'pitwall';
import { startWorkerPool, tensor, type WorkerPool } from 'pitwall/transports';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PROBE_COMMAND, type ProbeOffer } from '../../dist/transports/probe-offer.js';
import { down } from '../runtime/support.ts';
import { SCRIPT, testRuntime } from '../transports/support.ts';
import { FEATURES } from './synthetic.ts';

async function offered(options: object = {}): Promise<{ offers: (ProbeOffer | undefined)[]; workers: WorkerPool }> {
  const offers: (ProbeOffer | undefined)[] = [];
  const { port } = await testRuntime({ publishProbes: (_pool, offer) => void offers.push(offer) });
  const workers = await startWorkerPool(
    { port },
    { pool: 'test', script: SCRIPT, arenaBytes: 16 * 2 ** 20, ...options },
  );
  onTestFinished(() => workers.close({ drainMs: 0 }));
  return { offers, workers };
}

describe('the probe command', () => {
  test('is answered by both lanes, for every kind of payload, and runs nothing of the script', async () => {
    const { offers, workers } = await offered();
    const [offer] = offers;
    if (offer === undefined) throw new Error('nothing was offered');
    const cell = { dataType: 'binary', format: 'raw', compression: false, dataSize: 0, memory: 'warm' as const };
    const payloads = [Buffer.alloc(300_000), tensor(new Float32Array(50_000), [50_000]), { a: [1, 2, 3] }, 'text'];
    for (const lane of [offer.lanes.grpc, offer.lanes.zeroCopy]) {
      for (const payload of payloads) {
        const reported: Record<string, unknown>[] = [];
        const context = {
          cell,
          signal: undefined,
          ignore: () => undefined,
          report: (cost: object) => void reported.push({ ...cost }),
        };
        await lane(payload, context);
        const { latencyUs } = Object.assign({}, ...reported);
        expect(latencyUs).toBeGreaterThan(0);
      }
    }
    // It is no handler of the script: others are named where one is missing, and it is not among them.
    await expect(
      workers.lanes('pitwall.nothing').grpc('x', { signal: undefined, ignore() {}, report() {} }),
    ).rejects.toMatchObject({
      code: 'PITWALL_UNKNOWN_COMMAND',
      message: expect.not.stringContaining(PROBE_COMMAND),
    });
    await workers.close();
    expect(offers.at(-1)).toBeUndefined();
  });

  test('is offered by pools of pitwall’s own workers alone, unless it is wanted', async () => {
    expect((await offered({ probeBytesPerMinute: 0 })).offers).toStrictEqual([]);
    expect((await offered({ probeBytesPerMinute: 1_000 })).offers[0]?.bytesPerMinute).toBe(1_000);
  });
});

describe('probes in the running package', () => {
  test('a host offers two lanes of its own, and takes them back', async () => {
    const runtime = await startRuntime({ dataDir: false, logger: false, pools: [{ name: 'ml' }] });
    onTestFinished(() => runtime.shutdown());
    const lane = (): void => undefined;
    const takeBack = runtime.learning.offerProbes('ml', { grpc: lane, zeroCopy: lane }, { bytesPerMinute: 1_000 });
    expect(await runtime.learning.probes('ml')).toBeUndefined();
    takeBack();
    expect(() => runtime.learning.offerProbes('nobody', { grpc: lane, zeroCopy: lane })).toThrow('pool: expected');
    expect(() => runtime.learning.offerProbes('ml', { grpc: lane } as never)).toThrow('lanes.zeroCopy');
    expect(() => runtime.learning.offerProbes('ml', { grpc: lane, zeroCopy: lane }, { bytesPerMinute: -1 })).toThrow(
      'bytesPerMinute',
    );
  });

  test('an idle pool of real workers tries the lane that nothing took: the cost model knows of it, no record does', async () => {
    const runtime = await startRuntime({
      dataDir: false,
      logger: false,
      pools: [{ name: 'ml', minimumThresholdMb: 0.001, zeroCopyThresholdMb: 900, explorationRate: 0.0001 }],
    });
    onTestFinished(() => runtime.shutdown());
    // How busy this machine is must not decide the test.
    await down(runtime, 'pitwall', 'resource_monitor');
    const workers = await startWorkerPool(runtime, { pool: 'ml', script: SCRIPT, arenaBytes: 16 * 2 ** 20 });
    const payload = Buffer.alloc(60_000);
    for (let i = 0; i < 80; i += 1) await workers.execute('length', payload);
    await runtime.flush();
    const features = { pool: 'ml', dataSize: payload.length, dataType: 'binary', format: 'raw' } as const;
    const samples = (): number | undefined =>
      runtime.snapshot('ml')?.costModel?.estimate('zero_copy', { ...FEATURES, ...features, warm: true })
        .effectiveSamples;
    const before = samples() ?? 0;
    const taken = runtime.getStatistics('ml')?.grpcCount;
    expect(taken).toBeGreaterThan(75);
    await expect
      .poll(async () => (await runtime.learning.probes('ml'))?.probes ?? 0, { timeout: 30_000 })
      .toBeGreaterThan(1);
    expect(await runtime.learning.probes('ml')).toMatchObject({ failed: 0, stopped: undefined });
    expect(samples()).toBeGreaterThan(before);
    expect(runtime.snapshot('ml')?.costModel?.explorationLimits?.().floorScale).toBeLessThan(1);
    await runtime.flush();
    expect((await runtime.analyzer.getStatistics({ pool: 'ml' })).count).toBe(80);
    await workers.close();
  });
});
