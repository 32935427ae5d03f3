import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { TENSOR, temporaryFolder, testRuntime, until } from './support.ts';

const pools = [{ name: 'ml', explorationRate: 0 }];

describe('the history of a policy', () => {
  it('says when, who, why and what changed, and survives a restart', async () => {
    const dataDir = temporaryFolder();
    const first = await testRuntime({ dataDir, pools });
    await first.updatePolicy('ml', { thresholdOverridesMb: { tensor: 30 } }, { by: 'ada', why: 'tensors are slow' });
    await first.updatePolicy('ml', { goal: 'minimize_memory', thresholdOverridesMb: {} });
    const before = await first.policies.history('ml');
    expect(before).toMatchObject([
      { version: 1, source: 'configuration', changed: [], policy: { goal: 'balanced' } },
      {
        version: 2,
        source: 'update',
        by: 'ada',
        why: 'tensors are slow',
        changed: [{ path: 'thresholdOverridesMb.tensor', from: undefined, to: 30 }],
      },
      {
        version: 3,
        by: undefined,
        changed: [
          { path: 'goal', from: 'balanced', to: 'minimize_memory' },
          { path: 'thresholdOverridesMb.tensor', from: 30, to: undefined },
        ],
      },
    ]);
    expect(before[1]?.atMs).toBeGreaterThan(Date.now() - 60_000);
    await first.shutdown();

    const second = await testRuntime({ dataDir, pools });
    expect(await second.policies.history('ml')).toEqual(before);
    expect(second.decideTransferMethod(TENSOR).policy).toMatchObject({ version: 3, goal: 'minimize_memory' });
    await second.shutdown();

    // The code's own configuration has changed since: it wins, as a version of its own.
    const third = await testRuntime({ dataDir, pools: [{ name: 'ml', explorationRate: 0.5 }] });
    const versions = await third.policies.history('ml');
    expect(versions.at(-1)).toMatchObject({
      version: 4,
      source: 'configuration',
      why: 'the configuration of the pool has changed',
      changed: [
        { path: 'goal', from: 'minimize_memory', to: 'balanced' },
        { path: 'explorationRate', from: 0, to: 0.5 },
      ],
    });
    expect(third.decideTransferMethod(TENSOR).policyVersion).toBe(4);
  });

  it('goes on in a pool that only requests named', async () => {
    const dataDir = temporaryFolder();
    const first = await testRuntime({ dataDir });
    first.decideTransferMethod({ ...TENSOR, pool: 'asked' });
    await first.updatePolicy('asked', { thresholdOverridesMb: { tensor: 30 } });
    await first.shutdown();
    const second = await testRuntime({ dataDir });
    const request = { ...TENSOR, pool: 'asked' };
    await until(() => second.decideTransferMethod(request).policyVersion === 2, 'the policy is taken up');
    expect(second.decideTransferMethod(request).reason).toBe('threshold_override');
  });

  it('is bounded, and refuses what is no text', async () => {
    const runtime = await testRuntime({ pools });
    for (let index = 0; index < 120; index += 1) {
      await runtime.updatePolicy('ml', { marginalBenefit: index / 1000 }, { why: 'x'.repeat(2_000) });
    }
    const versions = await runtime.policies.history('ml');
    expect([versions.length, versions[0]?.version, versions.at(-1)?.version]).toEqual([100, 22, 121]);
    expect(versions.at(-1)?.why?.length).toBe(512);
    const wrong = { by: 5 } as unknown as { by: string }; // wrong on purpose
    await expect(runtime.updatePolicy('ml', {}, wrong)).rejects.toThrow('by: expected a text');
    await expect(runtime.policies.history('nobody')).rejects.toThrow('pool: expected the name of a pool');
  });

  it('reads what was stored before there was one', async () => {
    const dataDir = temporaryFolder();
    const first = await testRuntime({ dataDir, pools });
    const [configured] = await first.policies.history('ml');
    const basis = first.snapshot('ml') as unknown as { basis: string };
    await first.shutdown();
    const { openStore } = await import('../../src/metrics/store.ts');
    const store = await openStore({ dataDir, now: () => 0, retentionHours: 1, onWarning: () => undefined });
    const patch = JSON.parse(JSON.stringify({ ...configured?.policy, goal: 'minimize_memory' }));
    await store.put('policies', 'ml', { version: 7, basis: basis.basis, patch, atMs: 5, by: 'ada', why: null });
    await store.close();
    const second = await testRuntime({ dataDir, pools });
    expect(second.decideTransferMethod(TENSOR).policy).toMatchObject({ version: 7, goal: 'minimize_memory' });
    expect(await second.policies.history('ml')).toMatchObject([{ version: 7, by: 'ada', why: undefined, atMs: 5 }]);
  });
});

