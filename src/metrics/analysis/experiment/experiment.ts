/**
 * One experiment: its definition, its split, what was counted, and what that says. Knows no clock and no store: its owner tells it the time and keeps
 * what `toJson` gives.
 */
import { movedSlots, newSlots, SLOTS } from '../../../decision/experiment.ts';
import type { JsonValue } from '../../../learning/types.ts';
import type { TransferRecord } from '../../record.ts';
import { breachOf, compareVariant } from './compare.ts';
import { judge } from './judge.ts';
import { sampleRatio, sharesOfCells } from './tests.ts';
import type {
  ExperimentDefinition,
  ExperimentReport,
  ExperimentState,
  MetricName,
  ProgressPoint,
  Promotion,
  VariantDefinition,
  VariantReport,
} from './types.ts';
import { isObject, VariantTally } from './variant-tally.ts';

/** Points of progress kept; beyond it every other one goes. */
const MOST_POINTS = 240;
/** Growth of the transfers after which the next point is taken. */
const POINT_EVERY = 1.05;
/** Below this probability of the counts, if the split were kept, it was not: small, since it is looked at often. */
const MISMATCH = 1e-4;
/** Over all guardrails and looks: how often a harmless variant is stopped. */
const GUARDRAIL_ALPHA = 0.01;

export class Experiment {
  definition: ExperimentDefinition;
  slots: Uint8Array;
  state: ExperimentState = 'running';
  readonly startedAtMs: number;
  endedAtMs: number | undefined = undefined;
  endedBecause: string | undefined = undefined;
  promotion: Promotion | undefined = undefined;
  phase = 1;
  phaseStartedAtMs: number;
  #tallies: VariantTally[];
  #progress: ProgressPoint[] = [];

  constructor(definition: ExperimentDefinition, atMs: number) {
    this.definition = definition;
    this.slots = newSlots(definition.variants.map(({ share }) => share));
    this.startedAtMs = atMs;
    this.phaseStartedAtMs = atMs;
    this.#tallies = definition.variants.map(() => new VariantTally());
  }

  get name(): string {
    return this.definition.name;
  }

  /** Counts a transfer of this experiment; one that was drawn under an earlier split is of no use any more. */
  observe(record: TransferRecord): boolean {
    const { variants } = this.definition;
    const index = variants.findIndex(({ name }) => name === record.variant);
    const tally = this.#tallies[index];
    if (tally === undefined || this.slots[record.experimentSlot ?? SLOTS] !== index) return false;
    tally.observe(record);
    return true;
  }

  get transfers(): number {
    return this.#tallies.reduce((sum, { transfers }) => sum + transfers, 0);
  }

  /** Another split: moves the fewest slots, and starts the comparison anew, for shares that differ over time mix times with variants. */
  split(shares: readonly number[], atMs: number): void {
    const variants = this.definition.variants.map((variant, index) => ({ ...variant, share: shares[index] ?? 0 }));
    this.definition = { ...this.definition, variants };
    this.slots = movedSlots(this.slots, shares);
    this.#tallies = variants.map(() => new VariantTally());
    this.#progress = [];
    this.phase += 1;
    this.phaseStartedAtMs = atMs;
  }

  end(because: string, atMs: number): void {
    this.state = 'stopped';
    this.endedAtMs = atMs;
    this.endedBecause = because;
  }

  /** The first variant that does certain harm. */
  breach(): (ReturnType<typeof breachOf> & { readonly variant: string }) | undefined {
    const [control, ...treatments] = this.#tallies;
    const alpha = GUARDRAIL_ALPHA / (GUARDRAILS * Math.max(1, treatments.length));
    for (const [index, treatment] of treatments.entries()) {
      const breach = control && breachOf(treatment, control, this.definition.guardrails, alpha);
      if (breach) return { ...breach, variant: this.definition.variants[index + 1]?.name ?? '' };
    }
    return undefined;
  }

