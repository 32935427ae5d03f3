import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import { formatLanes, formatWarmAndCold } from '../../src/decision/format-table.ts';
import { formatRanges, sizeRanges } from '../../src/decision/table.ts';
import type { PoolSnapshot, ResourceSnapshot } from '../../src/decision/types.ts';
import { costModel, experiment, GIB, KIB, MACHINE, MIB, NOW_MS, policy, pool, request, resources } from './machine.ts';

const TENSOR = { dataType: 'tensor', format: 'numpy' };

function table(snapshot: PoolSnapshot, sample: ResourceSnapshot = resources()): string {
  return formatRanges('tensor', sizeRanges(snapshot, TENSOR, sample, NOW_MS));
}

describe('the table of size ranges of a machine', () => {
  it('crosses where the lanes cross, into warm memory and into cold', () => {
    expect(table(pool())).toBe(
      'tensor | 0..1 KiB gRPC (below_minimum) | 1 KiB..97.7 KiB gRPC (cost_model) | 97.7 KiB..1 GiB zero-copy (cost_model) | 1 GiB..4 GiB zero-copy (above_maximum) | 4 GiB.. gRPC (shared_memory_exhausted)',
    );
    const cold = pool({ transport: { zeroCopyReady: true, reason: undefined, warmBytes: 0, roomBytes: 8 * GIB } });
    expect(table(cold)).toContain('1 KiB..977 KiB gRPC (cost_model) | 977 KiB..1 GiB zero-copy (cost_model)');
  });

  it('goes cold where warm memory ends', () => {
    const little = pool({
      transport: { zeroCopyReady: true, reason: undefined, warmBytes: 200 * KIB, roomBytes: GIB },
    });
    expect(table(little)).toContain(
      '97.7 KiB..200 KiB zero-copy (cost_model) | 200 KiB..977 KiB gRPC (cost_model) | 977 KiB..',
    );
  });

  it('follows the configured threshold until both lanes are known', () => {
    const unknown = pool({ costModel: costModel({ ...MACHINE, samples: 2 }) });
    expect(table(unknown)).toContain('1 KiB..10 MiB gRPC (threshold) | 10 MiB..1 GiB zero-copy (threshold)');
    expect(table(pool({ costModel: undefined }))).toContain('1 KiB..10 MiB gRPC (threshold)');
  });

  it('leaves what gains less than the margin to gRPC', () => {
    const margin = pool({ policy: policy({ marginalBenefit: 0.2 }) });
    expect(table(margin)).toMatch(/97.7 KiB..1\d\d KiB gRPC .marginal_benefit./);
  });

  it('is gRPC everywhere where zero-copy cannot serve, and says why', () => {
    const notReady = { zeroCopyReady: false, reason: 'no koffi', warmBytes: 0, roomBytes: 0 };
    expect(table(pool({ transport: notReady }))).toBe('tensor | 0.. gRPC (zero_copy_unavailable)');
    expect(table(pool({ breaker: 'open' }))).toBe('tensor | 0.. gRPC (circuit_open)');
    expect(table(pool({ mode: 'disabled' }))).toBe('tensor | 0.. gRPC (disabled)');
  });

  it('uses the configured thresholds alone under static rules', () => {
    const learned = { base: 10 * MIB, adjustmentFactor: 0.01, resourceFactor: 1, final: 100 * KIB };
    const thresholds = { default: learned, byDataType: new Map(), quickPathMinimum: 50 * KIB };
    const ruled = pool({ mode: 'static_rules', thresholds, limits: { minimumThreshold: MIB, maximumThreshold: GIB } });
    expect(table(ruled)).toContain(
      '0..1 MiB gRPC (below_minimum) | 1 MiB..10 MiB gRPC (threshold) | 10 MiB..1 GiB zero-copy',
    );
  });

  it('takes room of a lane that the host brings from what the machine has', () => {
    const own = pool({ transport: undefined });
    expect(table(own, resources({ sharedMemoryRoom: 2 * MIB }))).toContain('2 MiB.. gRPC (shared_memory_exhausted)');
  });
});

