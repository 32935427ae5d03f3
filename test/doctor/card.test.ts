/** The machine card, and what a cost model makes of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priorComparison, priorEstimate } from '../../src/decision/prior.ts';
import { priorFromCard } from '../../src/learning/card-prior.ts';
import { CostModel } from '../../src/learning/cost-model.ts';
import { checkedPrior } from '../../src/learning/cost-prior.ts';
import { fitLine } from '../../src/learning/line-fit.ts';
import { cardJson, checkedCard, fingerprintText, isSameMachine } from '../../src/learning/machine-card.ts';
import type { Features } from '../../src/learning/types.ts';
import { anyCard, CARD, MACHINE } from './support.ts';

const AT: Features = {
  dataSize: 1e6,
  dataType: 'tensor',
  format: 'numpy',
  compression: false,
  warm: true,
  systemLoad: 0.5,
  availableMemory: undefined,
  inFlight: 1,
  hourOfDay: 0,
};

describe('a card', () => {
  it('comes back from JSON as it was', () => {
    fc.assert(
      fc.property(anyCard, (card) => {
        expect(checkedCard(JSON.parse(JSON.stringify(cardJson(card))))).toEqual(JSON.parse(JSON.stringify(card)));
      }),
    );
  });

  it('that is garbage is refused, naming the field', () => {
    const refusal = expect.objectContaining({ code: 'PITWALL_MACHINE_CARD_INVALID' });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(() => checkedCard(value)).toThrow(refusal);
      }),
    );
    const paths = [
      'version',
      'machine',
      'measuredAtMs',
      'tookMs',
      'systemLoad',
      'memory',
      'windows',
      'grpc',
      'zeroCopy',
    ];
    const wrong = fc.oneof(
      fc.constant(undefined),
      fc.string(),
      fc.constant([[]]),
      fc.constant(-1),
      fc.constant(Number.NaN),
    );
    fc.assert(
      fc.property(fc.constantFrom(...paths), wrong, (path, value) => {
        expect(() => checkedCard({ ...CARD, [path]: value })).toThrow(new RegExp(`the machine card's ${path}`));
      }),
    );
    const grpc = { ...CARD.grpc, usPerByte: 0 };
    expect(() => checkedCard({ ...CARD, grpc })).toThrow(/grpc\.usPerByte: expected a number in 1e-9\.\.1000, got 0/);
    const hostile = JSON.parse('{"__proto__": {"version": 1}, "constructor": 1}');
    expect(() => checkedCard(hostile)).toThrow(refusal);
  });

  it('is of one machine: each part of the fingerprint tells', () => {
    expect(isSameMachine(MACHINE, { ...MACHINE })).toBe(true);
    const others = [
      { platform: 'darwin' },
      { arch: 'arm64' },
      { cpuModel: 'Another CPU' },
      { cpuCount: 8 },
      { memoryBytes: 16 * 2 ** 30 },
      { nodeMajor: 24 },
    ];
    for (const other of others) expect(isSameMachine(MACHINE, { ...MACHINE, ...other })).toBe(false);
    expect(fingerprintText(MACHINE)).toBe('linux-x64, 4 x Some CPU, 8.00 GiB, node 22');
  });
});

describe('the prior of a card', () => {
  it('is a prior, whatever the card: finite, and dearer for larger payloads on either lane', () => {
    const warmth = fc.constantFrom(true, false, undefined);
    const sizes = fc.tuple(fc.nat(2 ** 31), fc.nat(2 ** 31));
    const types = fc.constantFrom('tensor', 'json', 'binary', 'other');
    fc.assert(
      fc.property(anyCard, sizes, types, warmth, fc.boolean(), (card, [one, other], dataType, warm, compression) => {
        const prior = checkedPrior(priorFromCard(card));
        const at = { ...AT, dataType, warm, compression };
        for (const lane of ['grpc', 'zero_copy'] as const) {
          const small = priorEstimate(lane, { ...at, dataSize: Math.min(one, other) }, prior);
          const large = priorEstimate(lane, { ...at, dataSize: Math.max(one, other) }, prior);
          expect(small.latencyUs).toBeGreaterThan(0);
          expect(large.latencyUs).toBeLessThan(Number.POSITIVE_INFINITY);
          expect(large.latencyUs).toBeGreaterThanOrEqual(small.latencyUs);
          expect(Number.isFinite(large.meanLatencyUs)).toBe(true);
        }
      }),
    );
  });

  it('says of tensors about what was measured', () => {
    const prior = priorFromCard({ ...CARD, grpc: { ...CARD.grpc, transfers: 400 } });
    for (const dataSize of [1e3, 1e5, 1e7]) {
      const { latencyUs } = priorEstimate('grpc', { ...AT, dataSize }, prior);
      const measuredUs = CARD.grpc.fixedUs + dataSize * CARD.grpc.usPerByte;
      expect(Math.abs(Math.log(latencyUs / measuredUs))).toBeLessThan(0.25);
    }
  });

  it('puts the crossing where the lines cross, and cold memory above it', () => {
    const prior = priorFromCard(CARD);
    const ratio = (dataSize: number, warm: boolean): number =>
      priorComparison({ ...AT, dataSize, warm }, prior).logRatio;
    expect(ratio(20e3, true)).toBeLessThan(0);
    expect(ratio(400e3, true)).toBeGreaterThan(0);
    expect(ratio(400e3, false)).toBeLessThan(ratio(400e3, true));
  });

  it('is followed from the first transfer on, and outweighed by what the pool learns', () => {
    const model = new CostModel({ prior: priorFromCard(CARD) });
    expect(model.snapshot().estimate('grpc', AT).effectiveSamples).toBe(32);
    expect(new CostModel().snapshot().estimate('grpc', AT).effectiveSamples).toBe(0);
    for (let i = 0; i < 200; i += 1) {
      const method = i % 2 === 0 ? 'grpc' : 'zero_copy';
      model.learn({ ...AT, method, latencyUs: 9_000, cpuTimeUs: undefined, atMs: i, propensity: 1 });
    }
    expect(model.snapshot().estimate('zero_copy', AT).latencyUs).toBeGreaterThan(6_000);
    const state = model.toState();
    expect(CostModel.fromState(state).toState()).toEqual(state);
  });

  it('of a machine without shared memory claims no transfers of it', () => {
    expect(priorFromCard({ ...CARD, zeroCopy: null }).records).toBe(0);
  });
});

describe('the line through measured sizes', () => {
  const least = { fixedUs: 1, usPerByte: 1e-6 };

  it('is found where there is one', () => {
    const terms = fc.tuple(fc.double({ min: 2, max: 1e5, noNaN: true }), fc.double({ min: 1e-5, max: 1, noNaN: true }));
    fc.assert(
      fc.property(terms, ([fixedUs, usPerByte]) => {
        const points = [1e3, 1e5, 1e7].map((bytes) => ({ bytes, us: fixedUs + usPerByte * bytes, transfers: 5 }));
        const line = fitLine(points, least);
        expect(line?.fixedUs).toBeCloseTo(fixedUs, 2 - Math.ceil(Math.log10(fixedUs + 1e7 * usPerByte) / 2));
        expect((line?.usPerByte ?? 0) / usPerByte).toBeCloseTo(1, 3);
        expect(line?.transfers).toBe(15);
      }),
    );
  });

  it('never falls below its least terms, however the points lie', () => {
    const point = fc.record({
      bytes: fc.integer({ min: 0, max: 1e8 }),
      us: fc.double({ min: 1e-3, max: 1e7, noNaN: true }),
      transfers: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 8 }), (points) => {
        const line = fitLine(points, least);
        if (line === undefined) return;
        expect(line.fixedUs).toBeGreaterThanOrEqual(least.fixedUs);
        expect(line.usPerByte).toBeGreaterThanOrEqual(least.usPerByte);
        expect(Number.isFinite(line.fixedUs) && Number.isFinite(line.usPerByte)).toBe(true);
      }),
    );
    expect(fitLine([{ bytes: 5, us: 1, transfers: 1 }], least)).toBeUndefined();
  });
});
