import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfig, parsePolicyPatch, toPolicyPatch } from '../../src/config/parse.ts';
import { defaultPoolConfig } from '../../src/config/pools.ts';

const MIB = 1_048_576;
const current = defaultPoolConfig(parseConfig({}), 'ml');

describe('a policy patch', () => {
  it('replaces what it names and leaves the rest', () => {
    const changed = parsePolicyPatch({ goal: 'minimize_memory', thresholdOverridesMb: { json: 2 } }, current);
    expect(changed).toEqual({
      ...current,
      goal: 'minimize_memory',
      thresholdOverrides: [{ dataType: 'json', threshold: 2 * MIB }],
    });
    expect(parsePolicyPatch({ thresholdOverridesMb: {} }, changed).thresholdOverrides).toEqual([]);
  });

  it('changes nothing when it is empty', () => {
    expect(parsePolicyPatch({}, current)).toEqual(current);
  });

  it('is held to the limits that result, and refused with the field named', () => {
    const refused = (): unknown => parsePolicyPatch({ minimumThresholdMb: 30, goal: 'fast' }, current);
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(
      /pools\.ml\.goal: expected one of .*\n.*pools\.ml\.zeroCopyThresholdMb: expected at least minimumThresholdMb \(30\), got 10, inherited/,
    );
  });

  it('cannot rename a pool', () => {
    expect(() => parsePolicyPatch({ name: 'other' }, current)).toThrow('pools.ml.name: unknown key');
  });
});

describe('toPolicyPatch', () => {
  const mb = fc.double({ min: 0.001, max: 1_048_576, noNaN: true });
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it('is plain data that reads back to the same policy', () => {
    fc.assert(
      fc.property(
        fc.tuple(mb, mb, mb),
        fc.dictionary(fc.constantFrom('tensor', '__proto__', 'json'), mb),
        share,
        share,
        (sizes, overrides, exploration, margin) => {
          const [minimumThresholdMb, zeroCopyThresholdMb, maximumThresholdMb] = sizes.toSorted((a, b) => a - b);
          const patch = {
            minimumThresholdMb,
            zeroCopyThresholdMb,
            maximumThresholdMb,
            thresholdOverridesMb: overrides,
            explorationRate: exploration,
            marginalBenefit: margin,
          };
          const pool = parsePolicyPatch(patch, current);
          const stored: unknown = JSON.parse(JSON.stringify(toPolicyPatch(pool)));
          // JSON has no -0.
          expect(parsePolicyPatch(stored, current)).toEqual({
            ...pool,
            explorationRate: pool.explorationRate + 0,
            marginalBenefit: pool.marginalBenefit + 0,
          });
        },
      ),
    );
  });
});
