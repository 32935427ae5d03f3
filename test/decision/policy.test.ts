import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { Decision } from '../../src/decision/decision.ts';
import type { PolicyRule, PoolSnapshot, RuleContext } from '../../src/decision/types.ts';
import { MIB, NOW_MS, policy, pool, request, resources } from './machine.ts';

const answer = (snapshot: PoolSnapshot, given = request()): Decision =>
  decide(given, snapshot, resources(), NOW_MS, () => 0.999, 'id');
const rule = (name: string, decideBy: (context: RuleContext) => unknown): PolicyRule => ({
  name,
  priority: 0,
  // A host's rule may return anything, whatever its type says.
  decide: decideBy as PolicyRule['decide'],
});
const withRules = (...rules: PolicyRule[]): PoolSnapshot => pool({ policy: policy({ version: 7, rules }) });

const toGrpc = rule('to-grpc', () => 'grpc');
const silent = rule('silent', () => undefined);
const broken = rule('broken', () => {
  throw new TypeError('no');
});

describe('custom rules', () => {
  it('are asked in order; the first that speaks decides, and the decision names it', () => {
    const decision = answer(
      withRules(
        silent,
        toGrpc,
        rule('later', () => 'zero_copy'),
      ),
    );
    expect(decision).toMatchObject({ method: 'grpc', reason: 'custom_rule', propensity: 1, confidence: 1 });
    expect(decision.policy).toEqual({ version: 7, goal: 'minimize_latency', rule: 'to-grpc', override: undefined });
    expect(decision.rationale).toBe(
      'gRPC, by the custom rule "to-grpc". Zero-copy provides 3.5x latency improvement and 67% memory savings',
    );
  });

  it('that are silent leave the decision as it would be without them', () => {
    const { policy: ruled, ...decision } = answer(withRules(silent)).toJSON() as Record<string, unknown>;
    const { policy: plain, ...expected } = answer(pool()).toJSON() as Record<string, unknown>;
    expect(decision).toEqual({ ...expected });
    expect([ruled, plain]).toMatchObject([{ version: 7 }, { version: 1 }]);
  });

  it.each([
    [broken, { rule: 'broken', problem: 'threw', detail: 'TypeError: no' }],
    [
      rule('throws a proxy', () => {
        throw Proxy.revocable({}, {}).proxy;
      }),
      { rule: 'throws a proxy', problem: 'threw' },
    ],
    [
      rule('async', async () => 'grpc'),
      {
        rule: 'async',
        problem: 'bad_result',
        detail: 'returned an object instead of "zero_copy", "grpc" or undefined',
      },
    ],
    [rule('typo', () => 'zero-copy'), { rule: 'typo', problem: 'bad_result' }],
    [rule('null', () => null), { rule: 'null', problem: 'bad_result' }],
    [
      rule('writes', (context) => {
        (context.request as { dataSize: number }).dataSize = 0;
        return 'zero_copy';
      }),
      { rule: 'writes', problem: 'threw' },
    ],
  ])('that cannot be followed are named, and the flow goes on: %o', (failing, failure) => {
    const next = answer(withRules(failing, toGrpc));
    expect(next).toMatchObject({ method: 'grpc', reason: 'custom_rule', ruleFailure: failure });
    const alone = answer(withRules(failing));
    expect(alone).toMatchObject({ method: 'zero_copy', reason: 'cost_model', ruleFailure: failure });
    expect(JSON.parse(JSON.stringify(alone)).ruleFailure.rule).toBe(failing.name);
  });

  it('see what they need, all of it frozen, and reach no snapshot through it', () => {
    const machine = resources();
    let seen: RuleContext | undefined;
    const looks = rule('looks', (context) => {
      seen = context;
      return undefined;
    });
    decide(request({ attributes: { user: 'u' } }), withRules(looks), machine, NOW_MS, () => 1, 'id');
    expect(seen).toMatchObject({
      warmth: 'warm',
      thresholdBytes: 10 * MIB,
      request: { dataType: 'tensor', attributes: { user: 'u' } },
      resources: { systemLoad: 0.3 },
      estimates: { grpc: { source: 'cost_model' }, zero_copy: { estimatedMemory: 5 * MIB } },
    });
    const objects = [seen, seen?.request, seen?.resources, seen?.estimates, seen?.estimates.grpc];
    expect(objects.every((part) => Object.isFrozen(part))).toBe(true);
    expect(Object.isFrozen(seen?.estimates.grpc.intervalUs)).toBe(true);
    expect(seen?.resources).not.toBe(machine);
  });

  it('have the prior to go by where learning is off', () => {
    let seen: RuleContext | undefined;
    const looks = rule('looks', (context) => {
      seen = context;
      return undefined;
    });
    const off = pool({ policy: policy({ rules: [looks], learningEnabled: false }) });
    expect(answer(off).reason).toBe('threshold');
    expect(seen?.estimates.grpc).toMatchObject({ source: 'prior', effectiveSamples: 0 });
    expect(seen?.estimates.grpc.estimatedLatencyUs).toBeGreaterThan(seen?.estimates.zero_copy.estimatedLatencyUs ?? 0);
  });
});

