/** Cards as machines might have them. */
import fc from 'fast-check';
import type { LaneLine, MachineCard, MachineFingerprint } from '../../src/learning/machine-card.ts';

export const MACHINE: MachineFingerprint = {
  platform: 'linux',
  arch: 'x64',
  cpuModel: 'Some CPU',
  cpuCount: 4,
  memoryBytes: 8 * 2 ** 30,
  nodeMajor: 22,
};

/** A machine where the lanes cross at 100 kB, and cold memory costs three times the copy. */
export const CARD: MachineCard = {
  version: 1,
  machine: MACHINE,
  measuredAtMs: 1_767_225_600_000,
  tookMs: 2_400,
  systemLoad: 0.5,
  memory: { faultUsPerMiB: 250, faultMBps: 4_200, copyMBps: 9_000 },
  windows: [{ bytes: 1_048_576, defaultMBps: 300, tunedMBps: 700 }],
  grpc: { fixedUs: 300, usPerByte: 2.2e-3, transfers: 40, roundTripUs: 310, gzip: null },
  zeroCopy: {
    fixedUs: 500,
    usPerByte: 2e-4,
    transfers: 40,
    roundTripUs: 90,
    memoryLane: 'memfd',
    cold: { fixedUs: 40, usPerByte: 6e-4, transfers: 20 },
  },
  jsonUsPerByte: 8e-3,
};

function log(low: number, high: number): fc.Arbitrary<number> {
  return fc
    .double({ min: Math.log(low), max: Math.log(high), noNaN: true })
    .map((value) => Math.min(high, Math.max(low, Math.exp(value))));
}

const line: fc.Arbitrary<LaneLine> = fc.record({
  fixedUs: log(1e-3, 1e7),
  usPerByte: log(1e-9, 1e3),
  transfers: fc.nat(10_000),
});
const maybeLine = fc.option(line, { nil: null });

/** Everything that `checkedCard` accepts, the extremes included. */
export const anyCard: fc.Arbitrary<MachineCard> = fc.record({
  version: fc.constant(1 as const),
  machine: fc.constant(MACHINE),
  measuredAtMs: fc.nat(),
  tookMs: fc.nat(86_400_000),
  systemLoad: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null }),
  memory: fc.constantFrom(CARD.memory, null),
  windows: fc.constantFrom(CARD.windows, []),
  grpc: fc.tuple(line, log(1e-3, 1e7), maybeLine).map(([own, roundTripUs, gzip]) => ({ ...own, roundTripUs, gzip })),
  zeroCopy: fc.option(
    fc
      .tuple(line, log(1e-3, 1e7), fc.constantFrom('memfd' as const, 'file' as const, 'copy' as const), maybeLine)
      .map(([own, roundTripUs, memoryLane, cold]) => ({ ...own, roundTripUs, memoryLane, cold })),
    { nil: null },
  ),
  jsonUsPerByte: fc.option(log(1e-9, 1e3), { nil: null }),
});
