/** Goal x size x load x warmth: every cell is worked out again from the machine, then compared with what was decided. */
import { describe, expect, it } from 'vitest';
import type { Goal } from '../../src/config/types.ts';
import { decide } from '../../src/decision/decide.ts';
import { formatLanes } from '../../src/decision/format-table.ts';
import { sizeRanges } from '../../src/decision/table.ts';
import type { PoolSnapshot, ResourceSnapshot, Warmth } from '../../src/decision/types.ts';
import {
  costModel,
  GIB,
  KIB,
  type Lane,
  latencyOf,
  type Machine,
  MIB,
  NOW_MS,
  policy,
  pool,
  request,
  resources,
} from './machine.ts';

/** Warm memory is fast but varies; cold memory pays for its pages; gRPC suffers most from a busy cpu. */
const MACHINE: Machine = {
  grpc: { overheadUs: 600, usPerByte: 0.004, scatter: 1.1, underLoad: 0.8 },
  warm: { overheadUs: 900, usPerByte: 0.001, scatter: 1.5, underLoad: 0.2 },
  cold: { overheadUs: 1_500, usPerByte: 0.0025, scatter: 1.3, underLoad: 0.4 },
};
const MARGIN = 0.05;

const GOALS: readonly Goal[] = ['minimize_latency', 'maximize_throughput', 'balanced', 'minimize_memory'];
const SIZES = [2 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, MIB, 4 * MIB, 64 * MIB, 512 * MIB];
const LOADS: readonly (readonly [string, ResourceSnapshot | undefined])[] = [
  ['idle', resources({ systemLoad: 0.1 })],
  ['busy', resources({ systemLoad: 0.95 })],
  ['short of memory', resources({ systemLoad: 0.1, memoryLoad: 0.9 })],
  ['unknown', undefined],
  ['stale', resources({ systemLoad: 0.95, memoryLoad: 0.9, atMs: NOW_MS - 3_000 })],
];
/** By how much zero-copy may be worse there. */
const PATIENCE: ReadonlyMap<string, number> = new Map([
  ['busy', MARGIN],
  ['short of memory', 0.25],
]);
const WARMTHS: readonly Warmth[] = ['warm', 'cold'];

function snapshotOf(goal: Goal, warmth: Warmth): PoolSnapshot {
  const warmBytes = warmth === 'warm' ? 4 * GIB : 0;
  return pool({
    costModel: costModel(MACHINE),
    policy: policy({ goal, marginalBenefit: MARGIN }),
    transport: { zeroCopyReady: true, reason: undefined, warmBytes, roomBytes: 4 * GIB },
  });
}

/** By how much zero-copy is better, from the machine alone. */
function gain(goal: Goal, warmth: Warmth, size: number, load: number | undefined): number {
  const zeroCopy = warmth === 'warm' ? MACHINE.warm : MACHINE.cold;
  const median = (lane: Lane): number => latencyOf(lane, size, load);
  const mean = (lane: Lane): number => median(lane) * (lane.scatter ?? 1);
  const share = (a: number, b: number): number => (a - b) / Math.max(a, b);
  const cpu = warmth === 'warm' ? 0.5 : 0.66;
  switch (goal) {
    case 'minimize_latency':
      return share(median(MACHINE.grpc), median(zeroCopy));
    case 'maximize_throughput':
      return share(mean(MACHINE.grpc), mean(zeroCopy));
    case 'balanced':
      return share(mean(MACHINE.grpc) * (1 + 0.1 * 0.45 + 3 * 0.03), mean(zeroCopy) * (1 + 0.1 * cpu + 0.03));
    case 'minimize_memory': {
      const bearable = size >= 64 * KIB && median(zeroCopy) <= 2 * median(MACHINE.grpc);
      return bearable
        ? Math.max(2 / 3, share(median(MACHINE.grpc), median(zeroCopy)))
        : share(median(MACHINE.grpc), median(zeroCopy));
    }
    default:
      return goal satisfies never;
  }
}

describe.each(GOALS)('%s', (goal) => {
  describe.each(WARMTHS)('into %s memory', (warmth) => {
    it.each(LOADS)('on a machine that is %s', (name, machine) => {
      const known = name === 'unknown' || name === 'stale' ? undefined : machine;
      for (const dataSize of SIZES) {
        const decision = decide(request({ dataSize }), snapshotOf(goal, warmth), machine, NOW_MS, () => 0, 'id');
        const better = gain(goal, warmth, dataSize, known?.systemLoad);
        const isBetter = better > 0 && better >= MARGIN;
        const isBearable = better > -(PATIENCE.get(name) ?? Number.NEGATIVE_INFINITY);
        const expected = isBetter || isBearable ? 'zero_copy' : 'grpc';
        expect([dataSize, decision.method]).toEqual([dataSize, expected]);
      }
    });
  });
});

it('prints as one table, in which each goal differs from the others', () => {
  const lines = GOALS.flatMap((goal) =>
    WARMTHS.flatMap((warmth) =>
      LOADS.slice(0, 3).map(([name, machine]) =>
        formatLanes(
          `${goal}, ${warmth}, ${name}`,
          sizeRanges(snapshotOf(goal, warmth), { dataType: 'tensor', format: 'numpy' }, machine, NOW_MS),
        ),
      ),
    ),
  );
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "minimize_latency, warm, idle | 0..95.8 KiB gRPC | 95.8 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_latency, warm, busy | 0..1 KiB gRPC | 1 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_latency, warm, short of memory | 0..11.1 KiB gRPC | 11.1 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_latency, cold, idle | 0..613 KiB gRPC | 613 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_latency, cold, busy | 0..236 KiB gRPC | 236 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_latency, cold, short of memory | 0..215 KiB gRPC | 215 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    maximize_throughput, warm, idle | 0..229 KiB gRPC | 229 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    maximize_throughput, warm, busy | 0..58.9 KiB gRPC | 58.9 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    maximize_throughput, warm, short of memory | 0..86.7 KiB gRPC | 86.7 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    maximize_throughput, cold, idle | 0..1.1 MiB gRPC | 1.1 MiB..4 GiB zero-copy | 4 GiB.. gRPC
    maximize_throughput, cold, busy | 0..391 KiB gRPC | 391 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    maximize_throughput, cold, short of memory | 0..356 KiB gRPC | 356 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    balanced, warm, idle | 0..202 KiB gRPC | 202 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    balanced, warm, busy | 0..46.3 KiB gRPC | 46.3 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    balanced, warm, short of memory | 0..72 KiB gRPC | 72 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    balanced, cold, idle | 0..1000 KiB gRPC | 1000 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    balanced, cold, busy | 0..352 KiB gRPC | 352 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    balanced, cold, short of memory | 0..320 KiB gRPC | 320 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_memory, warm, idle | 0..64 KiB gRPC | 64 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_memory, warm, busy | 0..1 KiB gRPC | 1 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_memory, warm, short of memory | 0..11.1 KiB gRPC | 11.1 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_memory, cold, idle | 0..64 KiB gRPC | 64 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_memory, cold, busy | 0..64 KiB gRPC | 64 KiB..4 GiB zero-copy | 4 GiB.. gRPC
    minimize_memory, cold, short of memory | 0..64 KiB gRPC | 64 KiB..4 GiB zero-copy | 4 GiB.. gRPC"
  `);
});
