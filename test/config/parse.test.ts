import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfig, validateConfig } from '../../src/config/parse.ts';
import { defaultPoolConfig } from '../../src/config/pools.ts';

const MIB = 1_048_576;

function messagesOf(input: unknown): string[] {
  return validateConfig(input).problems.map((problem) => problem.message);
}

describe('defaults', () => {
  it('has the value and unit of the seed for every key of the seed', () => {
    expect(parseConfig(undefined)).toMatchObject({
      enabled: true,
      learningEnabled: true,
      explorationRate: 0.05,
      defaultZeroCopyThreshold: 10 * MIB,
      limits: { minimumThreshold: MIB, maximumThreshold: 1024 * MIB },
      metricsRetentionHours: 168,
      aggregationIntervalSeconds: 60,
      regressionDetectionEnabled: true,
      regressionThresholdPercent: 20,
      modelUpdateIntervalSeconds: 3600,
      minimumTrainingSamples: 1000,
      modelValidationSplit: 0.2,
      driftDetectionEnabled: true,
      memoryPressureThreshold: 0.8,
      cpuPressureThreshold: 0.8,
      abTestingEnabled: false,
      abTestTrafficSplit: 0.1,
      dataDir: './pitwall-data',
    });
  });

  it('is one balanced pool called default', () => {
    const { pools } = parseConfig({});
    expect(pools).toHaveLength(1);
    expect(pools[0]).toMatchObject({ name: 'default', goal: 'balanced', zeroCopyThreshold: 10 * MIB });
  });

  it('takes an undefined option for one that was not given', () => {
    expect(parseConfig({ explorationRate: undefined }).explorationRate).toBe(0.05);
  });
});

