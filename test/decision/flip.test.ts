import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import { type Flip, type FlipBasis, flips, formatFlips } from '../../src/decision/flip.ts';
import type { Method } from '../../src/decision/types.ts';
import { costModel, GIB, KIB, MACHINE, MIB, NOW_MS, policy, pool, request, resources } from './machine.ts';

/** Lanes cross at 100 000 bytes into warm memory, at 1 000 000 into cold; a busy machine slows gRPC. */
const BASIS: FlipBasis = {
  request: request({ dataSize: 500_000 }),
  pool: pool({
    costModel: costModel({ ...MACHINE, grpc: { ...MACHINE.grpc, underLoad: 2 } }),
    policy: policy({ explorationRate: 0.5 }),
  }),
  resources: resources({ systemLoad: 0 }),
  nowMs: NOW_MS,
};

function laneAt({ request: asked, pool: snapshot, resources: machine, nowMs }: FlipBasis): Method {
  return decide(asked, snapshot, machine, nowMs, () => 1 - 2 ** -53, 'id').method;
}

/** The basis with the flip's factor set to `value`, all else as it was. */
function withFactor(basis: FlipBasis, { factor }: Flip, value: number): FlipBasis {
  const { request: asked, pool: snapshot, resources: machine } = basis;
  switch (factor) {
    case 'data_size':
      return { ...basis, request: { ...asked, dataSize: value } };
    case 'warm_bytes':
      return {
        ...basis,
        pool: { ...snapshot, transport: snapshot.transport && { ...snapshot.transport, warmBytes: value } },
      };
    case 'in_flight':
      return { ...basis, pool: { ...snapshot, inFlight: value - 1 } };
    case 'system_load':
      return { ...basis, resources: machine && { ...machine, systemLoad: value } };
    case 'memory_load':
      return { ...basis, resources: machine && { ...machine, memoryLoad: value } };
    default:
      return factor satisfies never;
  }
}

describe('what would flip a decision', () => {
  it('is the nearest size, and the warm memory that the payload needs', () => {
    expect(flips(BASIS)).toEqual([
      { factor: 'data_size', direction: 'below', at: 100_001, method: 'grpc' },
      { factor: 'warm_bytes', direction: 'below', at: 500_000, method: 'grpc' },
      { factor: 'data_size', direction: 'from', at: 4 * GIB + 1, method: 'grpc' },
    ]);
    expect(formatFlips(flips(BASIS))).toBe('gRPC below 97.7 KiB, or with less than 488 KiB warm, or from 4 GiB');
  });

  it('is the load from which gRPC suffers', () => {
    const small = { ...BASIS, request: request({ dataSize: 50_000 }) };
    const found = flips(small);
    expect(found).toContainEqual({ factor: 'data_size', direction: 'from', at: 100_001, method: 'zero_copy' });
    // 800 (1 + 2 load) = 950 at a load of 0.09375.
    expect(found).toContainEqual({ factor: 'system_load', direction: 'from', at: 0.094, method: 'zero_copy' });
    expect(formatFlips(found)).toContain('or with at least 9.4 % cpu load');
  });

  it('is memory that gets short', () => {
    const slower = pool({ costModel: costModel({ ...MACHINE, warm: { overheadUs: 660, usPerByte: 0.0044 } }) });
    const found = flips({ ...BASIS, pool: slower });
    expect(found).toEqual([
      // Above the maximum nobody asks what it costs.
      { factor: 'data_size', direction: 'from', at: GIB + 1, method: 'zero_copy' },
      { factor: 'memory_load', direction: 'from', at: 0.801, method: 'zero_copy' },
    ]);
    expect(formatFlips(found)).toBe('zero-copy from 1 GiB, or with at least 80.1 % of memory in use');
  });

  it('is nothing where nothing alone would do', () => {
    expect(flips({ ...BASIS, pool: pool({ mode: 'disabled' }) })).toEqual([]);
    expect(formatFlips([])).toBe('nothing alone would change it');
  });

  it('takes what is unknown for unknown', () => {
    const own = flips({ ...BASIS, pool: { ...BASIS.pool, transport: undefined }, resources: undefined });
    expect(own.map(({ factor }) => factor)).toEqual(['data_size']);
  });

  it('holds when it is tried: the other lane at the flip, the same lane just before it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: KIB, max: 2 * MIB }),
        fc.integer({ min: 0, max: 4 * MIB }),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.constantFrom('minimize_latency', 'balanced', 'minimize_memory'),
        (dataSize, warmBytes, systemLoad, memoryLoad, goal) => {
          const basis: FlipBasis = {
            ...BASIS,
            request: request({ dataSize }),
            pool: {
              ...BASIS.pool,
              policy: policy({ goal, marginalBenefit: 0.05 }),
              transport: { zeroCopyReady: true, reason: undefined, warmBytes, roomBytes: GIB },
            },
            resources: resources({ systemLoad: systemLoad / 1000, memoryLoad: memoryLoad / 1000 }),
          };
          const now = laneAt(basis);
          for (const flip of flips(basis)) {
            const step = flip.factor.endsWith('load') ? 0.001 : 1;
            const flipped = flip.direction === 'from' ? flip.at : flip.at - step;
            const kept = flip.direction === 'from' ? flip.at - step : flip.at;
            expect([flip, laneAt(withFactor(basis, flip, flipped))]).toEqual([flip, flip.method]);
            expect([flip, laneAt(withFactor(basis, flip, kept))]).toEqual([flip, now]);
            expect(flip.method).not.toBe(now);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
