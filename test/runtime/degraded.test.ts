/** What a decision uses while something is down: each row of the design's table, with the real actor down. */
import { exit, whenDown } from 'pitwall/otp';
import { describe, expect, it } from 'vitest';
import { down, supervisor, TENSOR, teach, temporaryFolder, testRuntime, until } from './support.ts';

describe('while something is down, decisions go on', () => {
  it('controller: gRPC, a fallback that says so; back to normal when it is back', async () => {
    const runtime = await testRuntime();
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', reason: 'threshold' });
    const up = await down(runtime, 'pitwall', 'controller');
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({
      method: 'grpc',
      fallback: true,
      reason: 'controller_unavailable',
    });
    expect(runtime.status).toMatchObject({ state: 'degraded', reasons: ['the controller is down'] });
    await up();
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', fallback: false });
    expect(runtime.status.state).toBe('running');
  });

  it('a pool without its threshold manager: thresholds as they were published, and a new manager within a second', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', zeroCopyThresholdMb: 4, explorationRate: 0 }] });
    const manager = runtime.whereis('threshold_manager:ml');
    if (!manager) throw new Error('no manager');
    await down(runtime, 'pools', manager);
    expect(runtime.whereis('threshold_manager:ml')).toBeUndefined();
    const at = (dataSize: number) => runtime.decideTransferMethod({ ...TENSOR, dataSize }).method;
    expect([at(3 * 2 ** 20), at(4 * 2 ** 20)]).toEqual(['grpc', 'zero_copy']);
    await until(() => runtime.whereis('threshold_manager:ml') !== undefined, 'a new threshold manager');
  });

  it('resource monitor: a sample that is too old counts for nothing', async () => {
    let offsetMs = 0;
    const clock = {
      now: () => performance.timeOrigin + performance.now() + offsetMs,
      setTimer: (run: () => void, afterMs: number) => {
        const timer = setTimeout(run, afterMs);
        return { cancel: () => clearTimeout(timer), ref: () => timer.ref(), unref: () => timer.unref() };
      },
    };
    const runtime = await testRuntime({ clock });
    await until(() => runtime.decideTransferMethod(TENSOR).systemLoad !== undefined, 'a first sample');
    await down(runtime, 'pitwall', 'resource_monitor');
    offsetMs = 2_500;
    const decision = runtime.decideTransferMethod(TENSOR);
    expect(decision).toMatchObject({ systemLoad: undefined, availableMemory: undefined, fallback: false });
  });

  it('store: records wait in the queue and are stored when it is back', async () => {
    const runtime = await testRuntime({ dataDir: temporaryFolder(), pools: [{ name: 'ml' }] });
    const up = await down(runtime, 'storage', 'metrics_store');
    await teachLater(runtime, 100);
    expect(runtime.status.reasons).toContain('the store is down');
    expect(runtime.decideTransferMethod(TENSOR).fallback).toBe(false);
    await up();
    await until(() => runtime.whereis('metrics_store') !== undefined, 'the store');
    expect(await runtime.flush()).toBe(0);
    expect((await runtime.analyzer.getStatistics({ pool: 'ml' })).count).toBe(100);
  });

  it('a full queue drops records, counts them, and never a decision', async () => {
    const runtime = await testRuntime({ queueCapacity: 64, pools: [{ name: 'ml' }] });
    await down(runtime, 'storage', 'recorder');
    await teachLater(runtime, 100);
    expect(runtime.refusals.droppedRecords).toBe(36);
  });

  it('a rule that throws: the flow goes on, the rule is disabled, an alert says so', async () => {
    const broken = {
      name: 'broken',
      decide: () => {
        throw new Error('boom');
      },
    };
    const runtime = await testRuntime({ pools: [{ name: 'ml', customRules: [broken], explorationRate: 0 }] });
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', fallback: false });
    const [alert] = await runtime.alerts();
    expect(alert).toMatchObject({ kind: 'custom_rule_disabled', pool: 'ml', count: 1 });
    expect(alert?.message).toContain('"broken" threw (Error: boom)');
    await until(() => runtime.decideTransferMethod(TENSOR).policyVersion === 2, 'a policy without the rule');
  });

  it('a root that gives up leaves a host that runs and gets gRPC', async () => {
    const runtime = await testRuntime();
    const root = supervisor(runtime, 'pitwall');
    const end = whenDown(root);
    for (let crashes = 0; root.alive && crashes < 50; crashes += 1) {
      const controller = runtime.whereis('controller');
      if (controller) exit(controller, 'crash');
      await until(() => !root.alive || (runtime.whereis('controller') ?? controller) !== controller, 'a restart');
    }
    expect(await end).toBe('shutdown');
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'grpc', reason: 'controller_unavailable' });
    expect(runtime.status.state).toBe('degraded');
    expect(runtime.status.reasons[0]).toContain('the supervision tree is down');
    const moved = await runtime.transfer({ ...TENSOR, data: 1 }, { zeroCopy: () => 'shm', grpc: () => 'grpc' });
    expect(moved).toBe('grpc');
  });
});

describe('every actor may crash at any time', () => {
  const ACTORS = [
    'experimenter',
    'metrics_store',
    'recorder',
    'resource_monitor',
    'threshold_manager:ml',
    'analyzer',
    'adviser',
    'controller',
  ];

  it.each(ACTORS)('%s: restarted, visible in the tree, what was learned is there', async (name) => {
    const runtime = await testRuntime({
      dataDir: temporaryFolder(),
      pools: [{ name: 'ml', minimumThresholdMb: 0.01 }],
    });
    await teach(
      runtime,
      200,
      (i) => 2 ** (10 + (i % 14)),
      (method, size) => (method === 'grpc' ? 500 + size / 250 : 700 + size / 2_000),
    );
    const before = runtime.getStatistics('ml')?.decisions;
    const victim = runtime.whereis(name);
    if (!victim) throw new Error(`no ${name}`);
    exit(victim, 'kill');
    await whenDown(victim);
    expect(['grpc', 'zero_copy']).toContain(runtime.decideTransferMethod(TENSOR).method);
    await until(() => runtime.whereis(name)?.status === 'waiting', `${name} again`);
    expect(runtime.restarts).toBeGreaterThanOrEqual(1);
    expect(runtime.decideTransferMethod({ ...TENSOR, dataSize: 2 ** 20 }).fallback).toBe(false);
    expect(
      runtime.snapshot('ml')?.costModel?.estimate('grpc', runtime.decideTransferMethod(TENSOR).features)
        .effectiveSamples,
    ).toBeGreaterThan(8);
    expect(runtime.getStatistics('ml')?.decisions).toBeGreaterThan(before ?? 0);
  });
});

/** Records transfers without waiting for anybody to take them. */
async function teachLater(runtime: Awaited<ReturnType<typeof testRuntime>>, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const { transferId } = runtime.decideTransferMethod(TENSOR);
    runtime.recordTransferMetrics(transferId, { latencyUs: 1_000 });
  }
}
