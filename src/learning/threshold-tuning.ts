/**
 * From the cost model to a pool's thresholds: final = base * adjustmentFactor * resourceFactor, clamped to the pool's limits, one per data type.
 *
 * adjustmentFactor follows crossover / base, averaged in the logarithm over the traffic's reference features and smoothed exponentially. It
 * moves only when all three hold, so that noise moves nothing (T4): the new value differs by more than the band; enough records
 * stand behind both lanes; and at the PRESENT threshold the model is sure that one lane is better (|log ratio| > 2.58 standard errors, 99 %).
 * resourceFactor answers pressure at once, in steps, with a gap between entering and leaving.
 *
 * Pure: time is an argument. Mutable, owned by a threshold manager, which publishes `thresholds()`.
 */
import { InvalidArgumentError } from '../errors.ts';
import { describePressure, resourceFactor } from './resource-factor.ts';
import { compareLanes, gainBetween, weighEvidence } from './threshold-evidence.ts';
import { checkedTuningOptions } from './threshold-options.ts';
import { thresholdsAt } from './threshold-restore.ts';
import { checkedTuningState, TUNING_STATE_VERSION, type TuningState } from './threshold-state.ts';
import type {
  ReferenceTraffic,
  ThresholdChange,
  ThresholdTuningOptions,
  TunedThreshold,
  TunedThresholds,
  TuningInput,
} from './threshold-types.ts';
import type { JsonValue } from './types.ts';

export type {
  ReferenceTraffic,
  ThresholdChange,
  ThresholdTuningOptions,
  TunedThreshold,
  TunedThresholds,
  TuningInput,
} from './threshold-types.ts';

export class ThresholdTuner {
  readonly #options: Required<ThresholdTuningOptions>;
  #entries: Map<string | undefined, Entry>;
  #history: ThresholdChange[] = [];
  #quickPathMinimum: number;
  #factor = 1;
  #current: TunedThresholds;
  #refusedDataTypes = 0;

  /** @throws InvalidArgumentError */
  constructor(options: ThresholdTuningOptions) {
    this.#options = checkedTuningOptions(options);
    this.#entries = new Map([[undefined, newEntry(options.base)]]);
    this.#quickPathMinimum = options.minimumThreshold;
    this.#current = this.#publish();
  }

  /** The current thresholds; the same object until something changes. */
  thresholds(): TunedThresholds {
    return this.#current;
  }

  /** Newest last. */
  history(): readonly ThresholdChange[] {
    return this.#history;
  }

  get refusedDataTypes(): number {
    return this.#refusedDataTypes;
  }

