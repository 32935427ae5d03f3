/** What `runtime.experiments.start` takes, and what of it is sound. */
import { isName } from '../config/names.ts';
import type { PolicyPatch, RuntimeConfig } from '../config/types.ts';
import { mbToBytes } from '../config/units.ts';
import { MOST_VARIANTS, SLOTS } from '../decision/experiment.ts';
import type { Method, RuleContext } from '../decision/types.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { JsonValue } from '../learning/types.ts';
import type {
  ExperimentDefinition,
  Guardrails,
  PrimaryMetric,
  VariantDefinition,
  VariantDifference,
} from '../metrics/analysis/experiment/types.ts';

/** One arm: at most one of `lane`, `thresholdMb` and `policy`; without any it is the pool as it is. */
export interface VariantOptions {
  /** 0..1. Default: equal ones; of two variants the second gets `abTestTrafficSplit`. */
  readonly share?: number | undefined;
  /** Everything by this lane. */
  readonly lane?: Method | undefined;
  /** Zero-copy from this size, gRPC below: whatever was learned, and whatever rules say. Mebibytes. */
  readonly thresholdMb?: number | undefined;
  /** Keys of a policy that replace the pool's: `{ marginalBenefit: 0.02 }`, `{ goal: 'balanced' }`, `{ customRules: [...] }`. */
  readonly policy?: PolicyPatch<RuleContext> | undefined;
}

export interface ExperimentOptions {
  readonly pool: string;
  /** Unique among the experiments that are kept; the store keeps it under this name. */
  readonly name: string;
  /** 2 to 8 by name; the first one is the control, which the others are compared with. */
  readonly variants: Readonly<Record<string, VariantOptions>>;
  /** Default: `latency`, or `total_time` where the pool's goal is about total time. */
  readonly metric?: PrimaryMetric | undefined;
  /** Which transfers take part. Default: all. */
  readonly where?:
    | {
        readonly minimumSizeMb?: number | undefined;
        readonly maximumSizeMb?: number | undefined;
        readonly dataTypes?: readonly string[] | undefined;
      }
    | undefined;
  /** How much worse than the control a variant may be. `false`: not watched. Defaults: latency 0.2, errorRate 0.01, memory 0.5. */
  readonly guardrails?:
    | {
        readonly latency?: number | false | undefined;
        readonly errorRate?: number | false | undefined;
        readonly memory?: number | false | undefined;
      }
    | undefined;
  /** How often a difference is claimed where there is none. Default 0.05. */
  readonly alpha?: number | undefined;
  /** Transfers of each variant below which no fixed-horizon test is made. Default and least: 10 000. */
  readonly minimumSamples?: number | undefined;
  /** Stop as soon as the always-valid test has found a winner. Default false: it goes on, and says so. */
  readonly stopOnVerdict?: boolean | undefined;
  /** Hours after which it stops by itself. Default: none. */
  readonly maximumHours?: number | undefined;
}

const LEAST_SAMPLES = 10_000;

/** @throws InvalidArgumentError naming the field */
export function readExperiment(
  given: ExperimentOptions,
  config: RuntimeConfig,
  defaultMetric: PrimaryMetric,
  salt: number,
): { readonly definition: ExperimentDefinition; readonly patches: ReadonlyMap<string, PolicyPatch> } {
  if (typeof given !== 'object' || given === null) throw new InvalidArgumentError('options', given, 'an object');
  const { pool, name, variants, metric, where = {}, alpha, minimumSamples, stopOnVerdict, maximumHours } = given;
  if (!isName(name)) throw new InvalidArgumentError('name', name, 'a name of 1 to 128 characters');
  if (metric !== undefined && metric !== 'latency' && metric !== 'total_time') {
    throw new InvalidArgumentError('metric', metric, "'latency' or 'total_time'");
  }
  if (stopOnVerdict !== undefined && typeof stopOnVerdict !== 'boolean') {
    throw new InvalidArgumentError('stopOnVerdict', stopOnVerdict, 'true or false');
  }
  const { arms, patches } = readVariants(variants, config.abTestTrafficSplit);
  const definition: ExperimentDefinition = {
    name,
    pool,
    variants: arms,
    metric: metric ?? defaultMetric,
    alpha: numberIn('alpha', alpha, 1e-6, 0.5) ?? 0.05,
    guardrails: readGuardrails(given.guardrails),
    minimumSamples: numberIn('minimumSamples', minimumSamples, LEAST_SAMPLES, 1e12) ?? LEAST_SAMPLES,
    stopOnVerdict: stopOnVerdict ?? false,
    maximumHours: numberIn('maximumHours', maximumHours, 1e-6, 1e6),
    scope: readScope(where),
    salt,
  };
  return { definition, patches };
}

