/**
 * What the boosted trees see of a transfer, as numbers. Nothing in a row is ever NaN or infinite: ml-cart would send it to the right in silence.
 */
import type { Features } from './types.ts';

export const TREE_FEATURES = [
  'logSize',
  'dataType',
  'format',
  'compression',
  'warmth',
  'systemLoad',
  'logAvailableMemory',
  'hourOfDay',
  'logInFlight',
  'recentPerformance',
] as const;

export const FEATURE_COUNT = TREE_FEATURES.length;
/** The one feature latency must grow with. */
export const SIZE_FEATURE = 0;
/** Stands for a number that is not known; below every number that is, so a split can tell it apart. */
const UNKNOWN = -1;

/**
 * Names in the order of their mean residual: an ordered code lets one split part them well (Fisher 1958; Breiman et al., CART, 1984, ch. 9.4). A name that is
 * not in it gets the middle.
 */
export interface Vocabulary {
  readonly dataTypes: readonly string[];
  readonly formats: readonly string[];
}

/** A vocabulary made ready for look-ups. */
export class TreeFeatures {
  readonly vocabulary: Vocabulary;
  readonly #dataTypes: ReadonlyMap<string, number>;
  readonly #formats: ReadonlyMap<string, number>;

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
    this.#dataTypes = new Map(vocabulary.dataTypes.map((name, code) => [name, code]));
    this.#formats = new Map(vocabulary.formats.map((name, code) => [name, code]));
  }

  /**
   * Writes a row. `recentPerformance` is the mean log(actual / predicted) of the lane's last transfers, 0 where unknown.
   *
   * @param row at least FEATURE_COUNT long
   */
  fill(row: Float64Array, features: Features, recentPerformance: number): void {
    const { dataSize, availableMemory, inFlight, systemLoad, hourOfDay } = features;
    row[0] = Math.log2(1 + Math.max(0, finite(dataSize, 0)));
    row[1] = this.#dataTypes.get(features.dataType) ?? (this.#dataTypes.size - 1) / 2;
    row[2] = this.#formats.get(features.format) ?? (this.#formats.size - 1) / 2;
    row[3] = features.compression ? 1 : 0;
    row[4] = features.warm === undefined ? 0.5 : features.warm ? 1 : 0;
    row[5] = finite(systemLoad, UNKNOWN);
    row[6] = availableMemory !== undefined && availableMemory > 0 ? Math.log2(finite(availableMemory, 1)) : UNKNOWN;
    row[7] = finite(hourOfDay, UNKNOWN);
    row[8] = Math.log2(Math.max(1, finite(inFlight, 1)));
    row[9] = finite(recentPerformance, 0);
  }
}

/** Names by frequency, at most `limit`, in the order of their mean value. */
export function orderedNames(names: readonly string[], values: readonly number[], limit: number): string[] {
  const sums = new Map<string, { count: number; sum: number }>();
  for (const [index, name] of names.entries()) {
    const entry = sums.get(name) ?? { count: 0, sum: 0 };
    entry.count += 1;
    entry.sum += values[index] ?? 0;
    sums.set(name, entry);
  }
  return [...sums]
    .sort(([left, a], [right, b]) => b.count - a.count || (left < right ? -1 : 1))
    .slice(0, limit)
    .sort(([left, a], [right, b]) => a.sum / a.count - b.sum / b.count || (left < right ? -1 : 1))
    .map(([name]) => name);
}

function finite(value: number | undefined, otherwise: number): number {
  return value !== undefined && Number.isFinite(value) ? value : otherwise;
}
