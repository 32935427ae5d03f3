/**
 * Mergeable quantile sketch: DDSketch with 1 % relative error (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile
 * sketch with relative-error guarantees", PVLDB 12, 2019), from @datadog/sketches-js, with a compact form of our own: the library's
 * protobuf writes empty bins and forgets min, max and sum. Without the dependency there would be no percentiles; it is wrapped here
 * and nowhere else.
 */
import sketches from '@datadog/sketches-js';
import { type ByteReader, type ByteWriter, corrupt } from './byte-buffer.ts';

/** Every quantile is within this relative distance of a value that was recorded at that rank. */
export const RELATIVE_ACCURACY = 0.01;

/** Values below count as zero, values above as this: bounds the bins of one sketch to about 2 800. */
const SMALLEST = 1e-6;
const LARGEST = 1e18;
const MAX_KEYS = 4096;
/** Bin numbers that the bounds above allow, with some slack. */
const MAX_KEY_MAGNITUDE = 4096;

const BINS_PER_STEP = 32;

export class QuantileSketch {
  readonly #sketch = new sketches.DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });

  constructor() {
    // Most sketches hold few values close together: steps of 128 bins, the library's default, were mostly garbage to collect.
    this.#sketch.store.chunkSize = BINS_PER_STEP;
  }

  /** Adds a value >= 0. */
  add(value: number): void {
    this.#sketch.accept(value < SMALLEST ? 0 : Math.min(value, LARGEST));
  }

  /**
   * Adds another sketch. Bin by bin, not by the library's `merge`: version 2.1.1 loses counts where the other's highest bin is number 0
   * (its largest value about 1, such as a load), for it takes that 0 for "no second key".
   */
  merge(other: QuantileSketch): void {
    const { store, zeroCount, count, sum, min, max } = other.#sketch;
    if (store.count > 0) this.#widen(store.minKey, store.maxKey);
    const own = this.#sketch.store;
    const shift = store.offset - own.offset;
    const last = store.maxKey - store.offset;
    for (let index = Math.max(0, store.minKey - store.offset); index <= last; index += 1) {
      const weight = store.bins[index] ?? 0;
      if (weight > 0) own.bins[index + shift] = (own.bins[index + shift] ?? 0) + weight;
    }
    own.count += store.count;
    this.#addTotals(zeroCount, count, sum, min, max);
  }

  get count(): number {
    return this.#sketch.count;
  }

  get sum(): number {
    return this.#sketch.sum;
  }

  get min(): number {
    return this.#sketch.min;
  }

  get max(): number {
    return this.#sketch.max;
  }

  /** Values at quantiles 0..1 in ascending order, in one pass over the bins; each as `quantile` gives it. */
  quantiles(ascending: readonly number[]): number[] {
    const { store, zeroCount, count, mapping } = this.#sketch;
    const values: number[] = [];
    let index = -1;
    let passed = zeroCount;
    for (const q of ascending) {
      const rank = q * (count - 1);
      while (passed <= rank && index < store.bins.length - 1) {
        index += 1;
        passed += store.bins[index] ?? 0;
      }
      const value = index < 0 ? 0 : mapping.value(index + store.offset);
      values.push(count === 0 ? Number.NaN : Math.min(this.max, Math.max(this.min, value)));
    }
    return values;
  }

  /** Value at a quantile 0..1, kept within min and max; NaN when empty. */
  quantile(q: number): number {
    const value = this.#sketch.getValueAtQuantile(q);
    return Math.min(this.max, Math.max(this.min, value));
  }

  /** count, zeros: varint · sum, min, max: f64 · bins: varint · first key: zigzag · then (key step, count) of every bin in use. */
  write(writer: ByteWriter): void {
    const { store, zeroCount, count } = this.#sketch;
    writer.varint(count);
    writer.varint(zeroCount);
    writer.f64(this.sum);
    writer.f64(count === 0 ? 0 : this.min);
    writer.f64(count === 0 ? 0 : this.max);
    const bins = store.bins;
    let used = 0;
    for (let index = 0; index < bins.length; index += 1) if (bins[index] !== 0) used += 1;
    writer.varint(used);
    let previous = 0;
    for (let index = 0; index < bins.length; index += 1) {
      const weight = bins[index] as number; // in range
      if (weight === 0) continue;
      const key = index + store.offset;
      writer.zigzag(key - previous);
      writer.varint(weight);
      previous = key;
    }
  }

  /** Adds a written sketch to this one without building it. */
  mergeFrom(reader: ByteReader): void {
    const count = reader.varint();
    const zeroCount = reader.varint();
    const sum = reader.f64();
    const min = reader.f64();
    const max = reader.f64();
    const used = reader.varint();
    if (used > MAX_KEYS || used + zeroCount > count) throw corrupt('a sketch has impossible bins');
    const keys = new Int32Array(used);
    const weights = new Float64Array(used);
    let key = 0;
    let total = zeroCount;
    for (let bin = 0; bin < used; bin += 1) {
      key += reader.zigzag();
      if (key > MAX_KEY_MAGNITUDE || key < -MAX_KEY_MAGNITUDE) throw corrupt('a sketch has a bin out of range');
      const weight = reader.varint();
      keys[bin] = key;
      weights[bin] = weight;
      total += weight;
    }
    if (total !== count) throw corrupt('the bins of a sketch do not add up');
    if (used > 0) this.#addBins(keys, weights, count - zeroCount);
    this.#addTotals(zeroCount, count, sum, min, max);
  }

  #addBins(keys: Int32Array, weights: Float64Array, total: number): void {
    const { store } = this.#sketch;
    this.#widen(keys[0] ?? 0, keys[keys.length - 1] ?? 0);
    for (let bin = 0; bin < keys.length; bin += 1) {
      const index = (keys[bin] ?? 0) - store.offset;
      store.bins[index] = (store.bins[index] ?? 0) + (weights[bin] ?? 0);
    }
    store.count += total;
  }

  /** Makes room for both ends first: growing with each further bin would copy all bins every time. */
  #widen(minKey: number, maxKey: number): void {
    const { store } = this.#sketch;
    if (minKey < store.minKey) store._extendRange(minKey);
    if (maxKey > store.maxKey) store._extendRange(maxKey);
  }

  #addTotals(zeroCount: number, count: number, sum: number, min: number, max: number): void {
    if (count === 0) return;
    const sketch = this.#sketch;
    sketch.zeroCount += zeroCount;
    sketch.count += count;
    sketch.sum += sum;
    if (min < sketch.min) sketch.min = min;
    if (max > sketch.max) sketch.max = max;
  }

  /** Passes over a written sketch. */
  static skip(reader: ByteReader): void {
    reader.varint();
    reader.varint();
    reader.skip(24);
    const used = reader.varint();
    for (let bin = 0; bin < used; bin += 1) {
      reader.varint();
      reader.varint();
    }
  }
}
