import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decision/decide.ts';
import type { Decision } from '../../src/decision/decision.ts';
import { movedSlots, newSlots, SLOTS, slotOf } from '../../src/decision/experiment.ts';
import type { ExperimentVariant, PoolSnapshot, TransferRequest } from '../../src/decision/types.ts';
import { seededRandom } from '../../src/learning/random.ts';
import { costModel, experiment, MACHINE, MIB, NOW_MS, policy, pool, request, resources } from '../decision/machine.ts';

const shares = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 8 })
  .filter((weights) => weights.some((weight) => weight > 0))
  .map((weights) => weights.map((weight) => weight / weights.reduce((sum, each) => sum + each, 0)));

const twoSplits = fc.integer({ min: 2, max: 6 }).chain((count) =>
  fc.tuple(
    ...[0, 1].map(() =>
      fc
        .array(fc.integer({ min: 0, max: 20 }), { minLength: count, maxLength: count })
        .filter((weights) => weights.some((weight) => weight > 0))
        .map((weights) => weights.map((weight) => weight / weights.reduce((sum, each) => sum + each, 0))),
    ),
  ),
);

function counts(slots: Uint8Array, variants: number): number[] {
  const all = new Array<number>(variants).fill(0);
  for (const slot of slots) all[slot] = (all[slot] ?? Number.NaN) + 1;
  return all;
}

