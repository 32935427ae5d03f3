/**
 * What a pool's traffic looks like: per kind of payload its latest features, and how much of the recent traffic it stands for. Thresholds are
 * tuned for this traffic. Bounded; weights fade by half every `halfLifeRecords`.
 */
import type { ReferenceTraffic } from '../learning/threshold-tuning.ts';
import type { Observation } from '../learning/types.ts';

const MAX_KINDS = 32;
const HALF_LIFE_RECORDS = 1_000;
const DECAY = 0.5 ** (1 / HALF_LIFE_RECORDS);
/** Weights are kept relative to a growing unit, so that one record costs one addition; rescaled before numbers get large. */
const RESCALE_AT = 1e9;

interface Entry {
  latest: Observation;
  weight: number;
}

export class TrafficProfile {
  readonly #kinds = new Map<string, Entry>();
  #unit = 1;

  add(observation: Observation): void {
    this.#unit /= DECAY;
    const key = `${observation.dataType}\u0000${observation.format}\u0000${observation.compression}\u0000${observation.warm}`;
    const entry = this.#kinds.get(key);
    if (entry) {
      entry.latest = observation;
      entry.weight += this.#unit;
    } else {
      if (this.#kinds.size >= MAX_KINDS) this.#dropLightest();
      this.#kinds.set(key, { latest: observation, weight: this.#unit });
    }
    if (this.#unit > RESCALE_AT) this.#rescale();
  }

  /** Kinds with their share of the recent traffic; empty before the first record. */
  traffic(): ReferenceTraffic[] {
    let total = 0;
    for (const entry of this.#kinds.values()) total += entry.weight;
    return [...this.#kinds.values()].map(({ latest, weight }) => ({ features: latest, weight: weight / total }));
  }

  #dropLightest(): void {
    let lightest: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const [key, entry] of this.#kinds) {
      if (entry.weight < least) {
        least = entry.weight;
        lightest = key;
      }
    }
    if (lightest !== undefined) this.#kinds.delete(lightest);
  }

  #rescale(): void {
    for (const entry of this.#kinds.values()) entry.weight /= this.#unit;
    this.#unit = 1;
  }
}