describe('rollback', () => {
  it('puts an earlier version into force, as a new one that names it', async () => {
    const runtime = await testRuntime({ pools });
    await runtime.updatePolicy('ml', { thresholdOverridesMb: { tensor: 30 } });
    await runtime.updatePolicy('ml', { goal: 'minimize_memory' });
    const back = await runtime.policies.rollback('ml', 1, { by: 'ada', why: 'p99 doubled' });
    expect(back).toMatchObject({ version: 4, source: 'rollback', restores: 1, by: 'ada', why: 'p99 doubled' });
    expect(back.changed.map(({ path }) => path)).toEqual(['goal', 'thresholdOverridesMb.tensor']);
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', policyVersion: 4 });
    await expect(runtime.policies.rollback('ml', 99)).rejects.toMatchObject({ code: 'PITWALL_VERSION_REFUSED' });
    await expect(runtime.policies.rollback('ml', 0)).rejects.toThrow('version: expected a whole number');
    await expect(runtime.policies.rollback('nobody', 1)).rejects.toThrow('pool: expected');
    expect(runtime.decideTransferMethod(TENSOR).policyVersion).toBe(4);
  });

  it('brings back custom rules that this process has, and says which it does not have', async () => {
    const dataDir = temporaryFolder();
    const first = await testRuntime({ dataDir, pools });
    await first.updatePolicy('ml', { customRules: [{ name: 'to grpc', decide: () => 'grpc' }] });
    await first.updatePolicy('ml', { customRules: [] });
    expect(first.decideTransferMethod(TENSOR).reason).not.toBe('custom_rule');
    await first.policies.rollback('ml', 2);
    expect(first.decideTransferMethod(TENSOR).policy).toMatchObject({ rule: 'to grpc', version: 4 });
    await first.shutdown();

    const second = await testRuntime({ dataDir, pools });
    expect((await second.policies.history('ml')).at(-1)).toMatchObject({
      version: 5,
      source: 'configuration',
      why: 'custom rules are those of the code',
      changed: [{ path: 'customRules', from: [{ name: 'to grpc', priority: 0 }], to: undefined }],
    });
    await expect(second.policies.rollback('ml', 4)).rejects.toThrow('this process does not have to grpc');
    expect(await second.policies.rollback('ml', 4, { rules: 'keep' })).toMatchObject({ version: 6, customRules: [] });
  });
});

it('an invalid patch is refused as a whole', async () => {
  const runtime = await testRuntime({ pools });
  const patch = { goal: 'fast', explorationRate: 2 } as unknown as { goal: 'balanced' }; // wrong on purpose
  await expect(runtime.policies.update('ml', patch)).rejects.toBeInstanceOf(ConfigError);
  expect((await runtime.policies.history('ml')).length).toBe(1);
});

describe('the kill switch', () => {
  it('holds over a restart until it is taken back', async () => {
    const dataDir = temporaryFolder();
    const first = await testRuntime({ dataDir, pools });
    first.disable('static_rules', { by: 'ada', why: 'incident 7' });
    await first.shutdown();
    const lines: string[] = [];
    const keep = (line: string): void => void lines.push(line);
    const logger = { debug: keep, info: keep, warn: keep, error: keep };
    const second = await testRuntime({ dataDir, pools, logger });
    expect(second.status.reasons).toContain('decisions are static_rules');
    expect(lines.some((line) => line.includes('by ada, incident 7'))).toBe(true);
    expect((await second.policies.history('ml')).length).toBe(1);
    second.enable();
    await second.shutdown();
    const third = await testRuntime({ dataDir, pools });
    expect(third.status.state).toBe('running');
    expect(() => third.disable('all' as 'grpc')).toThrow('mode: expected');
  });
});
