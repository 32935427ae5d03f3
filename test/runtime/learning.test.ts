/** Both layers of learning in the running package: a real training thread reads what is stored. */
import { describe, expect, it } from 'vitest';
import { TENSOR, teach, temporaryFolder, testRuntime } from './support.ts';

const OPTIONS = {
  pools: [{ name: 'ml', minimumThresholdMb: 0.001, explorationRate: 0.3, rolloutStage: 'adaptive' as const }],
};

describe('learning', () => {
  it('refuses to train on too little, and says how it stands', async () => {
    const runtime = await testRuntime({ ...OPTIONS, dataDir: temporaryFolder() });
    await teach(
      runtime,
      100,
      (i) => 2 ** (10 + (i % 10)),
      (_method, size) => 100 + size / 100,
    );
    expect(await runtime.learning.trainModel('ml')).toMatchObject({ type: 'failed' });
    expect(await runtime.learning.status('ml')).toMatchObject({
      modelId: undefined,
      trainings: 1,
      lastOutcome: 'failed',
    });
    await expect(runtime.learning.trainModel('nobody')).rejects.toThrow('pool: expected');
  });

  it('trains in a thread on what is stored, and publishes only what is surely better', async () => {
    const runtime = await testRuntime({ ...OPTIONS, dataDir: temporaryFolder() });
    // A machine that no line describes: gRPC has a step at 64 KiB that only trees can see.
    const latency = (method: string, size: number): number =>
      method === 'grpc' ? (size < 65_536 ? 300 : 3_000) + size / 200 : 900 + size / 2_000;
    await teach(runtime, 2_000, (i) => Math.round(2 ** (10 + ((i * 7) % 100) / 10)), latency);
    const outcome = await runtime.learning.trainModel('ml');
    expect(['published', 'not_better']).toContain(outcome.type);
    if (outcome.type !== 'published') return;
    expect(outcome.report.rows).toBeGreaterThan(1_500);
    expect(runtime.snapshot('ml')?.model?.modelId).toBe(outcome.modelId);
    const decision = runtime.decideTransferMethod({ ...TENSOR, dataSize: 30_000 });
    expect(['model', 'exploration', 'marginal_benefit', 'cpu_pressure']).toContain(decision.reason);
    await runtime.learning.clearModels('ml');
    expect(runtime.snapshot('ml')?.model).toBeUndefined();
  });

  it('predicts with probabilities, intervals and confidence', async () => {
    const runtime = await testRuntime(OPTIONS);
    await teach(
      runtime,
      400,
      (i) => 2 ** (12 + (i % 10)),
      (method, size) => (method === 'grpc' ? 500 + size / 200 : 600 + size / 2_000),
    );
    const prediction = runtime.learning.predict({ ...TENSOR, dataSize: 4e6 });
    expect(prediction.methodProbability.zero_copy).toBeGreaterThan(0.9);
    expect(prediction.methodProbability.zero_copy + prediction.methodProbability.grpc).toBeCloseTo(1, 12);
    expect(prediction.estimatedLatencyUs.grpc).toBeGreaterThan(prediction.estimatedLatencyUs.zero_copy);
    const [low, high] = prediction.intervalUs.grpc ?? [Number.NaN, Number.NaN];
    expect(low).toBeLessThan(high);
    expect(() => runtime.learning.predict({ pool: 'unknown', dataSize: 1 })).toThrow('nothing was learned');
  });
});

describe('cost and benefit', () => {
  it('names every part of both costs, and takes the machine that it is given', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const analysis = runtime.costBenefit.analyze(
      { ...TENSOR, dataSize: 100 * 2 ** 20 },
      { systemLoad: 0.45, availableMemory: 2 ** 33, warmth: 'warm' },
    );
    expect(analysis).toMatchObject({
      recommendation: 'zero_copy',
      factors: {
        dataSize: 104_857_600,
        systemLoad: 0.45,
        availableMemory: 8_589_934_592,
        warmth: 'warm',
        historicalPerformance: 'unknown',
      },
    });
    expect(analysis.rationale).toMatch(/^Zero-copy provides .*x latency improvement and 67% memory savings$/);
    const { grpc } = analysis.methods;
    const parts = grpc.estimatedLatencyUs + grpc.estimatedCpuUs + grpc.serializationOverheadUs;
    expect(grpc.totalCost).toBeCloseTo(parts, 6);
    const busy = runtime.costBenefit.analyze(TENSOR, { systemLoad: 1, inFlight: 8 });
    const idle = runtime.costBenefit.analyze(TENSOR, { systemLoad: 0.05, inFlight: 1 });
    expect(busy.methods.grpc.estimatedLatencyUs).toBeGreaterThan(idle.methods.grpc.estimatedLatencyUs);
    expect(runtime.costBenefit.estimatePerformance('grpc', TENSOR).method).toBe('grpc');
    expect(runtime.costBenefit.flips(TENSOR)).toContainEqual(
      expect.objectContaining({ factor: 'data_size', method: 'grpc' }),
    );
  });
});
