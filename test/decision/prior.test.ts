import { describe, expect, it } from 'vitest';
import { priorComparison, priorEstimate } from '../../src/decision/prior.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { DEFAULT_COST_PRIOR } from '../../src/learning/cost-prior.ts';
import type { Features } from '../../src/learning/types.ts';
import { KIB, MIB } from './machine.ts';

function features(overrides: Partial<Features> = {}): Features {
  return {
    dataSize: MIB,
    dataType: 'tensor',
    format: 'numpy',
    compression: false,
    warm: true,
    systemLoad: undefined,
    availableMemory: undefined,
    inFlight: 1,
    hourOfDay: 0,
    ...overrides,
  };
}

/** Smallest power of two from which zero-copy is expected to be faster. */
function crossing(overrides: Partial<Features>): number {
  for (let size = 1; size < 2 ** 40; size *= 2) {
    if (priorComparison(features({ ...overrides, dataSize: size })).logRatio > 0) return size;
  }
  return Number.POSITIVE_INFINITY;
}

describe('before anything was learned', () => {
  it('an unknown kind is expected to cost what a fresh cost model says', () => {
    const fresh = new CostModel().snapshot();
    for (const overrides of [
      {},
      { warm: false },
      { warm: undefined },
      { compression: true },
      { systemLoad: 0.9, inFlight: 4 },
    ]) {
      const asked = features({ dataType: 'never seen', ...overrides });
      for (const method of ['grpc', 'zero_copy'] as const) {
        expect(priorEstimate(method, asked).latencyUs).toBeCloseTo(fresh.estimate(method, asked).latencyUs, 6);
        expect(priorEstimate(method, asked).standardError).toBeCloseTo(fresh.estimate(method, asked).standardError, 6);
      }
      const { logRatio, logRatioStandardError } = priorComparison(asked);
      expect(logRatio).toBeCloseTo(fresh.compare?.(asked).logRatio ?? Number.NaN, 9);
      expect(logRatioStandardError).toBeCloseTo(fresh.compare?.(asked).logRatioStandardError ?? Number.NaN, 6);
    }
  });

  it('the lanes cross where measured transfers do: early into warm memory, late into cold, earlier with gzip', () => {
    expect(crossing({ warm: true })).toBeLessThanOrEqual(64 * KIB);
    expect(crossing({ warm: false })).toBeGreaterThanOrEqual(64 * KIB);
    expect(crossing({ warm: false })).toBeLessThanOrEqual(512 * KIB);
    expect(crossing({ warm: false, compression: true })).toBeLessThan(crossing({ warm: false }));
    expect(crossing({ warm: undefined })).toBeGreaterThanOrEqual(crossing({ warm: true }));
    expect(crossing({ warm: undefined })).toBeLessThanOrEqual(crossing({ warm: false }));
  });

  it('load and company make everything dearer, types differ in what handling them takes', () => {
    const idle = priorEstimate('grpc', features({ systemLoad: 0.1 })).latencyUs;
    expect(priorEstimate('grpc', features({ systemLoad: 0.95 })).latencyUs).toBeGreaterThan(1.2 * idle);
    expect(priorEstimate('grpc', features({ systemLoad: 0.1, inFlight: 8 })).latencyUs).toBeGreaterThan(2 * idle);
    const json = priorEstimate('zero_copy', features({ dataType: 'json' })).latencyUs;
    expect(json).toBeGreaterThan(3 * priorEstimate('zero_copy', features()).latencyUs);
  });

  it('the doubt is wide, rests on no record, and has no interval', () => {
    const estimate = priorEstimate('grpc', features());
    expect(estimate).toMatchObject({ effectiveSamples: 0, intervalUs: undefined });
    expect(estimate.standardError).toBeGreaterThan(0.3);
    expect(estimate.meanLatencyUs).toBeGreaterThan(estimate.latencyUs);
    const { grpc, zeroCopy, logRatioStandardError } = priorComparison(features());
    // What both lanes share cancels.
    expect(logRatioStandardError).toBeLessThan(Math.hypot(grpc.standardError, zeroCopy.standardError));
  });

  it('names of the language are unknown types, and a machine card replaces the constants', () => {
    expect(priorEstimate('grpc', features({ dataType: '__proto__' })).latencyUs).toBe(
      priorEstimate('grpc', features({ dataType: 'never seen' })).latencyUs,
    );
    const card = { ...DEFAULT_COST_PRIOR, grpcFixedUs: { mean: 10_000, logSd: 0.1 } };
    expect(priorEstimate('grpc', features(), card).latencyUs).toBeGreaterThan(10_000);
  });
});
