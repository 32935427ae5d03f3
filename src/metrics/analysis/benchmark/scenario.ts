/** A benchmark's scenario, checked as a whole. Pure. */
import { ConfigError } from '../../../config/config-error.ts';
import { nearestName } from '../../../config/nearest-name.ts';
import { Problems } from '../../../config/problems.ts';
import type { Method } from '../../../decision/types.ts';
import type { BenchmarkCell, BenchmarkPlan, BenchmarkScenario, Memory, PayloadKind } from './types.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;

export const DEFAULT_PLAN: BenchmarkPlan = {
  pool: undefined,
  sizes: [4 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB],
  kinds: [{ dataType: 'tensor', format: 'numpy' }],
  compression: [false],
  concurrency: [1],
  lanes: ['zero_copy', 'grpc'],
  memory: ['warm'],
  repetitions: 30,
  timeLimitMs: 60_000,
  warmUp: 2,
  seed: 1,
  share: 0.05,
  confidence: 0.95,
  impactTolerance: 0.1,
};

/** Payloads that pitwall makes by itself, by data type. */
export const OWN_FORMATS: ReadonlyMap<string, string> = new Map([
  ['tensor', 'numpy'],
  ['dataframe', 'arrow'],
  ['json', 'json'],
  ['text', 'raw'],
  ['binary', 'raw'],
]);

const LANES: readonly Method[] = ['zero_copy', 'grpc'];
const MEMORIES: readonly Memory[] = ['warm', 'cold'];
const MAX_SIZE = 2 ** 30;
const MAX_CONCURRENCY = 64;
const MAX_ENTRIES = 64;
const MAX_NAME = 256;
const MAX_REPETITIONS = 10_000;
const DAY_MS = 86_400_000;
/** What a report of so many lines is read for, and what is kept in memory. */
const MAX_VISITS_A_ROUND = 4_096;
const MAX_MEASUREMENTS = 2_000_000;
const KEYS: ReadonlySet<string> = new Set([
  ...['pool', 'sizes', 'types', 'compression', 'concurrency', 'lanes', 'memory', 'repetitions', 'timeLimitMs'],
  ...['warmUp', 'seed', 'share', 'confidence', 'impactTolerance', 'payload'],
]);

/** @throws ConfigError `PITWALL_INVALID_SCENARIO` naming every field that is wrong */
export function planOf(scenario: unknown = {}): BenchmarkPlan {
  const problems = new Problems();
  const plan = new Reader(scenario, problems).plan();
  if (problems.list.length > 0) throw new ConfigError('PITWALL_INVALID_SCENARIO', problems.list);
  return plan;
}

/** Every configuration of a plan, in the order of a report. */
export function cellsOf(plan: BenchmarkPlan): BenchmarkCell[] {
  const cells: BenchmarkCell[] = [];
  for (const kind of plan.kinds)
    for (const compression of plan.compression)
      for (const concurrency of plan.concurrency)
        for (const memory of plan.memory)
          for (const dataSize of plan.sizes) cells.push({ ...kind, dataSize, compression, concurrency, memory });
  return cells;
}

/** Reads each field once: the given object may be anything. */
class Reader {
  readonly #problems: Problems;
  readonly #given: { readonly [Key in keyof BenchmarkScenario]?: unknown };

  constructor(scenario: unknown, problems: Problems) {
    this.#problems = problems;
    const isObject = typeof scenario === 'object' && scenario !== null && !Array.isArray(scenario);
    if (!isObject) problems.expected(['scenario'], 'an object', scenario);
    this.#given = isObject ? { ...scenario } : {};
  }

