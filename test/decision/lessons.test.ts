import { describe, expect, it } from 'vitest';
import { formatLessons, lessons } from '../../src/decision/lessons.ts';
import { distill } from '../../src/learning/distill.ts';
import { seededRandom } from '../../src/learning/random.ts';
import type { Features } from '../../src/learning/types.ts';
import { costModel, MACHINE, policy, pool } from './machine.ts';

const KINDS = [
  { dataType: 'tensor', format: 'numpy' },
  { dataType: 'json', format: 'json' },
];

describe('what a pool has learned, in words', () => {
  it('names the sizes from which each lane is taken, warm and cold', () => {
    const { lessons: found, fidelity } = lessons(pool(), KINDS);
    expect(fidelity).toBeGreaterThan(0.97);
    const warm = found.find(({ lane, conditions }) => lane === 'zero_copy' && conditions.includes('warm memory'));
    // The lanes cross at 100 000 bytes into warm memory, at 1 000 000 into cold; the grid has two sizes a doubling.
    const size = warm?.conditions.find((condition) => condition.startsWith('from'));
    expect(Number(/from ([\d.]+) KiB/.exec(size ?? '')?.[1])).toBeGreaterThan(68);
    expect(Number(/from ([\d.]+) KiB/.exec(size ?? '')?.[1])).toBeLessThan(140);
    expect(formatLessons({ lessons: found, fidelity }).join('\n')).toMatch(/zero-copy: .*warm memory, from/);
  });

  it('says one sentence where there is one thing to say', () => {
    const never = costModel({ ...MACHINE, grpc: { overheadUs: 1e7, usPerByte: 1 } });
    const small = { minimumThreshold: 1, maximumThreshold: 2 ** 40 };
    const thresholds = { ...pool().thresholds, quickPathMinimum: 1 };
    const { lessons: found, fidelity } = lessons(pool({ costModel: never, limits: small, thresholds }), KINDS);
    expect(found).toEqual([{ conditions: [], lane: 'zero_copy', share: 1, fidelity: 1 }]);
    expect(fidelity).toBe(1);
  });

  it('speaks of the type where the type decides', () => {
    const overrides = new Map([['json', 2 ** 40]]);
    const { lessons: found } = lessons(pool({ policy: policy({ thresholdOverrides: overrides }) }), KINDS);
    const json = found.filter(({ conditions }) => conditions.some((word) => word === 'json' || word === 'not tensor'));
    expect(json.every(({ lane }) => lane === 'grpc')).toBe(true);
    expect(json.length).toBeGreaterThan(0);
  });

  it('tells how good its words are: on coin tosses, not very', () => {
    const random = seededRandom(4);
    const samples = Array.from({ length: 500 }, () => {
      const features: Features = {
        dataSize: random() * 1e6,
        dataType: 'tensor',
        format: 'numpy',
        compression: false,
        warm: random() < 0.5,
        systemLoad: random(),
        availableMemory: undefined,
        inFlight: 1,
        hourOfDay: 0,
      };
      return { features, lane: random() < 0.5 ? ('grpc' as const) : ('zero_copy' as const) };
    });
    const { fidelity, lessons: found } = distill(samples);
    expect(fidelity).toBeLessThan(0.75);
    expect(found.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});
