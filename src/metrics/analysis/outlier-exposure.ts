/** What went on while a transfer was under way: which of the things that happened fall into its time. Pure. */
import type { TransferRecord } from '../record.ts';
import { quantile } from './robust.ts';

/** Something that lasted: a garbage collection. */
export interface TimedInterval {
  readonly fromUs: number;
  readonly toUs: number;
}

/** A measurement at a time. */
export interface TimedValue {
  readonly atUs: number;
  readonly value: number;
}

/** Something that happened: a restart, a deployment. */
export interface TimedOccurrence {
  readonly atUs: number;
  readonly kind: string;
  readonly detail: string;
}

export interface MachineEvidence {
  /** Garbage collections that stopped the process. */
  readonly pauses?: readonly TimedInterval[] | undefined;
  /** Longest event-loop delay, microseconds, since the sample before. */
  readonly loopDelays?: readonly TimedValue[] | undefined;
  /** Busy share of the machine, 0..1; used where a record does not carry its own. */
  readonly loads?: readonly TimedValue[] | undefined;
  readonly occurrences?: readonly TimedOccurrence[] | undefined;
}

export const CAUSES = ['gc', 'event_loop_delay', 'load', 'queueing', 'cold_memory', 'fallback', 'occurrence'] as const;
export type Cause = (typeof CAUSES)[number];

/** A transfer in time. */
export interface Span {
  readonly startUs: number;
  readonly endUs: number;
  /** What its kind usually takes. */
  readonly usualUs: number;
}

/** Higher than nine in ten of the ordinary transfers of the same run is not usual. */
const UNUSUAL_SHARE = 0.9;
/** Delays that nobody feels. */
const LEAST_DELAY_US = 1_000;
/** What happened so shortly before a transfer began may have slowed it down. */
const BEFORE_US = 5_000_000;

/**
 * Answers, for each cause, whether a transfer was exposed to it. Every transfer is asked about the same stretch: the time that its kind usually takes,
 * from its start. Over its whole time a slow transfer would meet more of everything, for no other reason than being slow.
 */
export class Exposure {
  readonly #pauses: readonly TimedInterval[];
  readonly #longestPauseUs: number;
  readonly #delays: readonly TimedValue[];
  readonly #loads: readonly TimedValue[];
  readonly #occurrences: readonly TimedOccurrence[];
  readonly #unusualDelayUs: number;
  readonly #unusualLoad: number;
  readonly #unusualInFlight: number;

  /** @param ordinary transfers that are no outliers: what is usual is read off them */
  constructor(evidence: MachineEvidence, ordinary: readonly TransferRecord[]) {
    const byStart = [...(evidence.pauses ?? [])].sort((a, b) => a.fromUs - b.fromUs);
    this.#pauses = byStart;
    this.#longestPauseUs = byStart.reduce((longest, { fromUs, toUs }) => Math.max(longest, toUs - fromUs), 0);
    this.#delays = [...(evidence.loopDelays ?? [])].sort((a, b) => a.atUs - b.atUs);
    this.#loads = [...(evidence.loads ?? [])].sort((a, b) => a.atUs - b.atUs);
    this.#occurrences = [...(evidence.occurrences ?? [])].sort((a, b) => a.atUs - b.atUs);
    const delays = this.#delays.map(({ value }) => value);
    this.#unusualDelayUs = Math.max(LEAST_DELAY_US, quantile(delays, UNUSUAL_SHARE) || 0);
    const loads = ordinary.map((record) => this.loadOf(record)).filter((load) => load !== undefined);
    this.#unusualLoad = loads.length === 0 ? Number.POSITIVE_INFINITY : quantile(loads, UNUSUAL_SHARE);
    this.#unusualInFlight = quantile(
      ordinary.map(({ inFlight }) => inFlight),
      UNUSUAL_SHARE,
    );
  }

  to(cause: Cause, record: TransferRecord, span: Span): boolean {
    const untilUs = span.startUs + span.usualUs;
    switch (cause) {
      case 'gc':
        return this.pausedUs(span.startUs, untilUs) > 0;
      case 'event_loop_delay':
        return this.delayUs(span.startUs, untilUs) > this.#unusualDelayUs;
      case 'load':
        return (this.loadOf(record) ?? 0) > this.#unusualLoad;
      case 'queueing':
        return record.inFlight > this.#unusualInFlight;
      case 'cold_memory':
        return record.warm === false;
      case 'fallback':
        return record.fallback;
      case 'occurrence':
        return this.occurrence(span.startUs - BEFORE_US, untilUs) !== undefined;
      default:
        return cause satisfies never;
    }
  }

  /** Microseconds of pauses within a stretch. */
  pausedUs(fromUs: number, toUs: number): number {
    let sum = 0;
    for (let at = lowerBound(this.#pauses, fromUs - this.#longestPauseUs, startOf); at < this.#pauses.length; at += 1) {
      const pause = this.#pauses[at];
      if (pause === undefined || pause.fromUs >= toUs) break;
      sum += Math.max(0, Math.min(pause.toUs, toUs) - Math.max(pause.fromUs, fromUs));
    }
    return sum;
  }

  /** Longest delay of the samples whose time meets a stretch. A sample tells of the time since the one before. */
  delayUs(fromUs: number, toUs: number): number {
    let longest = 0;
    for (let at = lowerBound(this.#delays, fromUs, timeOf); at < this.#delays.length; at += 1) {
      const sample = this.#delays[at];
      if (sample === undefined) break;
      longest = Math.max(longest, sample.value);
      if (sample.atUs >= toUs) break;
    }
    return longest;
  }

  /** Its own, or that of the last sample before it ended. */
  loadOf({ systemLoad, timestampUs }: TransferRecord): number | undefined {
    return systemLoad ?? this.#loads[lowerBound(this.#loads, timestampUs, timeOf) - 1]?.value;
  }

  /** The latest within a stretch. */
  occurrence(fromUs: number, toUs: number): TimedOccurrence | undefined {
    const latest = this.#occurrences[lowerBound(this.#occurrences, toUs, timeOf) - 1];
    return latest !== undefined && latest.atUs >= fromUs ? latest : undefined;
  }
}

const startOf = ({ fromUs }: TimedInterval): number => fromUs;
const timeOf = ({ atUs }: { readonly atUs: number }): number => atUs;

/** Where the first with at least that time stands. */
function lowerBound<T>(sorted: readonly T[], atLeast: number, time: (item: T) => number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = sorted[middle];
    if (item !== undefined && time(item) < atLeast) low = middle + 1;
    else high = middle;
  }
  return low;
}