  plan(): BenchmarkPlan {
    this.#refuseUnknownKeys();
    const { pool, payload } = this.#given;
    if (pool !== undefined && (typeof pool !== 'string' || pool === '' || pool.length > MAX_NAME)) {
      this.#problems.expected(['pool'], `a string of 1..${MAX_NAME} characters`, pool);
    }
    if (payload !== undefined && typeof payload !== 'function') {
      this.#problems.expected(['payload'], 'a function', payload);
    }
    const d = DEFAULT_PLAN;
    const plan = {
      pool: typeof pool === 'string' ? pool : undefined,
      sizes: [...this.#list('sizes', d.sizes, whole(1, MAX_SIZE))].sort((a, b) => a - b),
      kinds: this.#kinds(),
      compression: this.#list('compression', d.compression, one([false, true])),
      concurrency: this.#list('concurrency', d.concurrency, whole(1, MAX_CONCURRENCY)),
      lanes: this.#list('lanes', d.lanes, one(LANES)),
      memory: this.#list('memory', d.memory, one(MEMORIES)),
      repetitions: this.#one('repetitions', d.repetitions, whole(1, MAX_REPETITIONS)),
      timeLimitMs: this.#one('timeLimitMs', d.timeLimitMs, within(1, DAY_MS)),
      warmUp: this.#one('warmUp', d.warmUp, whole(0, 1_000)),
      seed: this.#one('seed', d.seed, whole(0, 2 ** 32 - 1)),
      share: this.#one('share', d.share, within(0.0001, 1)),
      confidence: this.#one('confidence', d.confidence, within(0.5, 0.9999)),
      impactTolerance: this.#one<number | false>('impactTolerance', d.impactTolerance, tolerance),
    };
    this.#checkAmount(plan);
    return plan;
  }

  #refuseUnknownKeys(): void {
    for (const key of Object.keys(this.#given)) {
      if (KEYS.has(key)) continue;
      const nearest = nearestName(key, [...KEYS]);
      this.#problems.add([key], `unknown key${nearest === undefined ? '' : `, did you mean "${nearest}"?`}`);
    }
  }

  #one<T>(key: keyof BenchmarkScenario, byDefault: T, accept: Accept<T>): T {
    const given = this.#given[key];
    if (given === undefined) return byDefault;
    if (accept.is(given)) return given;
    this.#problems.expected([key], accept.says, given);
    return byDefault;
  }

  /** Each value once, in the order given. */
  #list<T>(key: keyof BenchmarkScenario, byDefault: readonly T[], accept: Accept<T>): readonly T[] {
    const given = this.#given[key];
    if (given === undefined) return byDefault;
    if (!Array.isArray(given) || given.length === 0 || given.length > MAX_ENTRIES) {
      this.#problems.expected([key], `a list of 1..${MAX_ENTRIES} values, each ${accept.says}`, given);
      return byDefault;
    }
    const accepted = new Set<T>();
    for (const [index, value] of given.entries()) {
      if (accept.is(value)) accepted.add(value);
      else this.#problems.expected([key, index], accept.says, value);
    }
    return accepted.size === 0 ? byDefault : [...accepted];
  }

  #kinds(): readonly PayloadKind[] {
    const own = typeof this.#given.payload !== 'function';
    const says = own ? [...OWN_FORMATS.keys()].join(', ') : 'a data type, or { dataType, format }';
    const given = this.#list<unknown>('types', DEFAULT_PLAN.kinds, { is: (_value): _value is unknown => true, says });
    const kinds = new Map<string, PayloadKind>();
    for (const [index, value] of given.entries()) {
      const kind = kindOf(value, own);
      if (kind === undefined) this.#problems.expected(['types', index], says, value);
      else kinds.set(`${kind.dataType}\0${kind.format}`, kind);
    }
    return [...kinds.values()];
  }

  #checkAmount(plan: BenchmarkPlan): void {
    if (this.#problems.list.length > 0) return;
    const visits = cellsOf(plan).length * plan.lanes.length;
    if (visits > MAX_VISITS_A_ROUND) {
      this.#problems.add(['scenario'], `expected at most ${MAX_VISITS_A_ROUND} visits a round, got ${visits}`);
    } else if (visits * plan.repetitions > MAX_MEASUREMENTS) {
      const most = Math.floor(MAX_MEASUREMENTS / visits);
      this.#problems.expected(['repetitions'], `at most ${most} rounds of ${visits} visits`, plan.repetitions);
    }
  }
}

interface Accept<T> {
  readonly is: (value: unknown) => value is T;
  readonly says: string;
}

function within(low: number, high: number): Accept<number> {
  const is = (value: unknown): value is number => typeof value === 'number' && value >= low && value <= high;
  return { is, says: `a number in ${low}..${high}` };
}

function whole(low: number, high: number): Accept<number> {
  const range = within(low, high);
  const is = (value: unknown): value is number => range.is(value) && Number.isInteger(value);
  return { is, says: `a whole number in ${low}..${high}` };
}

function one<T>(accepted: readonly T[]): Accept<T> {
  const is = (value: unknown): value is T => accepted.some((each) => each === value);
  return { is, says: accepted.join(' or ') };
}

const tolerance: Accept<number | false> = {
  is: (value): value is number | false => value === false || within(0, 10).is(value),
  says: 'a number in 0..10, or false',
};

/** `tensor`, or `{ dataType, format }`. `own`: pitwall itself makes the payload, and must know how. */
function kindOf(value: unknown, own: boolean): PayloadKind | undefined {
  const { dataType, format }: { dataType?: unknown; format?: unknown } =
    typeof value === 'object' && value !== null ? value : { dataType: value };
  if (!isName(dataType)) return undefined;
  const usual = OWN_FORMATS.get(dataType);
  const kind = { dataType, format: format ?? usual ?? 'raw' };
  if (!isName(kind.format) || (own && kind.format !== usual)) return undefined;
  return { dataType, format: kind.format };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME;
}