  /** Looks at model and machine; returns the changes it made, most often none. */
  update(input: TuningInput): readonly ThresholdChange[] {
    const changes: ThresholdChange[] = [];
    const factor = resourceFactor(this.#factor, input.pressure, this.#options);
    if (factor !== this.#factor) this.#applyFactor(input, factor, changes);
    for (const [dataType, traffic] of this.#grouped(input.traffic)) this.#follow(input, dataType, traffic, changes);
    this.#sinkQuickPath(input, changes);
    this.#keep(changes);
    return changes;
  }

  /** An operator's step: the threshold becomes `bytes` (clamped), and learning goes on from there. */
  adjust(dataType: string | undefined, bytes: number, atMs: number): ThresholdChange {
    if (!(bytes > 0) || !Number.isFinite(bytes)) throw new InvalidArgumentError('bytes', bytes, 'a finite number > 0');
    const change = this.#set(dataType, bytes, atMs, 'adjusted by an operator');
    this.#keep([change]);
    return change;
  }

  /**
   * An operator's step back: thresholds as they stood at an earlier time; learning goes on from there.
   * @returns the changes that it took
   * @throws InvalidArgumentError for a time before the history
   */
  restore(toMs: number, atMs: number): readonly ThresholdChange[] {
    const oldest = this.#history[0];
    const complete = this.#history.length < this.#options.historyLimit;
    if (!Number.isFinite(toMs) || (!complete && oldest !== undefined && toMs < oldest.atMs)) {
      const accepted = complete
        ? 'milliseconds since the epoch'
        : `a time since ${isoOf(oldest?.atMs ?? 0)}, from which on history is kept`;
      throw new InvalidArgumentError('atMs', toMs, accepted);
    }
    const { thresholds, quickPathMinimum } = thresholdsAt(this.#history, toMs);
    const reason = `restored to ${isoOf(toMs)} by an operator`;
    const changes = [...thresholds]
      .map(([dataType, bytes]) => this.#set(dataType, bytes, atMs, reason))
      .filter(({ from, to }) => from !== to);
    const from = this.#quickPathMinimum;
    this.#quickPathMinimum = Math.min(quickPathMinimum ?? from, this.#options.minimumThreshold);
    if (this.#quickPathMinimum !== from) changes.push(this.#minimumChange(atMs, from, reason, 0));
    this.#keep(changes);
    // Steps that were none have set their entries all the same.
    this.#current = this.#publish();
    return changes;
  }

  #set(dataType: string | undefined, bytes: number, atMs: number, reason: string): ThresholdChange {
    const from = this.#finalOf(this.#entries.get(dataType) ?? this.#defaultEntry());
    const entry = newEntry(this.#clamp(bytes));
    if (!this.#entries.has(dataType) && this.#entries.size > this.#options.maxDataTypes) {
      throw new InvalidArgumentError('dataType', dataType, `at most ${this.#options.maxDataTypes} data types`);
    }
    this.#entries.set(dataType, entry);
    return { ...this.#change(atMs, dataType, entry, from), reason, expectedGain: 0 };
  }

  /** Back to the configured base, for one data type or all. History stays, and says so where the time is given. */
  reset(dataType?: string, atMs?: number): readonly ThresholdChange[] {
    const before = [...this.#entries].map(([type, entry]) => ({ type, from: this.#finalOf(entry) }));
    const minimum = this.#quickPathMinimum;
    this.#reset(dataType);
    if (atMs === undefined) return [];
    const reason = 'reset by an operator';
    const changes: ThresholdChange[] = [];
    for (const { type, from } of before) {
      const change = this.#change(atMs, type, this.#entries.get(type) ?? this.#defaultEntry(), from);
      if (change.from !== change.to) changes.push({ ...change, reason, expectedGain: 0 });
    }
    if (this.#quickPathMinimum !== minimum) changes.push(this.#minimumChange(atMs, minimum, reason, 0));
    this.#keep(changes);
    return changes;
  }

  #reset(dataType: string | undefined): void {
    if (dataType !== undefined) this.#entries.delete(dataType);
    else {
      this.#entries = new Map([[undefined, newEntry(this.#options.base)]]);
      this.#quickPathMinimum = this.#options.minimumThreshold;
    }
    this.#current = this.#publish();
  }

  toState(): JsonValue {
    return {
      version: TUNING_STATE_VERSION,
      quickPathMinimum: this.#quickPathMinimum,
      refusedDataTypes: this.#refusedDataTypes,
      entries: [...this.#entries].map(([dataType, entry]) => ({ dataType: dataType ?? null, ...entry })),
      history: this.#history.map((change) => ({ ...change, dataType: change.dataType ?? null })),
    };
  }

  /** @throws PitwallError `PITWALL_INVALID_STATE` with the reason. */
  static fromState(state: unknown, options: ThresholdTuningOptions): ThresholdTuner {
    const tuner = new ThresholdTuner(options);
    tuner.#restore(checkedTuningState(state));
    return tuner;
  }

  #restore(state: TuningState): void {
    for (const { dataType, ...entry } of state.entries.slice(0, this.#options.maxDataTypes + 1)) {
      this.#entries.set(dataType ?? undefined, entry);
    }
    this.#quickPathMinimum = Math.min(state.quickPathMinimum, this.#options.minimumThreshold);
    this.#refusedDataTypes = state.refusedDataTypes;
    this.#history = state.history
      .slice(-this.#options.historyLimit)
      .map((change) => ({ ...change, dataType: change.dataType ?? undefined }));
    this.#current = this.#publish();
  }

  #applyFactor(input: TuningInput, factor: number, changes: ThresholdChange[]): void {
    const before = [...this.#entries].map(([dataType, entry]) => ({ dataType, entry, from: this.#finalOf(entry) }));
    const reason = `resource factor ${this.#factor} -> ${factor}: ${describePressure(input.pressure)}`;
    this.#factor = factor;
    for (const { dataType, entry, from } of before) {
      const change = this.#change(input.atMs, dataType, entry, from);
      if (change.from !== change.to) changes.push({ ...change, reason, expectedGain: 0 });
    }
  }

  /** Traffic by data type, and all of it for the default. */
  #grouped(traffic: readonly ReferenceTraffic[]): Map<string | undefined, ReferenceTraffic[]> {
    const groups = new Map<string | undefined, ReferenceTraffic[]>();
    for (const reference of traffic) {
      if (!(reference.weight > 0)) continue;
      for (const key of [undefined, reference.features.dataType]) {
        if (!this.#admits(key, groups)) continue;
        const group = groups.get(key) ?? [];
        group.push(reference);
        groups.set(key, group);
      }
    }
    return groups;
  }

  #admits(dataType: string | undefined, groups: ReadonlyMap<string | undefined, unknown>): boolean {
    if (this.#entries.has(dataType) || groups.has(dataType)) return true;
    if (this.#entries.size <= this.#options.maxDataTypes) {
      this.#entries.set(dataType, { ...this.#defaultEntry(), movedAtMs: Number.MIN_SAFE_INTEGER });
      return true;
    }
    this.#refusedDataTypes += 1;
    return false;
  }

  #follow(
    input: TuningInput,
    dataType: string | undefined,
    traffic: readonly ReferenceTraffic[],
    changes: ThresholdChange[],
  ): void {
    const entry = this.#entries.get(dataType);
    if (entry === undefined) return;
    const { band, minimumSamples, minimumIntervalMs, smoothing } = this.#options;
    const evidence = weighEvidence(input, entry.base * entry.adjustmentFactor, traffic, (bytes) => this.#clamp(bytes));
    if (evidence.samples < minimumSamples) return;
    const target = Math.log(evidence.crossover / entry.base);
    const smoothed = entry.smoothed === null ? target : entry.smoothed + smoothing * (target - entry.smoothed);
    entry.smoothed = smoothed;
    const distance = smoothed - Math.log(entry.adjustmentFactor);
    const due = input.atMs - entry.movedAtMs >= minimumIntervalMs;
    if (!due || Math.abs(distance) <= Math.log1p(band) || !evidence.sure) return;
    const from = this.#finalOf(entry);
    entry.adjustmentFactor = Math.exp(smoothed);
    entry.movedAtMs = input.atMs;
    const change = this.#change(input.atMs, dataType, entry, from);
    if (change.from === change.to) return;
    const expectedGain = gainBetween(input, traffic, change.from, change.to);
    const reason = `the lanes cross at ${Math.round(evidence.crossover)} bytes (${Math.round(evidence.samples)} effective records)`;
    changes.push({ ...change, reason, expectedGain });
  }

  /** The quick path may answer gRPC only below every crossing of the traffic; half of it, for doubt. It never rises above the configuration. */
  #sinkQuickPath(input: TuningInput, changes: ThresholdChange[]): void {
    const { band, minimumSamples, minimumThreshold } = this.#options;
    let least = Number.POSITIVE_INFINITY;
    for (const { features, weight } of input.traffic) {
      if (!(weight > 0)) continue;
      const at = { ...features, dataSize: Math.min(this.#quickPathMinimum, minimumThreshold) };
      if (compareLanes(input.costModel, at).samples < minimumSamples) continue;
      least = Math.min(least, input.costModel.crossover(at, input.statistic));
    }
    if (least === Number.POSITIVE_INFINITY) return;
    const to = Math.round(Math.min(minimumThreshold, Math.max(QUICK_PATH_FLOOR, QUICK_PATH_SHARE * least)));
    const from = this.#quickPathMinimum;
    // It sinks on a clear difference and rises on a clearer one: between the two nothing moves.
    const moves = to < from / (1 + band) || to > from * (1 + QUICK_PATH_RISE);
    if (!moves || to === from) return;
    this.#quickPathMinimum = to;
    const gain = to < from ? gainBetween(input, input.traffic, from, to) : 0;
    changes.push(this.#minimumChange(input.atMs, from, `the lanes cross from ${Math.round(least)} bytes on`, gain));
  }

  /** From what it was to what it is. */
  #minimumChange(atMs: number, from: number, reason: string, expectedGain: number): ThresholdChange {
    const to = this.#quickPathMinimum;
    const adjustmentFactor = to / this.#options.minimumThreshold;
    const kind = 'quick_path_minimum';
    return { atMs, dataType: undefined, kind, from, to, adjustmentFactor, resourceFactor: 1, reason, expectedGain };
  }

  #change(
    atMs: number,
    dataType: string | undefined,
    entry: Entry,
    from: number,
  ): Omit<ThresholdChange, 'reason' | 'expectedGain'> {
    return {
      atMs,
      dataType,
      kind: 'threshold',
      from,
      to: this.#finalOf(entry),
      adjustmentFactor: entry.adjustmentFactor,
      resourceFactor: this.#factor,
    };
  }

  #keep(changes: readonly ThresholdChange[]): void {
    if (changes.length === 0) return;
    this.#history = [...this.#history, ...changes].slice(-this.#options.historyLimit);
    this.#current = this.#publish();
  }

  #publish(): TunedThresholds {
    const byDataType = new Map<string, TunedThreshold>();
    for (const [dataType, entry] of this.#entries) {
      if (dataType !== undefined) byDataType.set(dataType, this.#threshold(entry));
    }
    return Object.freeze({
      default: this.#threshold(this.#defaultEntry()),
      byDataType,
      quickPathMinimum: this.#quickPathMinimum,
    });
  }

  #threshold(entry: Entry): TunedThreshold {
    const { base, adjustmentFactor } = entry;
    return Object.freeze({ base, adjustmentFactor, resourceFactor: this.#factor, final: this.#finalOf(entry) });
  }

  #finalOf(entry: Entry): number {
    return this.#clamp(entry.base * entry.adjustmentFactor * this.#factor);
  }

  #clamp(bytes: number): number {
    return Math.round(Math.max(this.#options.minimumThreshold, Math.min(this.#options.maximumThreshold, bytes)));
  }

  #defaultEntry(): Entry {
    return this.#entries.get(undefined) ?? newEntry(this.#options.base);
  }
}

interface Entry {
  base: number;
  adjustmentFactor: number;
  /** Smoothed log(crossover / base); null before the first. */
  smoothed: number | null;
  movedAtMs: number;
}

const QUICK_PATH_SHARE = 0.5;
const QUICK_PATH_FLOOR = 256;
/** It rises again only once it is this much too low. */
const QUICK_PATH_RISE = 1;

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function newEntry(base: number): Entry {
  return { base, adjustmentFactor: 1, smoothed: null, movedAtMs: Number.MIN_SAFE_INTEGER };
}
