import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfig, parsePolicyPatch, validateConfig } from '../../src/config/parse.ts';
import { defaultPoolConfig } from '../../src/config/pools.ts';

const KEYS = [
  'pools',
  'logger',
  'clock',
  'random',
  'telemetry',
  'dataDir',
  'enabled',
  'explorationRate',
  'minimumThresholdMb',
  'name',
  'goal',
  'customRules',
  'thresholdOverridesMb',
  'conflictOrder',
  'decide',
  'priority',
  '__proto__',
  'constructor',
];

const anyKey = fc.oneof(fc.constantFrom(...KEYS), fc.string());
const thrower = (): never => {
  throw new Error('not yours to read');
};
const lying = new Proxy(
  {},
  { get: thrower, ownKeys: thrower, getPrototypeOf: thrower, has: thrower, getOwnPropertyDescriptor: thrower },
);
const revoked = Proxy.revocable([], {});
revoked.revoke();

/** Values are handed out by functions: fast-check would look into them before pitwall does, and trip. */
const hostile: fc.Arbitrary<() => unknown> = fc.oneof(
  fc
    .anything({
      key: anyKey,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withObjectString: true,
      maxDepth: 4,
    })
    .map((value) => () => value),
  fc.constantFrom(
    () => lying,
    () => revoked.proxy,
    () => thrower,
    () => Symbol('s'),
    () => new Proxy(thrower, {}),
    () => new Array(4_000_000_000),
  ),
  anyKey.map((key) => () => Object.defineProperty({}, key, { get: thrower, enumerable: true })),
  anyKey.map((key) => () => ({ [key]: lying })),
  anyKey.map((key) => () => ({ pools: [{ name: 'ml', [key]: revoked.proxy }] })),
  anyKey.map((key) => () => ({ pools: { ml: { customRules: [lying, { [key]: lying }] } } })),
);

/** What `run` refuses; anything but a `ConfigError` with problems fails the test. */
function refusal(run: () => unknown): ConfigError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError && error.problems.length > 0) return error;
    throw error;
  }
}

describe('any JavaScript value', () => {
  it('is a configuration or a ConfigError, the same twice, and the dry run agrees', () => {
    fc.assert(
      fc.property(hostile, (make) => {
        const input = make();
        const error = refusal(() => parseConfig(input));
        expect(validateConfig(input)).toEqual({ ok: error === undefined, problems: error?.problems ?? [] });
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is a policy patch or a ConfigError', () => {
    const current = defaultPoolConfig(parseConfig({}), 'ml');
    fc.assert(
      fc.property(hostile, (make) => {
        const error = refusal(() => parsePolicyPatch(make(), current));
        if (error !== undefined) expect(error.code).toBe('PITWALL_INVALID_POLICY');
      }),
      { numRuns: 2_000 },
    );
  });

  it('costs nothing much where it is huge', () => {
    const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`p${index}`, {}]));
    expect(validateConfig({ pools: wide }).problems.map((problem) => problem.message)).toEqual([
      'pools: expected at most 10000 keys, got 20000',
    ]);
    expect(validateConfig({ ['x'.repeat(1_000_000)]: 1 }).problems[0]?.message.length).toBeLessThan(200);
  });
});

describe('numbers', () => {
  it('pass exactly where they lie in the range that the message states', () => {
    fc.assert(
      fc.property(fc.double(), (rate) => {
        expect(validateConfig({ explorationRate: rate }).ok).toBe(rate >= 0 && rate <= 1);
      }),
    );
  });

  it('of mebibytes become whole bytes', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1024, noNaN: true }), (mb) => {
        const { defaultZeroCopyThreshold } = parseConfig({ defaultZeroCopyThresholdMb: mb });
        expect(Number.isSafeInteger(defaultZeroCopyThreshold)).toBe(true);
        expect(Math.abs(defaultZeroCopyThreshold - mb * 1_048_576)).toBeLessThanOrEqual(0.5);
      }),
    );
  });
});
