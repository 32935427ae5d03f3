import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packObservations, unpackObservations } from '../../src/workers/observation-columns.ts';

const optional = fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }), { nil: undefined });

test('observations come back from their columns as they went in', () => {
  const observation = fc.record({
    dataSize: fc.integer({ min: 0, max: 2 ** 40 }),
    dataType: fc.constantFrom('tensor', '__proto__', ''),
    format: fc.string(),
    compression: fc.boolean(),
    warm: fc.constantFrom(true, false, undefined),
    systemLoad: optional,
    availableMemory: optional,
    cpuTimeUs: optional,
    inFlight: fc.integer({ min: 1, max: 100 }),
    hourOfDay: fc.integer({ min: 0, max: 23 }),
    method: fc.constantFrom('grpc' as const, 'zero_copy' as const),
    latencyUs: fc.double({ min: 1, max: 1e9, noNaN: true }),
    atMs: fc.double({ min: 0, max: 2e12, noNaN: true }),
    propensity: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(observation, { maxLength: 30 }), (observations) => {
      expect(unpackObservations(packObservations(observations))).toEqual(observations);
    }),
  );
});

test('columns that cannot be are refused', () => {
  const good = packObservations([]);
  expect(() => unpackObservations({ ...good, rows: 5 })).toThrow('columns');
  expect(() => unpackObservations({ ...good, rows: -1 })).toThrow('columns');
});
