import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import type { RuleContext } from '../../src/decision/types.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { type Runtime, startRuntime } from '../../src/runtime.ts';
import { CALM, MIB, TENSOR, testRuntime, transfer } from './support.ts';

/** Zero-copy takes 4 ms and a little per byte, gRPC 1 ms and a lot: they cross at 3 MB. Noise of 20 %. */
const noise = seededRandom(7);
const costUs = (method: string, size: number): number =>
  (method === 'grpc' ? 1_000 + size / 500 : 4_000 + size / 2_000) * (0.8 + 0.4 * noise());
const sizeOf = (index: number): number => Math.round(MIB * 2 ** (1 + (index % 5)));

describe('a dry run', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    const pools = [
      // Static thresholds and blind exploration: every lane has a propensity, and it is known what would be better.
      { name: 'ml', zeroCopyThresholdMb: 20, explorationRate: 0.5, marginalBenefit: 0 },
      { name: 'forced', thresholdOverridesMb: { tensor: 1024 } },
    ];
    const random = seededRandom(3);
    runtime = await startRuntime({ dataDir: false, logger: false, ...CALM, random, pools });
    await transfer(runtime, 1_000, sizeOf, costUs);
    await transfer(runtime, 200, sizeOf, costUs, { ...TENSOR, pool: 'forced' });
  });
  afterAll(() => runtime.shutdown());

  it('says which decisions would change, which way, and what that is worth', async () => {
    const report = await runtime.policies.dryRun('ml', { thresholdOverridesMb: { tensor: 1024 } });
    expect(report).toMatchObject({ pool: 'ml', version: 1, records: 1_000, replayed: 1_000, toZeroCopy: 0 });
    expect(report.changes).toEqual([{ path: 'thresholdOverridesMb.tensor', from: undefined, to: 1024 }]);
    expect(report.reasons).toEqual({ threshold_override: 1_000 });
    expect(report.changed).toBe(report.toGrpc);
    expect(report.changed).toBeGreaterThan(250);
    // From 4 MiB on it would be slower by gRPC: 32 MiB take 68 instead of 21 ms.
    const { effect } = report;
    if (effect === undefined) throw new Error('no effect');
    expect(effect.perTransfer.value).toBeGreaterThan(0.2);
    expect(effect.perTransfer.interval[0]).toBeGreaterThan(0.1);
    expect(effect.totalTime.value).toBeGreaterThan(effect.perTransfer.value);
    expect(effect.totalTime.interval[0]).toBeLessThan(effect.totalTime.value);
    const largest = report.kinds.find(({ sizes: [low] }) => low === 32 * MIB);
    expect(largest).toMatchObject({ dataType: 'tensor', transfers: 200, toGrpc: 200 });
    expect(report.kinds.reduce((sum, kind) => sum + kind.toGrpc, 0)).toBe(report.changed);
    expect(runtime.decideTransferMethod(TENSOR).policyVersion).toBe(1);
  });

  it('covers the truth where both lanes are known', async () => {
    const report = await runtime.policies.dryRun('ml', { customRules: [{ name: 'all', decide: () => 'grpc' }] });
    const { effect } = report;
    if (effect === undefined) throw new Error('no effect');
    // The mean of both policies over the five sizes, the one in force with its exploration taken from the kinds it leaves.
    const all = [2, 4, 8, 16, 32].map((mib) => ({
      grpc: 1_000 + (mib * MIB) / 500,
      zero: 4_000 + (mib * MIB) / 2_000,
    }));
    const candidateUs = all.reduce((sum, { grpc }) => sum + grpc, 0) / 5;
    const bestUs = all.reduce((sum, { grpc, zero }) => sum + Math.min(grpc, zero), 0) / 5;
    // What is in force explores a little, so that it is somewhat dearer than the best.
    expect(effect.meanLatencyUs.interval[0]).toBeLessThan(candidateUs - bestUs);
    expect(effect.meanLatencyUs.value).toBeGreaterThan((candidateUs - bestUs) * 0.7);
    expect(effect.meanLatencyUs.value).toBeLessThan((candidateUs - bestUs) * 1.1);
  });

  it('of what is in force changes nothing, and is the same each time', async () => {
    const same = await runtime.policies.dryRun('ml', {}, { last: 300 });
    expect(same).toMatchObject({ records: 300, changed: 0, effect: undefined, changes: [] });
    const patch = { marginalBenefit: 0.9 };
    const last = { last: 300 };
    expect(await runtime.policies.dryRun('ml', patch, last)).toEqual(await runtime.policies.dryRun('ml', patch, last));
  });

  it('says what cannot be known: where the lane was forced, the other one was never measured', async () => {
    const report = await runtime.policies.dryRun('forced', { thresholdOverridesMb: {}, zeroCopyThresholdMb: 1 });
    expect(report.toZeroCopy).toBeGreaterThan(0);
    expect(report.support).toEqual({ measurable: 0, forced: report.changed });
    expect(report.effect === undefined || report.effect.basis === 'modelled').toBe(true);
    expect(report.kinds.every(({ perTransfer }) => perTransfer === undefined)).toBe(true);
    expect(report.caveats.join()).toContain('were forced when they were recorded (propensity 1)');
  });

  it('calls the rules of the candidate, with the pool’s figures of then, and tells which fail', async () => {
    const seen: (number | undefined)[] = [];
    const rules = [
      {
        name: 'counts',
        priority: 2,
        decide: ({ metrics }: RuleContext) => {
          seen.push(metrics?.lanes.grpc.count);
          return undefined;
        },
      },
      {
        name: 'broken',
        decide: () => {
          throw new Error('boom');
        },
      },
    ];
    const report = await runtime.policies.dryRun('ml', { customRules: rules }, { last: 500 });
    expect(report.ruleProblems).toEqual([{ rule: 'broken', problem: 'threw', detail: 'Error: boom' }]);
    expect([seen.length, seen[0]]).toEqual([500, undefined]);
    expect(seen.at(-1)).toBeGreaterThan(10);
    expect(runtime.policies.rules('ml')).toEqual([]);
  });

  it('is refused as an update is, and can be aborted', async () => {
    const wrong = { goal: 'fast' } as unknown as { goal: 'balanced' }; // wrong on purpose
    await expect(runtime.policies.dryRun('ml', wrong)).rejects.toBeInstanceOf(ConfigError);
    await expect(runtime.policies.dryRun('nobody', {})).rejects.toThrow('pool: expected');
    await expect(runtime.policies.dryRun('ml', {}, { last: 1e9 })).rejects.toThrow(
      'last: expected an integer in 1..20000',
    );
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(runtime.policies.dryRun('ml', {}, { signal })).rejects.toThrow('enough');
  });
});

it('a pool without records has an empty dry run that says so', async () => {
  const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
  const report = await runtime.policies.dryRun('ml', { goal: 'minimize_memory' });
  expect(report).toMatchObject({ records: 0, changed: 0, effect: undefined, kinds: [], fromMs: undefined });
  expect(report.caveats).toContain('no record could be decided again: nothing is known');
});