describe('the table of one kind, as if memory were so', () => {
  const of = (warmth: 'warm' | 'cold' | 'unknown', snapshot = pool()): ReturnType<typeof sizeRanges> =>
    sizeRanges(snapshot, { ...TENSOR, warmth });

  it('is warm, cold, or of unknown warmth', () => {
    expect(formatLanes('warm', of('warm'))).toBe('warm | 0..97.7 KiB gRPC | 97.7 KiB..4 GiB zero-copy | 4 GiB.. gRPC');
    expect(formatLanes('cold', of('cold'))).toBe('cold | 0..977 KiB gRPC | 977 KiB..4 GiB zero-copy | 4 GiB.. gRPC');
    // Room of a lane that the host brings is what the machine has, and unknown here.
    expect(formatLanes('unknown', of('unknown'))).toBe('unknown | 0..97.7 KiB gRPC | 97.7 KiB.. zero-copy');
    expect(formatLanes('own', of('cold', pool({ transport: undefined })))).toBe(
      'own | 0..977 KiB gRPC | 977 KiB.. zero-copy',
    );
  });

  it('prints in one line', () => {
    const [warm, cold] = (['warm', 'cold'] as const).map((warmth) => of(warmth, pool({ transport: undefined })));
    expect(formatWarmAndCold('tensor', warm ?? [], cold ?? [])).toBe(
      'tensor | 0..97.7 KiB gRPC | 97.7 KiB.. zero-copy, warm | cold from 977 KiB',
    );
    expect(formatWarmAndCold('tensor', warm ?? [], warm ?? [])).toBe(
      'tensor | 0..97.7 KiB gRPC | 97.7 KiB.. zero-copy',
    );
    const never = sizeRanges(pool({ breaker: 'open' }), TENSOR);
    expect(formatWarmAndCold('tensor', warm ?? [], never)).toBe(
      'tensor | 0..97.7 KiB gRPC | 97.7 KiB.. zero-copy, warm | cold never',
    );
  });

  it('shows what is believed: nothing is explored, no experiment runs', () => {
    const trying = pool({
      policy: policy({ explorationRate: 1 }),
      experiment: experiment([{ name: 'b', share: 1, zeroCopyFrom: Number.POSITIVE_INFINITY, pool: undefined }]),
    });
    expect(formatLanes('', of('warm', trying))).toBe(formatLanes('', of('warm')));
  });

  it('has a row per kind', () => {
    const byType = new Map([
      ['json', { base: 10 * MIB, adjustmentFactor: 0.5, resourceFactor: 0.5, final: 2.5 * MIB }],
    ]);
    const thresholds = { ...pool().thresholds, byDataType: byType };
    const unlearned = pool({ costModel: undefined, thresholds });
    const rows = ['tensor', 'json'].map((dataType) =>
      formatLanes(dataType, sizeRanges(unlearned, { dataType, format: 'x' })),
    );
    expect(rows).toEqual([
      'tensor | 0..10 MiB gRPC | 10 MiB..4 GiB zero-copy | 4 GiB.. gRPC',
      'json | 0..2.5 MiB gRPC | 2.5 MiB..4 GiB zero-copy | 4 GiB.. gRPC',
    ]);
  });

  it('covers every size once, and every size takes the lane of its range', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 * GIB }), fc.boolean(), (dataSize, isCold) => {
        const little = { zeroCopyReady: true, reason: undefined, warmBytes: isCold ? 0 : 200 * KIB, roomBytes: GIB };
        const snapshot = pool({ transport: little });
        const ranges = sizeRanges(snapshot, TENSOR, resources());
        expect(ranges[0]?.from).toBe(0);
        expect(ranges.at(-1)?.to).toBe(Number.POSITIVE_INFINITY);
        for (const [index, { to }] of ranges.slice(0, -1).entries()) expect(ranges[index + 1]?.from).toBe(to);
        const range = ranges.find(({ from, to }) => from <= dataSize && dataSize < to);
        const decision = decide(request({ dataSize }), snapshot, resources(), NOW_MS, () => 1 - 2 ** -53, 'id');
        expect(decision).toMatchObject({ method: range?.method, reason: range?.reason });
      }),
    );
  });
});

describe('goals', () => {
  const scattered = costModel({ ...MACHINE, warm: { overheadUs: 900, usPerByte: 0.001, scatter: 2 } });

  it.each([
    // medians cross at 100 000 bytes
    ['minimize_latency', '97.7 KiB'],
    // means: 600 + 0.004 x = 2 (900 + 0.001 x) at 600 000
    ['maximize_throughput', '586 KiB'],
    // means with a tenth of the cpu time and 3 % a copy: (600 + 0.004 x) 1.135 = 2 (900 + 0.001 x) 1.08 at 530 672
    ['balanced', '518 KiB'],
  ] as const)('%s crosses at %s', (goal, crossing) => {
    expect(table(pool({ costModel: scattered, goal }))).toContain(`${crossing}..1 GiB zero-copy (cost_model)`);
  });

  it('minimize_memory takes the lane with fewer copies from where copies matter, unless it costs twice the latency', () => {
    const slow = costModel({ ...MACHINE, warm: { overheadUs: 1_600, usPerByte: 0.0035 } });
    expect(table(pool({ costModel: slow, goal: 'minimize_memory' }))).toMatch(
      /gRPC \(cost_model\) \| \d+\.\d KiB..1 GiB zero-copy/,
    );
    expect(table(pool({ costModel: slow, goal: 'minimize_latency' }))).toContain(
      'gRPC (cost_model) | 1.9 MiB..1 GiB zero-copy',
    );
  });
});

describe('pressure', () => {
  // Zero-copy is 10 % slower at every size.
  const even = costModel({ ...MACHINE, warm: { overheadUs: 660, usPerByte: 0.0044 } });

  it('lets memory pressure take the lane with fewer copies while it costs less than a quarter', () => {
    const snapshot = pool({ costModel: even });
    expect(table(snapshot)).toContain('1 KiB..1 GiB gRPC (cost_model)');
    expect(table(snapshot, resources({ memoryLoad: 0.81 }))).toContain('1 KiB..1 GiB zero-copy (memory_pressure)');
    expect(table(snapshot, resources({ memoryLoad: 0.8 }))).toContain('1 KiB..1 GiB gRPC (cost_model)');
  });

  it('lets a busy cpu settle what is within the margin', () => {
    const snapshot = pool({ costModel: even, policy: policy({ marginalBenefit: 0.1 }) });
    expect(table(snapshot, resources({ systemLoad: 0.95 }))).toContain('1 KiB..1 GiB zero-copy (cpu_pressure)');
    expect(table(pool({ costModel: even }), resources({ systemLoad: 0.95 }))).toContain('gRPC (cost_model)');
  });

  it('adjusts nothing by a sample that is older than two seconds, or by none', () => {
    const old = resources({ memoryLoad: 0.99, atMs: NOW_MS - 2_001 });
    expect(table(pool({ costModel: even }), old)).toContain('1 KiB..1 GiB gRPC (cost_model)');
    const recent = resources({ memoryLoad: 0.99, atMs: NOW_MS - 2_000 });
    expect(table(pool({ costModel: even }), recent)).toContain('memory_pressure');
  });
});
