import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/config/parse.ts';
import { testRuntime } from './support.ts';

describe('another configuration', () => {
  it('is held against what is in force: each change, and when it can take effect', async () => {
    const runtime = await testRuntime({
      pools: [{ name: 'ml', goal: 'minimize_latency' }, { name: 'old' }],
      metricsRetentionHours: 24,
    });
    await runtime.updatePolicy('ml', { thresholdOverridesMb: { tensor: 4 } });
    const diff = runtime.diffConfig({
      ...{ dataDir: false, cpuPressureThreshold: 1, memoryPressureThreshold: 1 },
      enabled: false,
      pools: [{ name: 'ml', goal: 'balanced', customRules: [{ name: 'r', decide: () => 'grpc' }] }, { name: 'new' }],
    });
    if (!diff.ok) throw new Error('refused');
    expect(diff.changes.filter(({ path }) => path !== 'pools.old' && path !== 'pools.new')).toEqual([
      { path: 'enabled', from: true, to: false, takesEffect: 'now' },
      { path: 'metricsRetentionHours', from: 24, to: 168, takesEffect: 'restart' },
      { path: 'pools.ml.goal', from: 'minimize_latency', to: 'balanced', takesEffect: 'now' },
      { path: 'pools.ml.thresholdOverridesMb.tensor', from: 4, to: undefined, takesEffect: 'now' },
      { path: 'pools.ml.customRules', from: undefined, to: [{ name: 'r', priority: 0 }], takesEffect: 'now' },
    ]);
    expect(diff.changes).toContainEqual({
      path: 'pools.new',
      from: undefined,
      to: expect.objectContaining({ goal: 'balanced', zeroCopyThresholdMb: 10 }),
      takesEffect: 'restart',
    });
    expect(diff.changes.find(({ path }) => path === 'pools.old')).toMatchObject({
      to: undefined,
      takesEffect: 'restart',
    });
  });

  it('that is the present one changes nothing; one that is wrong is told whole', async () => {
    const options = { dataDir: false as const, pools: [{ name: 'ml' }] };
    const runtime = await testRuntime(options);
    const same = { ...options, cpuPressureThreshold: 1, memoryPressureThreshold: 1 };
    expect(runtime.diffConfig(same)).toEqual({ ok: true, changes: [] });
    const wrong = { explorationRte: 0.1, pools: [{ name: 'ml', goal: 'fast' }] };
    const refused = runtime.diffConfig(wrong);
    expect(refused.ok || refused.problems.map(({ path }) => path)).toEqual(['explorationRte', 'pools.ml.goal']);
    expect(checkConfig(wrong)).toEqual(refused);
    expect(checkConfig({})).toMatchObject({ ok: true, config: { explorationRate: 0.05 } });
  });
});