describe('threshold overrides', () => {
  const overrides = { thresholdOverrides: new Map([['tensor', MIB]]) };

  it('fix a data type, above estimates and learned thresholds, and leave the others alone', () => {
    const snapshot = pool({ policy: policy(overrides) });
    expect(answer(snapshot, request({ dataSize: MIB - 1 }))).toMatchObject({
      method: 'grpc',
      reason: 'threshold_override',
    });
    const above = answer(snapshot, request({ dataSize: MIB }));
    expect(above).toMatchObject({ method: 'zero_copy', reason: 'threshold_override', propensity: 1 });
    expect(above.policy).toMatchObject({ override: 'tensor', rule: undefined });
    expect(above.rationale).toBe('zero-copy for 1.0 MiB, by the threshold that is set for "tensor"');
    expect(answer(snapshot, request({ dataType: 'json' })).reason).toBe('cost_model');
  });

  it('against a rule: the configured order decides', () => {
    const both = { ...overrides, rules: [toGrpc] };
    expect(answer(pool({ policy: policy(both) })).reason).toBe('custom_rule');
    const other = pool({ policy: policy({ ...both, conflictOrder: ['threshold_overrides', 'custom_rules'] }) });
    expect(answer(other)).toMatchObject({ method: 'zero_copy', reason: 'threshold_override' });
    expect(answer(other, request({ dataType: 'json' })).reason).toBe('custom_rule');
  });

  it('on names of the language find what was set and nothing else', () => {
    const odd = pool({ policy: policy({ thresholdOverrides: new Map([['__proto__', MIB]]) }) });
    expect(answer(odd, request({ dataType: '__proto__' })).reason).toBe('threshold_override');
    expect(answer(odd, request({ dataType: 'constructor' })).reason).toBe('cost_model');
  });
});

describe('what no policy can do', () => {
  const always = rule('always', () => 'zero_copy');
  const transport = { zeroCopyReady: true, reason: undefined, warmBytes: 0, roomBytes: MIB };

  it.each([
    ['send a payload into memory without room', { transport }, 'shared_memory_exhausted'],
    ['use a lane that is not ready', { transport: { ...transport, zeroCopyReady: false } }, 'zero_copy_unavailable'],
    ['use a lane whose circuit is open', { breaker: 'open' as const }, 'circuit_open'],
    ['decide where decisions are disabled', { mode: 'disabled' as const }, 'disabled'],
  ])('%s', (_name, overrides, reason) => {
    const decision = answer(pool({ policy: policy({ rules: [always] }), ...overrides }));
    expect(decision).toMatchObject({ method: 'grpc', reason, propensity: 1 });
  });

  it('keep a half-open lane from its probe', () => {
    expect(answer(pool({ breaker: 'half_open' })).method).toBe('zero_copy');
  });
});