  report(): ExperimentReport {
    const { definition, state, startedAtMs, endedAtMs, endedBecause, promotion, phase, phaseStartedAtMs } = this;
    const { name, pool, variants } = definition;
    const comparisons = this.#comparisons();
    const pValue = this.#sampleRatio();
    const mismatch = pValue < MISMATCH;
    return {
      ...{ name, pool, state, startedAtMs, endedAtMs, endedBecause, promotion, definition, phase, phaseStartedAtMs },
      variants: variants.map((variant, index) => reportOf(variant, this.#tallies[index])),
      comparisons,
      sampleRatio: { pValue, mismatch },
      verdict: judge(definition, comparisons, mismatch),
      progress: [...this.#progress],
    };
  }

  /** Notes where the primary metric stands, where enough has come since the last note. */
  note(): void {
    const last = this.#progress.at(-1)?.transfers ?? 0;
    const { transfers } = this;
    if (transfers < 200 || transfers < last * POINT_EVERY) return;
    for (const { variant, metrics } of this.#comparisons()) {
      const primary = metrics.find(({ metric }) => metric === this.definition.metric);
      if (primary?.low == null || primary.high == null) continue;
      this.#progress.push({ transfers, variant, change: primary.change, low: primary.low, high: primary.high });
    }
    if (this.#progress.length <= MOST_POINTS) return;
    const looks = [...new Set(this.#progress.map((point) => point.transfers))];
    const kept = new Set(looks.filter((_, index) => index % 2 === looks.length % 2));
    this.#progress = this.#progress.filter((point) => kept.has(point.transfers));
  }

  toJson(): JsonValue {
    const { definition, state, startedAtMs, endedAtMs, endedBecause, promotion, phase, phaseStartedAtMs } = this;
    const stored = {
      ...{ definition, state, startedAtMs, endedAtMs, endedBecause, promotion, phase, phaseStartedAtMs },
      slots: runs(this.slots),
      tallies: this.#tallies.map((tally) => tally.toJson()),
      progress: this.#progress,
    };
    return JSON.parse(JSON.stringify(stored));
  }

  /** @throws TypeError for what is no stored experiment */
  static fromJson(stored: JsonValue): Experiment {
    if (!isObject(stored) || !isObject(stored.definition) || !Array.isArray(stored.tallies)) throw badForm();
    // Written by `toJson` and checked by the store's checksum; what is used of it to count is checked where it is read.
    const { definition, state, endedAtMs, endedBecause, promotion, progress } = stored as unknown as StoredExperiment;
    if (!Array.isArray(definition.variants) || typeof definition.name !== 'string') throw badForm();
    const experiment = new Experiment(definition, timeOf(stored.startedAtMs));
    experiment.slots = slotsOf(stored.slots);
    experiment.state = state === 'running' || state === 'paused' ? state : 'stopped';
    experiment.endedAtMs = endedAtMs;
    experiment.endedBecause = endedBecause;
    experiment.promotion = promotion;
    experiment.phase = timeOf(stored.phase);
    experiment.phaseStartedAtMs = timeOf(stored.phaseStartedAtMs);
    experiment.#progress = Array.isArray(progress) ? progress : [];
    const tallies: readonly JsonValue[] = stored.tallies;
    if (tallies.length !== definition.variants.length) throw badForm();
    experiment.#tallies = tallies.map((tally) => new VariantTally(tally));
    return experiment;
  }

  #comparisons(): ReturnType<typeof compareVariant>[] {
    const { definition } = this;
    const [control, ...treatments] = this.#tallies;
    if (control === undefined) return [];
    const options = {
      alpha: definition.alpha / Math.max(1, treatments.length),
      minimumSamples: definition.minimumSamples,
    };
    return treatments.map((treatment, index) =>
      compareVariant(definition.variants[index + 1]?.name ?? '', treatment, control, options),
    );
  }

  #sampleRatio(): number {
    const shares = sharesOfCells(this.slots, this.#tallies.length);
    return sampleRatio(
      this.#tallies.map(({ errors }, index) => ({
        counts: errors.counts,
        shareOfCell: shares[index] ?? new Float64Array(0),
      })),
    );
  }
}

/** How many there are. */
const GUARDRAILS = 3;

export type Breach = {
  readonly metric: MetricName;
  readonly limit: number;
  readonly change: number;
  readonly low: number;
  readonly variant: string;
};

interface StoredExperiment {
  readonly definition: ExperimentDefinition;
  readonly state: ExperimentState;
  readonly endedAtMs: number | undefined;
  readonly endedBecause: string | undefined;
  readonly promotion: Promotion | undefined;
  readonly progress: ProgressPoint[];
}

function badForm(): TypeError {
  return new TypeError('a stored experiment has another form');
}

function timeOf(value: JsonValue | undefined): number {
  if (typeof value !== 'number') throw badForm();
  return value;
}

/** Slots as runs of one owner: owner, length, owner, length... */
function runs(slots: Uint8Array): number[] {
  const all: number[] = [];
  for (const owner of slots) {
    const length = all.at(-1) ?? 0;
    if (all.at(-2) === owner && all.length > 0) all[all.length - 1] = length + 1;
    else all.push(owner, 1);
  }
  return all;
}

function slotsOf(stored: JsonValue | undefined): Uint8Array {
  if (!Array.isArray(stored)) throw badForm();
  const slots = new Uint8Array(SLOTS);
  let at = 0;
  for (let run = 0; run < stored.length; run += 2) {
    const [owner, length]: readonly JsonValue[] = stored.slice(run, run + 2);
    if (typeof owner !== 'number' || typeof length !== 'number') throw badForm();
    slots.fill(owner, at, at + length);
    at += length;
  }
  if (at !== SLOTS) throw badForm();
  return slots;
}

function reportOf({ name, share, difference }: VariantDefinition, tally: VariantTally | undefined): VariantReport {
  const counted = tally ?? new VariantTally();
  const { errors, latency, totalTime, memory, latencies, transfers, zeroCopy, bytes } = counted;
  const known = latency.count > 0;
  return {
    ...{ name, share, difference, transfers },
    failed: errors.sum,
    errorRate: transfers > 0 ? errors.sum / transfers : 0,
    zeroCopyShare: transfers > 0 ? zeroCopy / transfers : 0,
    geometricMeanUs: known ? Math.exp(latency.mean) : undefined,
    meanUs: known ? totalTime.mean : undefined,
    p50Us: latencies.quantile(0.5),
    p95Us: latencies.quantile(0.95),
    p99Us: latencies.quantile(0.99),
    throughputMBps: totalTime.sum > 0 ? bytes / totalTime.sum : undefined,
    meanMemory: memory.count > 0 ? memory.mean : undefined,
  };
}