function readVariants(
  given: unknown,
  split: number,
): { arms: readonly VariantDefinition[]; patches: ReadonlyMap<string, PolicyPatch> } {
  const entries = Object.entries(objectAt('variants', given));
  if (entries.length < 2 || entries.length > MOST_VARIANTS) {
    throw new InvalidArgumentError('variants', entries.length, `2 to ${MOST_VARIANTS} variants`);
  }
  const patches = new Map<string, PolicyPatch>();
  const read = entries.map(([name, variant]) => {
    if (!isName(name)) throw new InvalidArgumentError('variants', name, 'names of 1 to 128 characters');
    const { share, lane, thresholdMb, policy }: { [Key in keyof VariantOptions]: unknown } = objectAt(
      `variants.${name}`,
      variant,
    );
    const difference = readDifference(`variants.${name}`, lane, thresholdMb, policy);
    if (difference.type === 'policy') patches.set(name, objectAt(`variants.${name}.policy`, policy));
    return { name, share: numberIn(`variants.${name}.share`, share, 0, 1), difference };
  });
  const shared = read.filter(({ share }) => share !== undefined);
  if (shared.length > 0 && shared.length < read.length) {
    throw new InvalidArgumentError('variants', `${shared.length} shares`, 'a share for every variant, or for none');
  }
  const standard = read.length === 2 ? [1 - split, split] : read.map(() => 1 / read.length);
  const arms = read.map(({ name, share, difference }, index) => ({
    name,
    share: share ?? standard[index] ?? 0,
    difference,
  }));
  checkShares(arms.map(({ share }) => share));
  return { arms, patches };
}

/** @throws InvalidArgumentError where they do not add up to 1 */
export function checkShares(shares: readonly number[]): void {
  const sum = shares.reduce((total, share) => total + share, 0);
  if (!(Math.abs(sum - 1) < 0.5 / SLOTS)) {
    throw new InvalidArgumentError('shares', sum, 'shares that add up to 1');
  }
}

function readDifference(field: string, lane: unknown, thresholdMb: unknown, policy: unknown): VariantDifference {
  const named = [lane, thresholdMb, policy].filter((each) => each !== undefined).length;
  if (named > 1) throw new InvalidArgumentError(field, `${named} of them`, 'one of lane, thresholdMb and policy');
  if (lane !== undefined) {
    if (lane === 'grpc' || lane === 'zero_copy') return { type: 'lane', lane };
    throw new InvalidArgumentError(`${field}.lane`, lane, "'zero_copy' or 'grpc'");
  }
  const threshold = numberIn(`${field}.thresholdMb`, thresholdMb, 0.001, 1_048_576);
  if (threshold !== undefined) return { type: 'threshold', thresholdMb: threshold };
  if (policy === undefined) return { type: 'none' };
  const { customRules, ...plain } = objectAt(`${field}.policy`, policy);
  return { type: 'policy', patch: plainPatch(plain), hasRules: customRules !== undefined };
}

/** What of a policy can be stored. Its values are checked as every policy's, when the experiment starts. */
function plainPatch(plain: Readonly<Record<string, unknown>>): { readonly [key: string]: JsonValue } {
  return JSON.parse(JSON.stringify(plain));
}

const STANDARD: Guardrails = { latency: 0.2, errorRate: 0.01, memory: 0.5 };

function readGuardrails(given: ExperimentOptions['guardrails']): Guardrails {
  const { latency, errorRate, memory } = objectAt('guardrails', given ?? {});
  const read = (field: keyof Guardrails, value: unknown): number | undefined =>
    value === false ? undefined : (numberIn(`guardrails.${field}`, value, 0, 1e6) ?? STANDARD[field]);
  return { latency: read('latency', latency), errorRate: read('errorRate', errorRate), memory: read('memory', memory) };
}

function readScope(where: unknown): ExperimentDefinition['scope'] {
  const { minimumSizeMb, maximumSizeMb, dataTypes } = objectAt('where', where);
  const minimum = numberIn('where.minimumSizeMb', minimumSizeMb, 0, 1e9);
  const maximum = numberIn('where.maximumSizeMb', maximumSizeMb, 0, 1e9);
  if (dataTypes !== undefined && !(Array.isArray(dataTypes) && dataTypes.length <= 64 && dataTypes.every(isName))) {
    throw new InvalidArgumentError('where.dataTypes', dataTypes, 'at most 64 names of data types');
  }
  return {
    minimumSize: minimum === undefined ? 0 : mbToBytes(minimum),
    maximumSize: maximum === undefined ? null : mbToBytes(maximum),
    dataTypes: dataTypes === undefined ? null : [...dataTypes],
  };
}

function objectAt(field: string, given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given !== 'object' || given === null) throw new InvalidArgumentError(field, given, 'an object');
  return { ...given };
}

function numberIn(field: string, given: unknown, low: number, high: number): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'number' && given >= low && given <= high) return given;
  throw new InvalidArgumentError(field, given, `a number in ${low}..${high}`);
}
