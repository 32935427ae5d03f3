import { dispatch, query } from 'nact';
import { ConfigError, InvalidArgumentError } from 'pitwall';
import { formatTree } from 'pitwall/otp';
import { describe, expect, it } from 'vitest';
import { TENSOR, teach, temporaryFolder, testRuntime, until } from './support.ts';

const MIB = 2 ** 20;

describe('thresholds', () => {
  it('start from the configured default, per pool and independent of each other', async () => {
    const runtime = await testRuntime({
      pools: [
        { name: 'ml', zeroCopyThresholdMb: 5 },
        { name: 'api', zeroCopyThresholdMb: 50 },
      ],
    });
    expect(runtime.thresholds.get('ml')?.base).toBe(5 * MIB);
    expect(runtime.thresholds.get('api')?.base).toBe(50 * MIB);
    await runtime.thresholds.adjust('ml', { thresholdMb: 2, dataType: 'tensor' });
    expect(runtime.thresholds.get('ml', 'tensor')?.base).toBe(2 * MIB);
    expect(runtime.thresholds.get('ml', 'json')?.base).toBe(5 * MIB);
    expect(runtime.thresholds.get('api', 'tensor')?.base).toBe(50 * MIB);
    expect((await runtime.thresholds.history('ml')).at(-1)).toMatchObject({
      dataType: 'tensor',
      to: expect.any(Number),
    });
    await runtime.thresholds.reset('ml');
    expect(runtime.thresholds.get('ml', 'tensor')?.base).toBe(5 * MIB);
    expect(runtime.thresholds.get('nobody')).toBeUndefined();
  });

  it('refuse what makes no sense, naming the field', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    await expect(runtime.thresholds.adjust('ml', { thresholdMb: -1 })).rejects.toThrow(
      'adjustment.thresholdMb: expected',
    );
    await expect(runtime.thresholds.adjust('x', { thresholdMb: 1 })).rejects.toThrow(InvalidArgumentError);
  });

  it('follow what was measured, and start from it after a restart', async () => {
    const dataDir = temporaryFolder();
    const options = { dataDir, pools: [{ name: 'ml', minimumThresholdMb: 0.01, explorationRate: 0.2 }] };
    const first = await testRuntime(options);
    const latency = (method: string, size: number): number =>
      method === 'grpc' ? 500 + size / 250 : 900 + size / 2_000;
    await teach(first, 1_000, (i) => 2 ** (14 + (i % 11)), latency);
    const learned = first.thresholds.get('ml', 'tensor');
    // The lanes cross at 114 KB.
    expect(learned?.final).toBeGreaterThan(20_000);
    expect(learned?.final).toBeLessThan(MIB);
    const [change] = (await first.thresholds.history('ml')).slice(-1);
    expect(change?.reason.length).toBeGreaterThan(0);
    await first.shutdown();
    const second = await testRuntime(options);
    const again = second.thresholds.get('ml', 'tensor');
    expect(again?.base).toBe(learned?.base);
    expect(again?.adjustmentFactor).toBe(learned?.adjustmentFactor);
    const features = second.decideTransferMethod(TENSOR).features;
    expect(second.snapshot('ml')?.costModel?.estimate('zero_copy', features).effectiveSamples).toBeGreaterThan(50);
  });

  it('learn from successes alone', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    for (let i = 0; i < 100; i += 1) {
      const { transferId } = runtime.decideTransferMethod(TENSOR);
      runtime.recordTransferMetrics(transferId, { latencyUs: 1, outcome: i % 2 === 0 ? 'failed' : 'ignored' });
    }
    await runtime.flush();
    const { features } = runtime.decideTransferMethod(TENSOR);
    expect(runtime.snapshot('ml')?.costModel?.estimate('zero_copy', features).effectiveSamples).toBe(0);
    expect(await runtime.analyzer.getStatistics({ pool: 'ml' })).toMatchObject({
      count: 100,
      failed: 50,
      ignored: 50,
      success: 0,
    });
  });
});

describe('policy', () => {
  it('changes at run time, is named by decisions, and survives a restart', async () => {
    const dataDir = temporaryFolder();
    const options = { dataDir, pools: [{ name: 'ml', explorationRate: 0 }] };
    const first = await testRuntime(options);
    expect(await first.updatePolicy('ml', { thresholdOverridesMb: { tensor: 30 } }, { by: 'me', why: 'a test' })).toBe(
      2,
    );
    const decision = first.decideTransferMethod(TENSOR);
    expect(decision).toMatchObject({ method: 'grpc', reason: 'threshold_override' });
    expect(decision.policy).toMatchObject({ version: 2, override: 'tensor' });
    await first.shutdown();
    const second = await testRuntime(options);
    expect(second.decideTransferMethod(TENSOR)).toMatchObject({ reason: 'threshold_override', policyVersion: 2 });
    await second.shutdown();
    // The code's own configuration has changed since: it wins, as a version of its own.
    const third = await testRuntime({ dataDir, pools: [{ name: 'ml', explorationRate: 0, goal: 'minimize_memory' }] });
    expect(third.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', policyVersion: 3 });
  });

  it('is refused as a whole, with every field that is wrong', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const patch = { goal: 'fast', explorationRate: 2 } as unknown as { goal: 'balanced' }; // wrong on purpose
    const refused = await runtime.updatePolicy('ml', patch).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConfigError);
    expect(String(refused)).toContain('pools.ml.goal');
    expect(String(refused)).toContain('pools.ml.explorationRate');
    expect(runtime.decideTransferMethod(TENSOR).policyVersion).toBe(1);
    await expect(runtime.updatePolicy('nobody', {})).rejects.toThrow('pool: expected the name of a pool');
  });
});

