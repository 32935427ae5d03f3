import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import { describeRequest } from '../../src/decision/describe.ts';
import { estimateJsonBytes } from '../../src/decision/json-size.ts';
import type { PolicyRule } from '../../src/decision/types.ts';
import { costModel, MACHINE, MIB, NOW_MS, policy, pool, request, resources } from './machine.ts';

const never = (): number => 1;

describe('policy', () => {
  const toGrpc: PolicyRule = { name: 'to-grpc', priority: 1, decide: () => 'grpc' };
  const silent: PolicyRule = { name: 'silent', priority: 9, decide: () => undefined };
  const broken: PolicyRule = {
    name: 'broken',
    priority: 9,
    decide: () => {
      throw new Error('no');
    },
  };

  it('asks rules by priority; the first that speaks decides, and the decision names it', () => {
    const snapshot = pool({ policy: policy({ version: 7, rules: [silent, broken, toGrpc] }) });
    const decision = decide(request(), snapshot, resources(), NOW_MS, never, 'id');
    expect(decision).toMatchObject({ method: 'grpc', reason: 'custom_rule', propensity: 1 });
    expect(decision.policy).toEqual({ version: 7, goal: 'minimize_latency', rule: 'to-grpc', override: undefined });
    expect(decision.rationale).toBe(
      'gRPC, by the custom rule "to-grpc". Zero-copy provides 3.5x latency improvement and 67% memory savings',
    );
  });

  it('shows rules what they need and lets them change nothing', () => {
    let seen: unknown;
    const looks: PolicyRule = {
      name: 'looks',
      priority: 0,
      decide: (context) => {
        seen = context;
        expect(Object.isFrozen(context)).toBe(true);
        return context.estimates.zero_copy.estimatedLatencyUs < context.estimates.grpc.estimatedLatencyUs
          ? 'zero_copy'
          : 'grpc';
      },
    };
    const snapshot = pool({ policy: policy({ rules: [looks] }) });
    expect(decide(request(), snapshot, resources(), NOW_MS, never, 'id').method).toBe('zero_copy');
    expect(seen).toMatchObject({ warmth: 'warm', thresholdBytes: 10 * MIB, request: { dataType: 'tensor' } });
  });

  it('settles a rule against an override by the configured order', () => {
    const overrides = { rules: [toGrpc], thresholdOverrides: new Map([['tensor', MIB]]) };
    const rulesFirst = pool({ policy: policy(overrides) });
    const overridesFirst = pool({
      policy: policy({ ...overrides, conflictOrder: ['threshold_overrides', 'custom_rules'] }),
    });
    expect(decide(request(), rulesFirst, resources(), NOW_MS, never, 'id').reason).toBe('custom_rule');
    const decision = decide(request(), overridesFirst, resources(), NOW_MS, never, 'id');
    expect(decision).toMatchObject({ method: 'zero_copy', reason: 'threshold_override' });
    expect(decision.policy.override).toBe('tensor');
  });

  it('never sends a payload into memory that has no room, whatever a rule says', () => {
    const always: PolicyRule = { name: 'always', priority: 0, decide: () => 'zero_copy' };
    const transport = { zeroCopyReady: true, reason: undefined, warmBytes: 0, roomBytes: MIB };
    const snapshot = pool({ policy: policy({ rules: [always] }), transport });
    expect(decide(request(), snapshot, resources(), NOW_MS, never, 'id').reason).toBe('shared_memory_exhausted');
  });
});

describe('exploration', () => {
  it('takes the other lane as often as its propensity says, and records both', () => {
    const even = costModel({ ...MACHINE, grpc: MACHINE.warm, standardError: 0.5 });
    const snapshot = pool({ costModel: even, policy: policy({ explorationRate: 0.05 }) });
    const chosen = decide(request(), snapshot, resources(), NOW_MS, never, 'id');
    const tried = decide(request(), snapshot, resources(), NOW_MS, () => 0, 'id');
    expect(tried).toMatchObject({ explored: true, reason: 'exploration' });
    expect(tried.method).not.toBe(chosen.method);
    expect(chosen.propensity + tried.propensity).toBeCloseTo(1, 12);
  });

  it('hardly ever tries what is known to be dear, and never where something else decided', () => {
    const dear = pool({ policy: policy({ explorationRate: 0.05 }) });
    expect(decide(request({ dataSize: 50 * MIB }), dear, resources(), NOW_MS, () => 0.01, 'id').explored).toBe(false);
    const quick = pool({ policy: policy({ explorationRate: 1 }) });
    expect(decide(request({ dataSize: 10 }), quick, resources(), NOW_MS, () => 0, 'id')).toMatchObject({
      reason: 'below_minimum',
      propensity: 1,
    });
  });
});

