import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { Decision } from '../../src/decision/decision.ts';
import type { PoolSnapshot, ResourceSnapshot, TransferRequest } from '../../src/decision/types.ts';
import type { CostModelSnapshot } from '../../src/learning/types.ts';
import { costModel, KIB, MACHINE, MIB, NOW_MS, policy, pool, request, resources } from './machine.ts';

const RATE = 0.05;
const EVEN = costModel({ ...MACHINE, grpc: MACHINE.warm, standardError: 0.5 });
const NARROW = costModel({
  ...MACHINE,
  warm: { overheadUs: 600 * 0.97, usPerByte: 0.004 * 0.97 },
  standardError: 0.001,
});

function exploring(overrides: Partial<PoolSnapshot> = {}): PoolSnapshot {
  return pool({ costModel: EVEN, policy: policy({ explorationRate: RATE }), ...overrides });
}

/** The decision as chosen, and as it is when the draw says to try. */
function both(
  snapshot: PoolSnapshot,
  asked: TransferRequest = request(),
  machine: ResourceSnapshot = resources(),
): { chosen: Decision; drawn: Decision } {
  const by = (draw: number): Decision => decide(asked, snapshot, machine, NOW_MS, () => draw, 'id');
  return { chosen: by(1 - 2 ** -53), drawn: by(0) };
}

describe('the other lane is tried', () => {
  it('as often as its propensity says, and both are recorded', () => {
    const { chosen, drawn } = both(exploring());
    expect(drawn).toMatchObject({ explored: true, reason: 'exploration' });
    expect(drawn.method).not.toBe(chosen.method);
    expect(chosen.propensity + drawn.propensity).toBeCloseTo(1, 12);
    const share = drawn.propensity;
    expect(decide(request(), exploring(), resources(), NOW_MS, () => share - 1e-9, 'id').explored).toBe(true);
    expect(decide(request(), exploring(), resources(), NOW_MS, () => share, 'id').explored).toBe(false);
  });

  it('at the configured rate while too little is known to follow estimates', () => {
    const blind = costModel({ ...MACHINE, grpc: MACHINE.warm, samples: 1 });
    const { drawn } = both(exploring({ costModel: blind }));
    expect(drawn).toMatchObject({ reason: 'exploration', propensity: RATE });
  });

  it('no more often than the rate where a margin chose against the belief', () => {
    const margin = policy({ explorationRate: RATE, marginalBenefit: 0.05 });
    const { chosen, drawn } = both(exploring({ costModel: NARROW, policy: margin }));
    expect(chosen).toMatchObject({ method: 'grpc', reason: 'marginal_benefit' });
    expect(drawn.explored && drawn.propensity).toBeLessThanOrEqual(RATE);
  });

  it('less often the dearer it is believed to be, by a square', () => {
    const shares = [1.1, 1.5, 2, 4, 16].map((factor) => {
      const lane = { overheadUs: 600 * factor, usPerByte: 0.004 * factor };
      const { drawn } = both(exploring({ costModel: costModel({ ...MACHINE, warm: lane, samples: 1 }) }));
      return drawn.explored ? drawn.propensity : 0;
    });
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares[1]).toBeCloseTo(RATE / 2, 6);
    // Expected loss of a trial stays below a quarter of the rate, in units of the transfer.
    for (const [index, factor] of [1.1, 1.5, 2, 4].entries())
      expect((shares[index] ?? 1) * (factor - 1)).toBeLessThan(RATE / 4 + 0.01);
    expect(shares.at(-1)).toBeGreaterThan(0);
  });

  it('no more than every second time, whatever rate is configured', () => {
    const { chosen, drawn } = both(
      exploring({ costModel: costModel({ ...MACHINE, samples: 1 }), policy: policy({ explorationRate: 1 }) }),
    );
    expect(drawn.propensity).toBeLessThanOrEqual(0.5);
    expect(chosen.propensity).toBeGreaterThanOrEqual(0.5);
  });
});

describe('nothing is tried', () => {
  const limited = (limits: { mayExplore: boolean; meanLatencyUs: number }): CostModelSnapshot => ({
    ...costModel({ ...MACHINE, standardError: 2 }),
    explorationLimits: () => limits,
  });

  it.each([
    ['the rate is 0', exploring({ policy: policy() })],
    ['learning is off', exploring({ policy: policy({ explorationRate: 1, learningEnabled: false }) })],
    ['static rules decide', exploring({ mode: 'static_rules' })],
    ['decisions are disabled', exploring({ mode: 'disabled' })],
    ['nothing was published to learn from it', exploring({ costModel: undefined })],
    ['the lane cannot serve', exploring({ breaker: 'open' })],
    [
      'a rule decided',
      exploring({ policy: policy({ explorationRate: 1, rules: [{ name: 'r', priority: 0, decide: () => 'grpc' }] }) }),
    ],
    [
      'an override decided',
      exploring({ policy: policy({ explorationRate: 1, thresholdOverrides: new Map([['tensor', MIB]]) }) }),
    ],
    ['the budget is spent', exploring({ costModel: limited({ mayExplore: false, meanLatencyUs: 1e9 }) })],
  ])('where %s', (_name, snapshot) => {
    const { chosen, drawn } = both(snapshot);
    expect(drawn).toMatchObject({ method: chosen.method, explored: false, propensity: 1 });
  });

  it('by the quick path', () => {
    for (const dataSize of [10, 2 ** 31]) expect(both(exploring(), request({ dataSize })).drawn.explored).toBe(false);
  });

  it('where a resource is short', () => {
    const slower = costModel({ ...MACHINE, warm: { overheadUs: 660, usPerByte: 0.0044 }, standardError: 0.5 });
    const short = resources({ memoryLoad: 0.95 });
    const { drawn } = both(exploring({ costModel: slower }), request(), short);
    expect(drawn).toMatchObject({ method: 'zero_copy', reason: 'memory_pressure', propensity: 1 });
  });

  it('beyond the mean transfer, where total time counts', () => {
    const model = limited({ mayExplore: true, meanLatencyUs: 5_000 });
    const throughput = policy({ explorationRate: RATE, goal: 'maximize_throughput' });
    const at = (dataSize: number): boolean =>
      both(exploring({ costModel: model, policy: throughput }), request({ dataSize })).drawn.explored;
    expect(at(500 * KIB)).toBe(true);
    expect(at(5 * MIB)).toBe(false);
    expect(both(exploring({ costModel: model })).drawn.explored).toBe(true);
  });
});