describe('the split', () => {
  it('gives out every slot, as the shares say', () => {
    fc.assert(
      fc.property(shares, (given) => {
        for (const [variant, count] of counts(newSlots(given), given.length).entries()) {
          expect(Math.abs(count - SLOTS * (given[variant] ?? 0))).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('when changed moves only what it must: nothing to a variant that shrinks, nothing away from one that grows', () => {
    fc.assert(
      fc.property(twoSplits, ([before = [], after = []]) => {
        const old = newSlots(before);
        const moved = movedSlots(old, after);
        const [had, has] = [counts(old, before.length), counts(moved, after.length)];
        const least = has.reduce((sum, count, variant) => sum + Math.max(0, count - (had[variant] ?? 0)), 0);
        const changed = moved.filter((owner, slot) => owner !== old[slot]).length;
        expect(changed).toBe(least);
      }),
      { numRuns: 60 },
    );
  });

  it('spreads sessions evenly, whatever their names look like', () => {
    for (const name of [(n: number) => `user-${n}`, (n: number) => String(n), (n: number) => `${n}@example.org`]) {
      const first = Array.from({ length: 20_000 }, (_, n) => slotOf(name(n), 7)).filter((slot) => slot < SLOTS / 10);
      // 2000 expected, standard deviation 42.
      expect(Math.abs(first.length - 2_000)).toBeLessThan(200);
    }
  });

  it('of two experiments are independent', () => {
    const both = Array.from({ length: 20_000 }, (_, n) => `s${n}`).filter(
      (session) => slotOf(session, 1) < SLOTS / 2 && slotOf(session, 99) < SLOTS / 2,
    );
    expect(Math.abs(both.length - 5_000)).toBeLessThan(250);
  });
});

const GRPC = { zeroCopyFrom: Number.POSITIVE_INFINITY, pool: undefined };
const ZERO_COPY = { zeroCopyFrom: 0, pool: undefined };
const CONTROL = { zeroCopyFrom: undefined, pool: undefined };
const named = (variants: readonly Omit<ExperimentVariant, 'name'>[]): ExperimentVariant[] =>
  variants.map((variant, index) => ({ name: ['a', 'b', 'c'][index] ?? '', ...variant }));

describe('a decision in an experiment', () => {
  const EVEN = costModel({ ...MACHINE, grpc: MACHINE.warm, standardError: 0.5 });
  const exploring = (variants: readonly Omit<ExperimentVariant, 'name'>[], overrides: Partial<PoolSnapshot> = {}) =>
    pool({
      costModel: EVEN,
      policy: policy({ explorationRate: 0.2 }),
      experiment: experiment(named(variants)),
      ...overrides,
    });
  const ask = (snapshot: PoolSnapshot, draw: number, asked: TransferRequest = request()): Decision =>
    decide(asked, snapshot, resources(), NOW_MS, () => draw, 'id');

  it('names experiment, variant and slot; a session keeps its variant', () => {
    const snapshot = exploring([
      { share: 0.5, ...CONTROL },
      { share: 0.5, ...GRPC },
    ]);
    const sessions = Array.from({ length: 200 }, (_, n) => request({ sessionId: `s${n}` }));
    const variants = sessions.map((asked) => ask(snapshot, 0.3, asked).variant);
    expect(new Set(variants)).toEqual(new Set(['a', 'b']));
    expect(sessions.map((asked) => ask(snapshot, 0.99, asked).variant)).toEqual(variants);
    const [first] = sessions;
    expect(JSON.parse(JSON.stringify(ask(snapshot, 0.3, first)))).toMatchObject({
      experiment: 'e',
      variant: variants[0],
      experimentSlot: slotOf('s0', 1),
    });
  });

  it('states the share with which its lane is taken, variants and exploration together', () => {
    const mixes: readonly (readonly Omit<ExperimentVariant, 'name'>[])[] = [
      [
        { share: 0.7, ...CONTROL },
        { share: 0.3, ...GRPC },
      ],
      [
        { share: 0.5, ...ZERO_COPY },
        { share: 0.5, ...GRPC },
      ],
      [
        { share: 0.2, ...CONTROL },
        { share: 0.5, zeroCopyFrom: MIB, pool: undefined },
        { share: 0.3, ...GRPC },
      ],
    ];
    for (const [index, variants] of mixes.entries()) {
      const random = seededRandom(index);
      const stated = new Map<string, number>();
      const taken = new Map<string, number>();
      const snapshot = exploring(variants);
      for (let n = 0; n < 20_000; n += 1) {
        const { method, propensity } = ask(snapshot, random());
        stated.set(method, propensity);
        taken.set(method, (taken.get(method) ?? 0) + 1 / 20_000);
      }
      for (const [method, share] of taken) expect(Math.abs(share - (stated.get(method) ?? 0))).toBeLessThan(0.015);
      expect([...stated.values()].reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  });

  it('a variant with a policy of its own stands alone: its propensity is that of its own policy', () => {
    const own = pool({ costModel: EVEN, policy: policy({ explorationRate: 0 }) });
    const snapshot = exploring([
      { share: 0.5, zeroCopyFrom: undefined, pool: own },
      { share: 0.25, ...CONTROL },
      { share: 0.25, ...GRPC },
    ]);
    expect(ask(snapshot, 0.2)).toMatchObject({ variant: 'a', propensity: 1 });
    const b = ask(snapshot, 0.6);
    const c = ask(snapshot, 0.9);
    expect([b.variant, c.variant]).toEqual(['b', 'c']);
    expect(c.propensity).toBeGreaterThan(0.5);
    expect(c.propensity).toBeLessThan(1);
  });

  it('goes by gRPC where zero-copy cannot serve, and says that nothing was drawn', () => {
    const snapshot = exploring(
      [
        { share: 0.5, ...CONTROL },
        { share: 0.5, ...ZERO_COPY },
      ],
      { breaker: 'open' },
    );
    for (const draw of [0.1, 0.9]) {
      expect(ask(snapshot, draw)).toMatchObject({ method: 'grpc', reason: 'circuit_open', propensity: 1 });
      expect(ask(snapshot, draw).variant).toBeDefined();
    }
  });

  it.each([
    ['too small', request({ dataSize: 10 }), {}],
    ['another type', request({ dataType: 'json' }), {}],
    ['the kill switch', request(), { mode: 'disabled' as const }],
    ['static rules', request(), { mode: 'static_rules' as const }],
  ])('takes no part: %s', (_why, asked, overrides) => {
    const snapshot = pool({
      ...overrides,
      experiment: experiment(named([{ share: 1, ...GRPC }]), { minimumSize: 1_000, dataTypes: new Set(['tensor']) }),
    });
    expect(ask(snapshot, 0.5, asked)).toMatchObject({ variant: undefined, experiment: undefined });
    expect(ask(snapshot, 0.5, asked).reason).not.toBe('experiment');
  });
});
