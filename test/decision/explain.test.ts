/** What a decision says of itself: confidence, analysis, rationale, JSON; always of the numbers that decided. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Goal } from '../../src/config/types.ts';
import { decide } from '../../src/decision/decide.ts';
import { type Decision, fallbackDecision } from '../../src/decision/decision.ts';
import type { ModelSnapshot, PoolSnapshot, ResourceSnapshot } from '../../src/decision/types.ts';
import { costModel, experiment, GIB, KIB, MACHINE, MIB, NOW_MS, policy, pool, request, resources } from './machine.ts';

function answer(snapshot: PoolSnapshot, asked = request(), machine: ResourceSnapshot = resources()): Decision {
  return decide(asked, snapshot, machine, NOW_MS, () => 1 - 2 ** -53, 'id');
}

/** Zero-copy is slower by a tenth, surely. */
const SLOWER = costModel({ ...MACHINE, warm: { overheadUs: 660, usPerByte: 0.0044 } });
const MODEL: ModelSnapshot = Object.assign(costModel(MACHINE), { modelId: 'm1', requiredConfidence: 0.9 });

describe('confidence', () => {
  it('is the probability that the chosen lane is the faster one: Φ(±log ratio / its standard error)', () => {
    // Even lanes, then one and two standard errors apart (standardError is each lane's, so the ratio's is √2 times that).
    const apart = (errors: number): Decision => {
      const factor = Math.exp(-errors * 0.1 * Math.SQRT2);
      const lane = { overheadUs: 600 * factor, usPerByte: 0.004 * factor };
      return answer(pool({ costModel: costModel({ ...MACHINE, warm: lane, standardError: 0.1 }) }));
    };
    expect(apart(0).confidence).toBeCloseTo(0.5, 6);
    expect(apart(1)).toMatchObject({ method: 'zero_copy', confidence: expect.closeTo(0.841345, 5) });
    expect(apart(2).confidence).toBeCloseTo(0.97725, 5);
    expect(apart(-1)).toMatchObject({ method: 'grpc', confidence: expect.closeTo(0.841345, 5) });
  });

  it('is below a half where something chose against the belief', () => {
    const pressed = answer(pool({ costModel: SLOWER }), request(), resources({ memoryLoad: 0.9 }));
    expect(pressed).toMatchObject({ method: 'zero_copy', reason: 'memory_pressure' });
    expect(pressed.confidence).toBeLessThan(0.01);
    const tried = decide(
      request(),
      pool({ costModel: SLOWER, policy: policy({ explorationRate: 0.5 }) }),
      resources(),
      NOW_MS,
      () => 0,
      'id',
    );
    expect(tried.explored && tried.confidence).toBeLessThan(0.5);
  });

  it('is a half where nothing is known, and 1 where it is no matter of estimates', () => {
    expect(answer(pool({ costModel: undefined }))).toMatchObject({ reason: 'threshold', confidence: 0.5 });
    expect(answer(pool(), request({ dataSize: 10 })).confidence).toBe(1);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('trusts no learner that says %d', (latencyUs) => {
    const mad = costModel({ ...MACHINE, warm: { overheadUs: latencyUs, usPerByte: 0 } });
    const decision = answer(pool({ costModel: mad, policy: policy({ explorationRate: 1 }) }));
    expect(decision).toMatchObject({ method: 'grpc', reason: 'threshold', confidence: 0.5, propensity: 1 });
  });
});

describe('the trained model', () => {
  it.each([
    ['observe', MODEL, 'cost_model'],
    ['confident', MODEL, 'model'],
    ['adaptive', MODEL, 'model'],
    ['adaptive', { ...MODEL, requiredConfidence: 1.1 }, 'cost_model'],
    ['adaptive', undefined, 'cost_model'],
  ] as const)('in stage %s decides where it may and is sure enough', (rolloutStage, model, reason) => {
    expect(answer(pool({ rolloutStage, model })).reason).toBe(reason);
  });

  it('needs no records beside it', () => {
    const fresh = pool({ rolloutStage: 'adaptive', model: MODEL, costModel: costModel({ ...MACHINE, samples: 0 }) });
    expect(answer(fresh).reason).toBe('model');
    expect(answer(pool({ ...fresh, model: undefined })).reason).toBe('threshold');
  });

  it('serves nobody where learning is off', () => {
    const off = policy({ learningEnabled: false });
    expect(answer(pool({ rolloutStage: 'adaptive', model: MODEL, policy: off })).reason).toBe('threshold');
  });
});

describe('the analysis', () => {
  it('names every part of both costs, and adds them up', () => {
    const { analysis } = answer(pool());
    const { grpc, zero_copy: zeroCopy } = analysis?.methods ?? {};
    expect(grpc?.estimatedLatencyUs).toBeCloseTo(600 + 0.004 * 5 * MIB, 6);
    expect(zeroCopy?.estimatedLatencyUs).toBeCloseTo(900 + 0.001 * 5 * MIB, 6);
    for (const lane of [grpc, zeroCopy]) {
      expect(lane?.totalCost).toBe(
        (lane?.estimatedLatencyUs ?? 0) +
          (lane?.estimatedCpuUs ?? 0) +
          (lane?.setupOverheadUs ?? 0) +
          (lane?.cleanupOverheadUs ?? 0) +
          (lane?.serializationOverheadUs ?? 0),
      );
    }
    expect(grpc).toMatchObject({
      estimatedMemory: 15 * MIB,
      setupOverheadUs: 0,
      cleanupOverheadUs: 0,
      source: 'cost_model',
    });
    expect(zeroCopy).toMatchObject({ estimatedMemory: 5 * MIB, effectiveSamples: 100 });
    expect(analysis?.factors).toEqual({
      dataSize: 5 * MIB,
      systemLoad: 0.3,
      availableMemory: 8 * GIB,
      warmth: 'warm',
      historicalPerformance: 'good',
    });
  });

  it('knows that fresh memory costs more, and documents are serialized for both lanes', () => {
    const cold = pool({ transport: { zeroCopyReady: true, reason: undefined, warmBytes: 0, roomBytes: GIB } });
    const [warmCost, coldCost] = [pool(), cold].map((snapshot) => answer(snapshot).analysis?.methods.zero_copy);
    expect(coldCost?.setupOverheadUs).toBeGreaterThan(warmCost?.setupOverheadUs ?? Number.NaN);
    expect(coldCost?.cleanupOverheadUs).toBeGreaterThan(warmCost?.cleanupOverheadUs ?? Number.NaN);
    const json = answer(pool(), request({ dataType: 'json', format: 'json' })).analysis?.methods;
    expect(json?.zero_copy.serializationOverheadUs).toBeGreaterThan(1_000);
  });

  it.each(['minimize_latency', 'maximize_throughput', 'minimize_memory', 'balanced'] satisfies Goal[])(
    'under %s is made of the numbers that decided, at any size',
    (goal) => {
      const scattered = costModel({ ...MACHINE, warm: { overheadUs: 900, usPerByte: 0.001, scatter: 2 } });
      const snapshot = pool({ costModel: scattered, goal });
      fc.assert(
        fc.property(fc.integer({ min: 2 * KIB, max: 512 * MIB }), (dataSize) => {
          const decision = answer(snapshot, request({ dataSize }));
          const { analysis } = decision;
          expect(analysis?.recommendation).toBe(decision.method);
          expect(analysis?.confidence).toBe(decision.confidence);
          expect((analysis?.advantage ?? Number.NaN) > 0).toBe(decision.method === 'zero_copy');
          const chosen = analysis?.methods[decision.method].estimatedLatencyUs ?? Number.NaN;
          const mean = decision.method === 'zero_copy' ? 2 : 1;
          expect(chosen).toBeCloseTo(
            (decision.predictedLatencyUs ?? 0) * (analysis?.comparedBy === 'mean' ? mean : 1),
            6,
          );
        }),
      );
    },
  );
});

describe('the rationale', () => {
  const even = costModel({ ...MACHINE, warm: { overheadUs: 590, usPerByte: 0.004 } });
  const margin = policy({ marginalBenefit: 0.05 });
  const treated = experiment([
    { name: 'treatment', share: 1, zeroCopyFrom: Number.POSITIVE_INFINITY, pool: undefined },
  ]);
  const wins = 'Zero-copy provides 3.5x latency improvement and 67% memory savings';

  it.each<[string, Decision, string]>([
    ['disabled', answer(pool({ mode: 'disabled' })), 'gRPC, since decisions are disabled'],
    [
      'circuit_open',
      answer(pool({ breaker: 'open' })),
      'gRPC, since zero-copy failed repeatedly and rests for a while',
    ],
    [
      'shared_memory_exhausted',
      answer(pool({ transport: { zeroCopyReady: true, reason: undefined, warmBytes: 0, roomBytes: MIB } })),
      'gRPC, since shared memory has no room for 5.0 MiB',
    ],
    [
      'zero_copy_unavailable',
      answer(pool({ transport: { zeroCopyReady: false, reason: 'x', warmBytes: 0, roomBytes: 0 } })),
      'gRPC, since the zero-copy lane is not ready',
    ],
    [
      'below_minimum',
      answer(pool(), request({ dataSize: 1000 })),
      'gRPC, since 1000 bytes are below the size from which zero-copy can pay',
    ],
    [
      'above_maximum',
      answer(pool(), request({ dataSize: 2 * GIB })),
      'zero-copy, since 2048.0 MiB are above the maximum for gRPC',
    ],
    ['threshold', answer(pool({ costModel: undefined })), 'gRPC, since 5.0 MiB are below the threshold of 10.0 MiB'],
    ['cost_model', answer(pool()), `zero-copy, by the learned cost of both lanes (confidence 1.00). ${wins}`],
    [
      'model',
      answer(pool({ rolloutStage: 'adaptive', model: MODEL })),
      `zero-copy, by the trained model (confidence 1.00). ${wins}`,
    ],
    [
      'cost_model',
      answer(pool(), request({ dataSize: 10 * KIB })),
      'gRPC, by the learned cost of both lanes (confidence 1.00). gRPC is expected to be 1.42x as fast as zero-copy for this payload',
    ],
    [
      'marginal_benefit',
      answer(pool({ costModel: even, policy: margin })),
      'gRPC, since the difference between the lanes is below the margin. Zero-copy provides 1.00x latency improvement and 67% memory savings',
    ],
    [
      'memory_pressure',
      answer(pool({ costModel: SLOWER }), request(), resources({ memoryLoad: 0.9 })),
      'zero-copy, since memory is short and it holds fewer copies. gRPC is expected to be 1.10x as fast as zero-copy for this payload',
    ],
    [
      'cpu_pressure',
      answer(pool({ costModel: even, policy: margin }), request(), resources({ systemLoad: 0.9 })),
      'zero-copy, since the cpu is busy and it serializes nothing. Zero-copy provides 1.00x latency improvement and 67% memory savings',
    ],
    ['experiment', answer(pool({ experiment: treated })), `gRPC, by the experiment's variant "treatment". ${wins}`],
    [
      'exploration',
      decide(
        request(),
        pool({ costModel: SLOWER, policy: policy({ explorationRate: 0.5 }) }),
        resources(),
        NOW_MS,
        () => 0,
        'id',
      ),
      'zero-copy, to learn what it costs. gRPC is expected to be 1.10x as fast as zero-copy for this payload',
    ],
    [
      'minimize_memory',
      answer(pool({ costModel: SLOWER, goal: 'minimize_memory' })),
      'zero-copy, by the learned cost of both lanes (confidence 0.00). Zero-copy provides 67% memory savings at 1.10x the latency',
    ],
    [
      'invalid_request',
      fallbackDecision('id', 'invalid_request', 'pool: expected a name'),
      'gRPC, since the request could not be read: pool: expected a name',
    ],
    [
      'controller_unavailable',
      fallbackDecision('id', 'controller_unavailable', undefined, request()),
      'gRPC, since the controller is down',
    ],
    ['decision_failed', fallbackDecision('id', 'decision_failed', 'boom'), 'gRPC, since the decision failed: boom'],
  ])('for %s', (_reason, decision, text) => {
    expect(decision.rationale).toBe(text);
  });
});

describe('as JSON', () => {
  it('a decision is plain, whole, and what it was', () => {
    const decision = answer(pool());
    const plain = JSON.parse(JSON.stringify(decision));
    expect(plain).toMatchObject({
      transferId: 'id',
      pool: 'ml',
      method: 'zero_copy',
      reason: 'cost_model',
      propensity: 1,
      explored: false,
      fallback: false,
      policy: { version: 1, goal: 'minimize_latency' },
      predictedLatencyUs: decision.predictedLatencyUs,
      intervalUs: [(decision.predictedLatencyUs ?? 0) / 2, (decision.predictedLatencyUs ?? 0) * 2],
      thresholdBytes: 10 * MIB,
      features: { dataSize: 5 * MIB, warm: true, inFlight: 1, hourOfDay: 14 },
      analysis: { recommendation: 'zero_copy', comparedBy: 'median' },
      rationale: decision.rationale,
    });
  });

  it('a decision without estimates has none to show', () => {
    const quick = answer(pool(), request({ dataSize: 10 }));
    expect([quick.analysis, quick.predictedLatencyUs, quick.intervalUs]).toEqual([undefined, undefined, undefined]);
    const unlearned = costModel(MACHINE);
    const noInterval = {
      ...unlearned,
      estimate: (...args: Parameters<typeof unlearned.estimate>) => ({
        ...unlearned.estimate(...args),
        intervalUs: undefined,
      }),
    };
    expect(answer(pool({ costModel: noInterval })).intervalUs).toBeUndefined();
  });

  it('a fallback is gRPC and says so', () => {
    expect(fallbackDecision('id', 'controller_unavailable', undefined, request())).toMatchObject({
      method: 'grpc',
      fallback: true,
      propensity: 1,
      pool: 'ml',
      dataSize: 5 * MIB,
    });
    expect(fallbackDecision('id', 'invalid_request', 'x').pool).toBeUndefined();
    expect(answer(pool({ mode: 'disabled' })).fallback).toBe(false);
  });
});
