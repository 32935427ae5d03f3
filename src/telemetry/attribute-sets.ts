import type { Attributes } from '@opentelemetry/api';
import type { LabelCap } from './label-cap.ts';
import { ATTRIBUTES, type AttributeKey, OTHER } from './names.ts';

/** Labels that hosts choose freely, each with the cap that all metrics share. The others have a handful of values by their type. */
export type Caps = ReadonlyMap<AttributeKey, LabelCap>;

/** Label values never contain it: names have no control characters. */
const SEPARATOR = '\u0000';

/**
 * The attribute sets of one metric, each built once. Beside the caps of single labels the number of sets is bounded, because 100 pools
 * times 100 data types times 100 formats are a million series: beyond `limit`, everything that is capped becomes `other` at once.
 */
export class AttributeSets {
  readonly #keys: readonly AttributeKey[];
  readonly #caps: Caps;
  readonly #limit: number;
  readonly #sets = new Map<string, Attributes>();
  readonly #onFolded: (key: AttributeKey) => void;

  constructor(keys: readonly AttributeKey[], caps: Caps, limit: number, onFolded: (key: AttributeKey) => void) {
    this.#keys = keys;
    this.#caps = caps;
    this.#limit = limit;
    this.#onFolded = onFolded;
  }

  /** @param values one for each key, in their order */
  of(values: readonly string[]): Attributes {
    return this.#sets.get(values.join(SEPARATOR)) ?? this.#ofCapped(values);
  }

  #ofCapped(values: readonly string[]): Attributes {
    const capped = this.#keys.map((key, index) => {
      const value = values[index] ?? '';
      const admitted = this.#caps.get(key)?.admit(value) ?? value;
      if (admitted !== value) this.#onFolded(key);
      return admitted;
    });
    const name = capped.join(SEPARATOR);
    const known = this.#sets.get(name);
    if (known !== undefined) return known;
    const full = this.#sets.size >= this.#limit;
    if (full) {
      for (const [index, key] of this.#keys.entries()) {
        if (!this.#caps.has(key) || capped[index] === OTHER) continue;
        capped[index] = OTHER;
        this.#onFolded(key);
      }
    }
    const set = Object.freeze(
      Object.fromEntries(this.#keys.map((key, index) => [ATTRIBUTES[key].name, capped[index] ?? OTHER])),
    );
    // A full table still takes sets of `other` alone: there are only as many as the uncapped labels have values.
    this.#sets.set(full ? capped.join(SEPARATOR) : name, set);
    return set;
  }
}