describe('pools', () => {
  it("are configured as the seed's example, and take the rest from the runtime", () => {
    const config = parseConfig({
      explorationRate: 0.2,
      pools: [
        { name: 'ml', goal: 'minimize_latency', zeroCopyThresholdMb: 5, learningEnabled: true },
        { name: 'api', goal: 'balanced', zeroCopyThresholdMb: 50, learningEnabled: false },
      ],
    });
    expect(config.pools).toMatchObject([
      { name: 'ml', goal: 'minimize_latency', zeroCopyThreshold: 5 * MIB, learningEnabled: true, explorationRate: 0.2 },
      { name: 'api', goal: 'balanced', zeroCopyThreshold: 50 * MIB, learningEnabled: false, explorationRate: 0.2 },
    ]);
  });

  it('mean the same as a list and by name', () => {
    const policy = { goal: 'minimize_memory', thresholdOverridesMb: { tensor: 4 } };
    expect(parseConfig({ pools: { ml: policy } }).pools).toEqual(
      parseConfig({ pools: [{ name: 'ml', ...policy }] }).pools,
    );
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'may be called %s, which changes nothing else',
    (name) => {
      const json = JSON.parse(
        `{"pools":{${JSON.stringify(name)}:{"goal":"minimize_memory","thresholdOverridesMb":{${JSON.stringify(name)}:3}}}}`,
      );
      for (const input of [
        json,
        { pools: [{ name, goal: 'minimize_memory', thresholdOverridesMb: json.pools[name]?.thresholdOverridesMb }] },
      ]) {
        const [pool] = parseConfig(input).pools;
        expect(pool).toMatchObject({ name, goal: 'minimize_memory' });
      }
      expect(parseConfig(json).pools[0]?.thresholdOverrides).toEqual([{ dataType: name, threshold: 3 * MIB }]);
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(Reflect.get({}, 'goal')).toBeUndefined();
    },
  );

  it('that nobody configured have the defaults of the runtime', () => {
    const config = parseConfig({ defaultZeroCopyThresholdMb: 20, cpuPressureThreshold: 0.5 });
    expect(defaultPoolConfig(config, 'late')).toEqual({ ...config.pools[0], name: 'late' });
    expect(defaultPoolConfig(config, 'late')).toMatchObject({ zeroCopyThreshold: 20 * MIB, cpuPressureThreshold: 0.5 });
  });

  it('ask custom rules by priority, equal ones in their order, with their own this', () => {
    class Sticky {
      readonly name = 'sticky';
      readonly lane = 'zero_copy';
      decide() {
        return this.lane;
      }
    }
    const rules = [
      { name: 'low', priority: -1, decide: () => undefined },
      new Sticky(),
      { name: 'second', decide: () => 'grpc' },
      { name: 'high', priority: 9, decide: () => 'grpc' },
    ];
    const customRules = parseConfig({ pools: { ml: { customRules: rules } } }).pools[0]?.customRules ?? [];
    expect(customRules.map((rule) => rule.name)).toEqual(['high', 'sticky', 'second', 'low']);
    expect(customRules[1]?.decide({})).toBe('zero_copy');
  });
});

describe('what is refused', () => {
  it.each<[unknown, string]>([
    [null, 'options: expected a plain object, got null'],
    [[], 'options: expected a plain object, got an array of 0'],
    [Promise.resolve({}), 'options: expected a plain object, got an object'],
    [{ enabled: 'yes' }, 'enabled: expected true or false, got "yes"'],
    [{ explorationRate: 1.5 }, 'explorationRate: expected a number in 0..1, got 1.5'],
    [{ explorationRate: Number.NaN }, 'explorationRate: expected a number in 0..1, got NaN'],
    [{ maxPools: 1.5 }, 'maxPools: expected a whole number in 0..100000, got 1.5'],
    [{ maxPools: 1e300 }, 'maxPools: expected a whole number in 0..100000, got 1e+300'],
    [{ explorationRte: 0 }, 'explorationRte: unknown key, did you mean "explorationRate"?'],
    [{ exploration_rate: 0 }, 'exploration_rate: unknown key, did you mean "explorationRate"?'],
    [{ zebra: 0 }, 'zebra: unknown key'],
    [JSON.parse('{"__proto__":{"enabled":false}}'), '__proto__: unknown key'],
    [{ dataDir: '' }, 'dataDir: expected a path, or false for memory, got ""'],
    [{ pools: 'ml' }, 'pools: expected a plain object, got "ml"'],
    [{ pools: [{}] }, 'pools[0].name: expected a name of 1..128 characters without control characters, got undefined'],
    [{ pools: [{ name: 'a' }, { name: 'a' }] }, 'pools[1].name: expected a name of its own, got "a" again'],
    [{ pools: { a: { name: 'b' } } }, 'pools.a.name: expected "a" or nothing, got "b"'],
    [
      { pools: { 'a b': { goal: 1 } } },
      'pools["a b"].goal: expected one of minimize_latency, maximize_throughput, minimize_memory, balanced, got 1',
    ],
    [
      { pools: { ml: { zeroCopyThresholdMb: '5MB' } } },
      'pools.ml.zeroCopyThresholdMb: expected a number in 0.001..1048576, got "5MB"',
    ],
    [
      { pools: { ml: { zeroCopyThreshold: 5 } } },
      'pools.ml.zeroCopyThreshold: unknown key, did you mean "zeroCopyThresholdMb"?',
    ],
    [
      { pools: { ml: { thresholdOverridesMb: { tensor: 0 } } } },
      'pools.ml.thresholdOverridesMb.tensor: expected a number in 0.001..1048576, got 0',
    ],
    [
      { pools: { ml: { conflictOrder: ['custom_rules'] } } },
      'pools.ml.conflictOrder: expected custom_rules and threshold_overrides, each once, got an array of 1',
    ],
    [
      { pools: { ml: { customRules: [{ name: 'a' }] } } },
      'pools.ml.customRules[0].decide: expected a function, got undefined',
    ],
    [
      { pools: { ml: { customRules: [{ name: 'a', prio: 1, decide: () => 'grpc' }] } } },
      'pools.ml.customRules[0].prio: unknown key',
    ],
    [
      { logger: { warn() {} } },
      'logger: expected an object with the functions debug, info, warn and error, or false, got an object',
    ],
    [{ clock: Date.now }, 'clock: expected a clock with the functions now and setTimer, got a function'],
    [{ random: 4 }, 'random: expected a function that returns a number in 0..1, got 4'],
    [
      { telemetry: { meterProvider: {} } },
      'telemetry.meterProvider: expected an OpenTelemetry MeterProvider, got an object',
    ],
  ])('%# %o', (input, message) => {
    expect(messagesOf(input)).toEqual([message]);
  });

  it.each<[string, object, string]>([
    [
      'a minimum above the maximum',
      { minimumThresholdMb: 20, maximumThresholdMb: 15 },
      'minimumThresholdMb: expected at most maximumThresholdMb (15), got 20',
    ],
    [
      'a default below the minimum',
      { minimumThresholdMb: 20 },
      'defaultZeroCopyThresholdMb: expected at least minimumThresholdMb (20), got 10, inherited',
    ],
    [
      'a default above the maximum',
      { defaultZeroCopyThresholdMb: 2000 },
      'defaultZeroCopyThresholdMb: expected at most maximumThresholdMb (1024, inherited), got 2000',
    ],
    [
      "a pool's threshold outside the runtime's bounds",
      { pools: { ml: { zeroCopyThresholdMb: 0.5 } } },
      'pools.ml.zeroCopyThresholdMb: expected at least minimumThresholdMb (1, inherited), got 0.5',
    ],
    [
      "a pool's bounds that leave the runtime's default out",
      { pools: { ml: { maximumThresholdMb: 5 } } },
      'pools.ml.zeroCopyThresholdMb: expected at most maximumThresholdMb (5), got 10, inherited',
    ],
  ])('%s', (_, input, message) => {
    expect(messagesOf(input)).toEqual([message]);
  });

  it('is told in full, once, and nothing of it takes effect', () => {
    const input = {
      enabled: 1,
      minimumThresholdMb: 9,
      maximumThresholdMb: 3,
      pools: { ml: { goal: 'fast', explorationRate: -1 }, api: null },
      speed: 1,
    };
    const refused = (): unknown => parseConfig(input);
    expect(refused).toThrow(ConfigError);
    expect(messagesOf(input)).toEqual([
      'speed: unknown key',
      'enabled: expected true or false, got 1',
      'minimumThresholdMb: expected at most maximumThresholdMb (3), got 9',
      'pools.api: expected a plain object, got null',
      'pools.ml.goal: expected one of minimize_latency, maximize_throughput, minimize_memory, balanced, got "fast"',
      'pools.ml.explorationRate: expected a number in 0..1, got -1',
    ]);
    try {
      parseConfig(input);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.code).toBe('PITWALL_INVALID_CONFIG');
      expect(error.problems).toHaveLength(6);
      expect(error.message).toMatch(/^invalid configuration, 6 problems:\n {2}speed: unknown key\n/);
    }
  });

  it("does not repeat the runtime's bad limits in every pool", () => {
    const pools = { a: { zeroCopyThresholdMb: 2000 }, b: { zeroCopyThresholdMb: 2000 } };
    expect(messagesOf({ maximumThresholdMb: '4GB', pools })).toEqual([
      'maximumThresholdMb: expected a number in 0.001..1048576, got "4GB"',
    ]);
  });
});

