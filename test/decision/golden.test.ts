import { expect, it } from 'vitest';
import { analyzeCosts } from '../../src/decision/cost-benefit.ts';
import { withTotal } from '../../src/decision/method-costs.ts';

const prior = { source: 'prior', intervalUs: undefined, effectiveSamples: 0 } as const;

it("reproduces the seed's cost-benefit sample", () => {
  const zeroCopy = withTotal({
    ...prior,
    method: 'zero_copy',
    estimatedLatencyUs: 15_000,
    estimatedMemory: 104_857_600,
    estimatedCpuUs: 2_000,
    setupOverheadUs: 500,
    cleanupOverheadUs: 200,
    serializationOverheadUs: 0,
  });
  const grpc = withTotal({
    ...prior,
    method: 'grpc',
    estimatedLatencyUs: 500_000,
    estimatedMemory: 314_572_800,
    estimatedCpuUs: 450_000,
    setupOverheadUs: 0,
    cleanupOverheadUs: 0,
    serializationOverheadUs: 400_000,
  });
  expect(zeroCopy.totalCost).toBe(17_700);
  expect(grpc.totalCost).toBe(1_350_000);
  const factors = {
    dataSize: 104_857_600,
    systemLoad: 0.45,
    availableMemory: 8_589_934_592,
    warmth: 'unknown',
  } as const;
  const analysis = analyzeCosts({ zero_copy: zeroCopy, grpc }, factors, 0.92);
  expect(analysis.recommendation).toBe('zero_copy');
  expect(analysis.rationale).toBe('Zero-copy provides 28x latency improvement and 67% memory savings');
  expect(analysis.confidence).toBe(0.92);
  expect(analysis.methods).toEqual({ zero_copy: zeroCopy, grpc });
  expect(analysis.advantage).toBeCloseTo(1 - 17_700 / 1_350_000, 12);
  expect(analysis.factors).toMatchObject({ dataSize: 104_857_600, systemLoad: 0.45 });
});