describe('experiments', () => {
  it('have their place: a variant may change the lane, and the decision names it', () => {
    const experiment = {
      id: 'e1',
      assign: (session: string | undefined) => (session === 'b' ? 'treatment' : 'control'),
      method: (variant: string) => (variant === 'treatment' ? ('grpc' as const) : undefined),
    };
    const snapshot = pool({ experiment });
    const treated = decide(request({ sessionId: 'b' }), snapshot, resources(), NOW_MS, never, 'id');
    expect(treated).toMatchObject({ method: 'grpc', reason: 'experiment', variant: 'treatment' });
    const control = decide(request({ sessionId: 'a' }), snapshot, resources(), NOW_MS, never, 'id');
    expect(control).toMatchObject({ method: 'zero_copy', reason: 'cost_model', variant: 'control' });
  });
});

describe('explanations', () => {
  it('are made of the numbers that decided', () => {
    const decision = decide(request(), pool(), resources(), NOW_MS, never, 'id');
    const { analysis } = decision;
    expect(analysis?.methods.grpc.estimatedLatencyUs).toBeCloseTo(600 + 0.004 * 5 * MIB, 6);
    expect(analysis?.methods.zero_copy.estimatedLatencyUs).toBe(decision.predictedLatencyUs);
    expect(decision.rationale).toMatch(
      /^zero-copy, by the learned cost of both lanes \(confidence 1\.00\)\. Zero-copy provides 3\.\dx latency/,
    );
    expect(JSON.parse(JSON.stringify(decision))).toMatchObject({
      method: 'zero_copy',
      analysis: { recommendation: 'zero_copy' },
    });
  });
});

describe('requests', () => {
  it.each([
    [Buffer.alloc(10), { dataSize: 10, dataType: 'binary', format: 'raw' }],
    [new Float32Array(4), { dataSize: 16, dataType: 'tensor', format: 'numpy' }],
    [
      { data: new Float64Array(4), shape: [2, 2] },
      { dataSize: 32, dataType: 'tensor', format: 'numpy' },
    ],
    [new ArrayBuffer(7), { dataSize: 7, dataType: 'binary', format: 'raw' }],
    ['äb', { dataSize: 3, dataType: 'text', format: 'raw' }],
    [
      { schema: {}, numRows: 1, batches: [{ data: { byteLength: 99 } }] },
      { dataSize: 99, dataType: 'dataframe', format: 'arrow' },
    ],
  ])('describe %o', (data, expected) => {
    expect(describeRequest({ pool: 'ml', data })).toMatchObject({ ok: true, request: expected });
  });

  it('say what was wrong', () => {
    expect(describeRequest({ pool: 'ml', dataSize: -1 })).toEqual({
      ok: false,
      problem: 'dataSize: expected bytes, a number in 0..9007199254740991, got -1',
    });
    expect(describeRequest({ pool: 7, data: '' })).toMatchObject({
      ok: false,
      problem: expect.stringContaining('pool: expected a string'),
    });
    expect(describeRequest({ pool: 'ml' })).toMatchObject({ ok: false, problem: expect.stringContaining('data: ') });
  });

  it('estimate documents within a tenth where rows are alike', () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => ({ id: i, name: `name ${i}`, value: i / 7, ok: i % 2 === 0 }));
    expect(estimateJsonBytes(rows) / JSON.stringify(rows).length).toBeCloseTo(1, 1);
  });

  it('never throw, whatever is asked, and give the same answer twice', () => {
    const snapshot = pool({ policy: policy({ explorationRate: 0.5 }) });
    const hostile = fc.oneof(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true, withSparseArray: true }),
      fc.record({ pool: fc.anything(), data: fc.anything(), dataSize: fc.anything(), dataType: fc.anything() }),
      fc.record({ pool: fc.string(), dataSize: fc.double(), dataType: fc.string(), compression: fc.anything() }),
    );
    fc.assert(
      fc.property(hostile, fc.double({ min: 0, max: 1, noNaN: true }), (given, draw) => {
        const described = describeRequest(given);
        if (!described.ok) {
          expect(described.problem.length).toBeLessThan(600);
          return;
        }
        const answers = [1, 2].map(() => decide(described.request, snapshot, resources(), NOW_MS, () => draw, 'id'));
        expect(['grpc', 'zero_copy']).toContain(answers[0]?.method);
        expect(answers[0]?.propensity).toBeGreaterThan(0);
        expect(answers[0]?.propensity).toBeLessThanOrEqual(1);
        expect(JSON.stringify(answers[0])).toBe(JSON.stringify(answers[1]));
      }),
    );
  });

  it('survive proxies that throw and names of the language', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
      },
    );
    expect(describeRequest(proxy).ok).toBe(false);
    expect(describeRequest(throwing).ok).toBe(false);
    expect(describeRequest({ pool: '__proto__', dataSize: 5, dataType: 'constructor' })).toMatchObject({
      ok: true,
      request: { pool: '__proto__', dataType: 'constructor' },
    });
    expect(describeRequest({ pool: 'ml', data: proxy }).ok).toBe(false);
  });
});
