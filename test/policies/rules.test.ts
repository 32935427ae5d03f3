import { describe, expect, it } from 'vitest';
import type { RuleContext } from '../../src/decision/types.ts';
import { guardRule, type RuleProblem } from '../../src/hot-path/rule-guard.ts';
import { TENSOR, testRuntime, transfer, until } from './support.ts';

describe('a custom rule', () => {
  it('reads how the pool did lately, lane by lane, as a frozen snapshot', async () => {
    let seen: RuleContext | undefined;
    const rule = {
      name: 'back off',
      decide: (context: RuleContext) => {
        seen = context;
        const lane = context.metrics?.lanes.zero_copy;
        return lane !== undefined && lane.count >= 20 && lane.errorRate > 0.1 ? ('grpc' as const) : undefined;
      },
    };
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0, customRules: [rule] }] });
    expect(runtime.decideTransferMethod(TENSOR).method).toBe('zero_copy');
    expect(seen?.metrics).toBeUndefined();
    for (let index = 0; index < 40; index += 1) {
      const { transferId } = runtime.decideTransferMethod(TENSOR);
      const outcome = index % 4 === 0 ? 'failed' : 'success';
      runtime.recordTransferMetrics(transferId, { latencyUs: 1_000 + index, outcome });
    }
    await runtime.flush();
    const decision = runtime.decideTransferMethod(TENSOR);
    expect(decision).toMatchObject({ method: 'grpc', reason: 'custom_rule' });
    expect(decision.policy.rule).toBe('back off');
    expect(seen?.metrics?.lanes).toEqual({
      zero_copy: { count: 40, failed: 10, errorRate: 0.25, medianLatencyUs: 1_019, p95LatencyUs: 1_038 },
      grpc: { count: 0, failed: 0, errorRate: 0, medianLatencyUs: undefined, p95LatencyUs: undefined },
    });
    expect(seen?.inFlight).toBe(0);
    expect(Object.isFrozen(seen?.metrics) && Object.isFrozen(seen?.metrics?.lanes.grpc)).toBe(true);
    // A pool without rules works none of it out.
    await transfer(
      runtime,
      10,
      () => TENSOR.dataSize,
      () => 1_000,
      { ...TENSOR, pool: 'other' },
    );
    expect(runtime.snapshot('other')?.metrics).toBeUndefined();
    await runtime.updatePolicy('other', { customRules: [rule] });
    expect(runtime.snapshot('other')?.metrics?.lanes.zero_copy.count).toBe(10);
  });

  it('is named by the record that is stored of its transfer', async () => {
    const rule = {
      name: 'to grpc',
      decide: ({ request }: RuleContext) => (request.dataSize < 1e6 ? 'grpc' : undefined),
    };
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0, customRules: [rule] }] });
    await transfer(
      runtime,
      2,
      (index) => 1e5 + index * 1e8,
      () => 1_000,
    );
    const store = runtime.whereis('metrics_store');
    if (!store) throw new Error('no store');
    const { call } = await import('../../src/otp/client.ts');
    const read = await call(store as never, { type: 'records', query: { pool: 'ml' } } as never);
    const { value } = read as { value: { policyRule?: string; policyVersion: number; reason: string }[] };
    expect(value.map(({ policyRule }) => policyRule)).toEqual(['to grpc', undefined]);
    expect(value[0]).toMatchObject({ policyVersion: 1, reason: 'custom_rule' });
  });

  it('that throws is disabled with an alert and a version, can be asked again, and resolves its alert', async () => {
    let broken = true;
    const rule = {
      name: 'moody',
      decide: () => {
        if (broken) throw new Error('boom');
        return 'grpc' as const;
      },
    };
    const runtime = await testRuntime({ pools: [{ name: 'ml', customRules: [rule], explorationRate: 0 }] });
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'zero_copy', fallback: false });
    await until(async () => (await runtime.alerts()).length > 0, 'an alert');
    await until(() => runtime.snapshot('ml')?.policy.version === 2, 'a policy without the rule');
    expect(runtime.policies.rules('ml')).toEqual([
      { name: 'moody', priority: 0, disabled: { rule: 'moody', problem: 'threw', detail: 'Error: boom' } },
    ]);
    expect((await runtime.policies.history('ml')).at(-1)).toMatchObject({
      source: 'rule_disabled',
      by: 'pitwall',
      why: 'custom rule "moody" threw: Error: boom',
      changed: [{ path: 'customRules', from: [{ name: 'moody', priority: 0 }], to: undefined }],
    });
    broken = false;
    expect(runtime.decideTransferMethod(TENSOR).method).toBe('zero_copy');
    const enabled = await runtime.policies.enableRule('ml', 'moody', { by: 'ada' });
    expect(enabled).toMatchObject({ version: 3, source: 'rule_enabled', by: 'ada' });
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'grpc', policyVersion: 3 });
    await until(async () => (await runtime.alerts()).length === 0, 'the alert is resolved');
    await expect(runtime.policies.enableRule('ml', 'moody')).rejects.toThrow(
      'rule: expected the name of a custom rule',
    );
  });
});

describe('the guard', () => {
  const guarded = (tookMs: (call: number) => number, result: unknown = undefined) => {
    const problems: RuleProblem[] = [];
    let [nowMs, calls] = [0, 0];
    const decide = (): never => {
      calls += 1;
      nowMs += tookMs(calls);
      return result as never;
    };
    const rule = guardRule(
      { name: 'r', priority: 0, decide },
      () => nowMs,
      (problem) => problems.push(problem),
    );
    return { rule, problems, calls: () => calls };
  };
  const context = {} as RuleContext;

  it('disables a slow rule at its third slow call, and tells once', () => {
    const { rule, problems, calls } = guarded((call) => (call % 2 === 0 ? 1 : 0));
    for (let index = 0; index < 20; index += 1) rule.decide(context);
    expect(problems).toMatchObject([{ rule: 'r', problem: 'slow', detail: 'took 1000 us, 3 calls over 200 us' }]);
    expect(calls()).toBe(6);
  });

  it('forgives a slow call now and then, such as a collection', () => {
    const { rule, problems } = guarded((call) => (call % 1_500 === 0 ? 50 : 0));
    for (let index = 0; index < 30_000; index += 1) rule.decide(context);
    expect(problems).toEqual([]);
  });

  it('of an async rule hears its rejection: nothing of it ends the host', async () => {
    const { rule, problems } = guarded(() => 0, Promise.reject(new Error('later')));
    expect(rule.decide(context)).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(problems).toMatchObject([{ problem: 'bad_result' }]);
  });
});
