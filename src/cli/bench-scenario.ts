/** The scenario of `pitwall bench`, from its options. */
import { ConfigError } from '../config/config-error.ts';
import { DEFAULT_PLAN, OWN_FORMATS, planOf } from '../metrics/analysis/benchmark/scenario.ts';
import type { BenchmarkScenario, Memory } from '../metrics/analysis/benchmark/types.ts';
import type { OptionSpecs } from './command.ts';
import { readChoice, readNumber } from './read-option.ts';
import { UsageError } from './usage-error.ts';

export const SCENARIO_OPTIONS = {
  sizes: { type: 'string', value: 'SIZES', meaning: 'of payloads, such as 4KiB,1MB; default six from 4KiB to 16MiB' },
  types: { type: 'string', value: 'TYPES', default: 'tensor', meaning: `of ${[...OWN_FORMATS.keys()].join(', ')}` },
  compression: { type: 'string', value: 'KINDS', default: 'none', meaning: 'of none, gzip' },
  concurrency: { type: 'string', value: 'COUNTS', default: '1', meaning: 'transfers in flight at a time, such as 1,4' },
  memory: { type: 'string', value: 'KINDS', default: 'warm,cold', meaning: 'of warm, cold' },
  seconds: { type: 'string', value: 'N', default: '20', meaning: 'that it takes at most' },
  rounds: { type: 'string', value: 'N', meaning: 'after which it is over before that; default 1000' },
  share: {
    type: 'string',
    value: 'SHARE',
    default: '1',
    meaning: 'of one core that it takes at most, 0..1; it rests in between',
  },
  seed: { type: 'string', value: 'N', default: '1', meaning: 'of order and resampling' },
} as const satisfies OptionSpecs;

export type ScenarioValues = { readonly [Name in keyof typeof SCENARIO_OPTIONS]?: string | undefined };

const DEFAULT_ROUNDS = 1_000;
const COMPRESSIONS = ['none', 'gzip'] as const;
const MEMORIES: readonly Memory[] = ['warm', 'cold'];

/** @throws UsageError naming the option; what the numbers may be is the scenario's to say */
export function readScenario(values: ScenarioValues): BenchmarkScenario {
  const number = (name: keyof ScenarioValues, least: number): number | undefined =>
    readNumber(`--${name}`, values[name], least);
  const rounds = Math.round(number('rounds', 1) ?? DEFAULT_ROUNDS);
  const share = number('share', 0.0001) ?? 1;
  if (share > 1) throw new UsageError(`--share: expected a number in 0.0001..1, got ${share}`);
  return checked({
    sizes: values.sizes === undefined ? DEFAULT_PLAN.sizes : words(values.sizes).map((text) => readSize(text)),
    types: choices('--types', values.types, [...OWN_FORMATS.keys()]),
    compression: choices('--compression', values.compression, COMPRESSIONS)?.map((kind) => kind === 'gzip'),
    concurrency: words(values.concurrency ?? '1').map((text) => readNumber('--concurrency', text, 1) ?? 1),
    memory: choices('--memory', values.memory, MEMORIES),
    repetitions: rounds,
    timeLimitMs: (number('seconds', 0.1) ?? 20) * 1000,
    share,
    seed: number('seed', 0),
    // Nothing else runs in this process.
    impactTolerance: false,
  });
}

/** @throws UsageError with everything that is wrong */
function checked(scenario: BenchmarkScenario): BenchmarkScenario {
  try {
    planOf(scenario);
    return scenario;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.problems.map(({ message }) => message).join('; '));
  }
}

function words(text: string): string[] {
  return text.split(',').map((word) => word.trim());
}

function choices<T extends string>(option: string, text: string | undefined, accepted: readonly T[]): T[] | undefined {
  return text === undefined ? undefined : words(text).flatMap((word) => readChoice(option, word, accepted) ?? []);
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['kB', 1e3],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
]);

/** `4096`, `64KiB`, `1.5MB`. */
function readSize(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text) ?? [];
  const factor = UNITS.get(unit);
  if (digits === undefined || factor === undefined) {
    throw new UsageError(`--sizes: expected sizes such as 4096, 64KiB or 1MB, got ${JSON.stringify(text)}`);
  }
  return Math.round(Number(digits) * factor);
}