describe('the result', () => {
  it('is frozen throughout', () => {
    const config = parseConfig({
      pools: {
        ml: {
          thresholdOverridesMb: { tensor: 2 },
          conflictOrder: ['threshold_overrides', 'custom_rules'],
          customRules: [{ name: 'r', decide: () => 'grpc' }],
        },
      },
    });
    const unfrozen: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) unfrozen.push(path);
      for (const [key, entry] of Object.entries(value)) walk(entry, `${path}.${key}`);
    };
    walk(config, 'config');
    expect(unfrozen).toEqual([]);
  });

  it('does not change with the options it came from', () => {
    const overrides = { tensor: 2 };
    const config = parseConfig({ pools: { ml: { thresholdOverridesMb: overrides } } });
    overrides.tensor = 99;
    expect(config.pools[0]?.thresholdOverrides).toEqual([{ dataType: 'tensor', threshold: 2 * MIB }]);
  });

  it("has the host's clock, random source and providers by reference", () => {
    const clock = { now: () => 5, setTimer: () => ({ cancel() {}, ref() {}, unref() {} }) };
    const random = () => 0.5;
    const meterProvider = { getMeter() {} };
    const config = parseConfig({ clock, random, telemetry: { meterProvider } });
    expect(config.clock).toBe(clock);
    expect(config.random).toBe(random);
    expect(config.telemetry).toEqual({ meterProvider, tracerProvider: undefined, maxAttributeValues: 100 });
  });
});
