import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/learning/cost-model.ts';
import type { CostModelSnapshot, LatencyEstimate } from '../../src/learning/types.ts';
import { toObservation } from '../../src/metrics/observation.ts';
import { inHindsight } from '../../src/telemetry/hindsight.ts';
import { Worth } from '../../src/telemetry/worth.ts';
import { recordOf } from './record.ts';

/** A model that says what it is told, of both lanes. */
function says(zeroCopyUs: number, grpcUs: number, effectiveSamples = 100): CostModelSnapshot {
  return {
    estimate: (method): LatencyEstimate => {
      const latencyUs = method === 'grpc' ? grpcUs : zeroCopyUs;
      return { latencyUs, meanLatencyUs: 2 * latencyUs, standardError: 0.1, intervalUs: undefined, effectiveSamples };
    },
    crossover: () => 0,
  };
}

describe('a decision in hindsight', () => {
  it.each([
    ['the faster lane', says(1_000, 9_000), 'right'],
    ['a lane within 5 % of the faster one', says(1_040, 1_000), 'right'],
    ['the slower lane', says(1_060, 1_000), 'wrong'],
    ['lanes of which too little is known', says(1_000, 9_000, 7), 'unknown'],
    ['a pool without a model', undefined, 'unknown'],
  ] as const)('%s', (_name, model, verdict) => {
    expect(inHindsight(recordOf(), model)?.verdict).toBe(verdict);
  });

  it('knows a lane that lost clearly long ago, and was not tried since', () => {
    const faded = (logRatioStandardError: number): CostModelSnapshot => {
      const model = says(1_000, 9_000);
      const features = toObservation(recordOf());
      if (features === undefined) throw new Error('no observation');
      const [zeroCopy, grpc] = [model.estimate('zero_copy', features), model.estimate('grpc', features)];
      const comparison = { zeroCopy, grpc: { ...grpc, effectiveSamples: 0.5 } };
      return { ...model, compare: () => ({ ...comparison, logRatio: Math.log(9), logRatioStandardError }) };
    };
    expect(inHindsight(recordOf(), faded(0.5))?.verdict).toBe('right');
    expect(inHindsight(recordOf({ method: 'grpc' }), faded(0.5))?.verdict).toBe('unknown');
    expect(inHindsight(recordOf(), faded(2))?.verdict).toBe('unknown');
  });

  it('counts what really happened in the lane that was taken, and for the other as much more or less as is expected', () => {
    const model = says(1_000, 9_000);
    expect(inHindsight(recordOf({ latencyUs: 2_000 }), model)?.seconds).toEqual({
      pitwall: 0.002,
      always_grpc: expect.closeTo(0.018, 9),
      always_zero_copy: 0.002,
    });
    expect(inHindsight(recordOf({ method: 'grpc', latencyUs: 8_000 }), model)?.seconds).toEqual({
      pitwall: 0.008,
      always_grpc: 0.008,
      always_zero_copy: expect.closeTo(0.008 / 9, 9),
    });
  });

  it('says nothing of failures', () => {
    expect(inHindsight(recordOf({ outcome: 'failed' }), says(1, 2))).toBeUndefined();
  });

  it('follows a model that learns: what was right becomes wrong when the lanes change places', () => {
    const model = new CostModel({});
    const verdictAfter = (zeroCopyUs: number): unknown => {
      for (let index = 0; index < 400; index += 1) {
        const method = index % 2 === 0 ? 'grpc' : 'zero_copy';
        const timestampUs = 1_700_000_000_000_000 + index * 1_000;
        const observation = toObservation(
          recordOf({ method, timestampUs, latencyUs: method === 'grpc' ? 3_000 : zeroCopyUs }),
        );
        if (observation) model.learn(observation);
      }
      return inHindsight(recordOf(), model.snapshot())?.verdict;
    };
    expect(verdictAfter(1_000)).toBe('right');
    expect(verdictAfter(30_000)).toBe('wrong');
  });
});

describe('sums', () => {
  it('leave exploration out, and are by pool; names like any other, and many of them, are bounded', () => {
    const worth = new Worth();
    worth.costModelOf = () => says(1_000, 9_000);
    worth.add([
      recordOf({ pool: '__proto__' }),
      recordOf({ explored: true }),
      recordOf({ pool: 'ml', latencyUs: 4_000 }),
    ]);
    expect([...worth.verdicts()]).toEqual([
      ['__proto__', 'right', 1],
      ['ml', 'right', 1],
    ]);
    worth.add(Array.from({ length: 3_000 }, (_, index) => recordOf({ pool: `p${index}` })));
    expect(new Set([...worth.verdicts()].map(([pool]) => pool)).size).toBe(1_025);
    expect([...worth.verdicts()].reduce((total, [, , count]) => total + count, 0)).toBe(3_002);
  });
});