describe('pools that nobody configured', () => {
  it('start with the defaults, up to a bound; beyond it one pool serves', async () => {
    const runtime = await testRuntime({ maxPools: 3 });
    for (let i = 0; i < 1_000; i += 1) runtime.decideTransferMethod({ ...TENSOR, pool: `hostile ${i}` });
    expect(runtime.pools()).toEqual(['default', 'hostile 0', 'hostile 1', 'hostile 2', '(overflow)']);
    expect(runtime.decideTransferMethod({ ...TENSOR, pool: '__proto__' })).toMatchObject({
      pool: '(overflow)',
      fallback: false,
    });
    expect(runtime.refusals.refusedPools).toBe(998);
    await until(() => runtime.whereis('threshold_manager:hostile 2') !== undefined, 'a manager for a new pool');
  });
});

describe('records', () => {
  it('that match no decision, come twice or make no sense are counted and change nothing', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const { transferId } = runtime.decideTransferMethod(TENSOR);
    runtime.recordTransferMetrics(transferId, { latencyUs: 'fast' });
    runtime.recordTransferMetrics(transferId, { latencyUs: 10 });
    runtime.recordTransferMetrics(transferId, { latencyUs: 10 });
    runtime.recordTransferMetrics('unknown', { latencyUs: 10 });
    expect(runtime.refusals).toMatchObject({ invalidRecords: 1, unmatchedRecords: 2 });
    await runtime.flush();
    expect((await runtime.analyzer.getStatistics({ pool: 'ml' })).count).toBe(1);
  });

  it('carry everything that was measured', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', minimumThresholdMb: 0.01 }] });
    await until(() => runtime.decideTransferMethod(TENSOR).systemLoad !== undefined, 'a sample of the machine');
    const { transferId } = runtime.decideTransferMethod(TENSOR);
    runtime.recordTransferMetrics(transferId, { latencyUs: 2_000, memoryUsed: 7, cpuTimeUs: 5, setupUs: 1 });
    await runtime.flush();
    const { quantities } = await runtime.analyzer.getStatistics({ pool: 'ml' });
    const measured = [
      'latencyUs',
      'throughputMBps',
      'memoryUsed',
      'cpuTimeUs',
      'decisionTimeUs',
      'predictedLatencyUs',
      'predictionError',
      'systemLoad',
      'availableMemory',
    ];
    for (const quantity of measured) expect(quantities, quantity).toHaveProperty(quantity);
    expect(quantities.throughputMBps?.mean).toBeCloseTo((20 * MIB) / 2_000, 6);
  });
});

describe('the kill switch', () => {
  it('holds at once, for new pools too, and is taken back', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0 }] });
    runtime.disable();
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'grpc', reason: 'disabled' });
    expect(runtime.decideTransferMethod({ ...TENSOR, pool: 'new' })).toMatchObject({
      method: 'grpc',
      reason: 'disabled',
    });
    expect(runtime.status.reasons).toContain('decisions are disabled');
    runtime.disable('static_rules');
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', reason: 'threshold' });
    runtime.enable();
    expect(runtime.status.state).toBe('running');
  });
});

describe('messages', () => {
  it("reach the controller through nact's own dispatch and query", async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const { controller } = runtime;
    if (!controller) throw new Error('no controller');
    const actor = controller as Parameters<typeof dispatch>[0]; // nact's reference, opaque to pitwall's users
    const decision = await query(actor, { type: 'decide_transfer_method', request: TENSOR } as never, 1_000);
    expect(decision).toMatchObject({ method: 'zero_copy', pool: 'ml' });
    const { transferId } = decision as unknown as { transferId: string };
    dispatch(actor, { type: 'record_transfer_metrics', transferId, metrics: { latencyUs: 3_000 } } as never);
    const statistics = await query(actor, { type: 'get_statistics', pool: 'ml' } as never, 1_000);
    expect(statistics).toMatchObject({ decisions: 1, zeroCopyCount: 1 });
    await runtime.flush();
    expect((await runtime.analyzer.getStatistics({ pool: 'ml' })).count).toBe(1);
    expect(runtime.explain(transferId)?.rationale).toContain('zero-copy');
  });
});

it('the tree is as drawn', async () => {
  const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
  const ids = formatTree(runtime.tree())
    .split('\n')
    .map((line) => line.replace(/\s+(supervisor|worker) .*$/, ''));
  expect(ids).toEqual([
    'pitwall_system',
    '├── pitwall',
    '│   ├── storage',
    '│   │   ├── metrics_store',
    '│   │   └── recorder',
    '│   ├── resource_monitor',
    '│   ├── pools',
    '│   │   └── threshold_manager',
    '│   ├── analysis',
    '│   │   ├── analyzer',
    '│   │   ├── adviser',
    '│   │   └── experimenter',
    '│   ├── learning',
    '│   │   ├── worker_pool',
    '│   │   ├── learner',
    '│   │   └── prober',
    '│   └── controller',
    '└── pitwall_hosted',
  ]);
});

it('shutdown is bounded, happens once, and leaves decisions that answer gRPC', async () => {
  const runtime = await testRuntime({ dataDir: temporaryFolder() });
  await Promise.all([runtime.shutdown({ timeoutMs: 5_000 }), runtime.shutdown()]);
  expect(runtime.status.state).toBe('stopped');
  expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'grpc', fallback: true });
});
