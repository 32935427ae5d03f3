/**
 * What a pool has learned, in words: a shallow ml-cart tree grown on the lanes that the whole decision takes over its kind of traffic. What it says is an
 * approximation, and how good a one is told with it (M. Craven and J. Shavlik, "Extracting Tree-Structured Representations of Trained Networks", 1996,
 * call it fidelity). Pure.
 */
import type { Features, Lane } from './types.ts';
import { growTree, type WeakTree } from './weak-tree.ts';

export interface LabelledFeatures {
  readonly features: Features;
  readonly lane: Lane;
}

/** One sentence: under these conditions, this lane. */
export interface Lesson {
  /** E.g. `size of at least 91 KiB`, `warm memory`; empty: always. */
  readonly conditions: readonly string[];
  readonly lane: Lane;
  /** Share of the samples that it speaks of, and of those the share that really take the lane. */
  readonly share: number;
  readonly fidelity: number;
}

export interface Distilled {
  readonly lessons: readonly Lesson[];
  /** Share of all samples whose lane the lessons name rightly. */
  readonly fidelity: number;
}

export interface DistillOptions {
  /** Conditions in a row. Default 4. */
  readonly maxDepth?: number;
}

interface Column {
  readonly value: (features: Features) => number;
  /** In words, for values below the threshold and from it on. */
  readonly below: (threshold: number) => string;
  readonly above: (threshold: number) => string;
}

/** ml-cart takes quadratic time: more samples than this are thinned evenly. */
const MAX_SAMPLES = 600;

/** @param samples at least one */
export function distill(samples: readonly LabelledFeatures[], { maxDepth = 4 }: DistillOptions = {}): Distilled {
  const columns = columnsFor(samples);
  const thinned = thin(samples);
  const rows = thinned.map(({ features }) => columns.map(({ value }) => value(features)));
  // ml-cart looks for splits between neighbours whose targets differ: of a feature with two values it would miss the one split there is,
  // wherever the lanes on its two sides happen to be the same.
  const targets = thinned.map(({ lane }, index) => (lane === 'zero_copy' ? 1 : 0) + index * 1e-9);
  const tree = growTree(rows, targets, [...columns.keys()], {
    maxDepth,
    minLeafRows: Math.max(3, Math.ceil(thinned.length / 50)),
  });
  const lessons = joined(pathsOf(tree)).map((path) => lessonOf(path, columns, samples));
  const known = lessons.filter(({ share }) => share > 0);
  return { lessons: known, fidelity: known.reduce((sum, { share, fidelity }) => sum + share * fidelity, 0) };
}

interface Bound {
  readonly column: number;
  /** Values from `from` on, and below `to`. */
  readonly from: number;
  readonly to: number;
}

interface Path {
  readonly bounds: readonly Bound[];
  readonly lane: Lane;
}

function pathsOf(tree: WeakTree, node = 0, bounds: readonly Bound[] = []): Path[] {
  const column = tree.feature[node] ?? -1;
  const threshold = tree.threshold[node] ?? 0;
  if (column < 0) return [{ bounds, lane: threshold > 0.5 ? 'zero_copy' : 'grpc' }];
  const { from, to } = bounds.find((bound) => bound.column === column) ?? {
    from: Number.NEGATIVE_INFINITY,
    to: Number.POSITIVE_INFINITY,
  };
  const others = bounds.filter((bound) => bound.column !== column);
  return [
    ...pathsOf(tree, node + 1, [...others, { column, from, to: threshold }]),
    ...pathsOf(tree, tree.right[node] ?? node, [...others, { column, from: threshold, to }]),
  ];
}

/** Neighbours that end in one lane and differ in the last split alone say one thing. */
function joined(paths: readonly Path[]): Path[] {
  const result: Path[] = [];
  for (const path of paths) {
    const last = result.at(-1);
    const merged = last && last.lane === path.lane ? union(last.bounds, path.bounds) : undefined;
    if (merged) result[result.length - 1] = { lane: path.lane, bounds: merged };
    else result.push(path);
  }
  return result.length === paths.length ? result : joined(result);
}

function union(left: readonly Bound[], right: readonly Bound[]): Bound[] | undefined {
  const columns = new Set([...left, ...right].map(({ column }) => column));
  const result: Bound[] = [];
  let differing = 0;
  for (const column of columns) {
    const one = left.find((bound) => bound.column === column);
    const other = right.find((bound) => bound.column === column);
    if (one === undefined || other === undefined) return undefined;
    if (one.from === other.from && one.to === other.to) {
      result.push(one);
      continue;
    }
    differing += 1;
    if (one.to !== other.from) return undefined;
    if (one.from !== Number.NEGATIVE_INFINITY || other.to !== Number.POSITIVE_INFINITY) {
      result.push({ column, from: one.from, to: other.to });
    }
  }
  return differing === 1 ? result : undefined;
}

function lessonOf({ bounds, lane }: Path, columns: readonly Column[], samples: readonly LabelledFeatures[]): Lesson {
  const inside = samples.filter(({ features }) =>
    bounds.every(({ column, from, to }) => {
      const value = columns[column]?.value(features) ?? Number.NaN;
      return value >= from && value < to;
    }),
  );
  const right = inside.filter((sample) => sample.lane === lane).length;
  return {
    conditions: [...bounds].sort((a, b) => a.column - b.column).flatMap((bound) => wordsOf(bound, columns)),
    lane,
    share: inside.length / samples.length,
    fidelity: inside.length === 0 ? 1 : right / inside.length,
  };
}

function wordsOf({ column, from, to }: Bound, columns: readonly Column[]): string[] {
  const { below, above } = columns[column] ?? {};
  const words: string[] = [];
  if (from !== Number.NEGATIVE_INFINITY && above) words.push(above(from));
  if (to !== Number.POSITIVE_INFINITY && below) words.push(below(to));
  return words;
}

function columnsFor(samples: readonly LabelledFeatures[]): Column[] {
  const types = [...new Set(samples.map(({ features }) => features.dataType))].sort();
  const flag = (is: (features: Features) => boolean, yes: string, no: string): Column => ({
    value: (features) => (is(features) ? 1 : 0),
    below: () => no,
    above: () => yes,
  });
  return [
    ...types.map((type) => flag(({ dataType }) => dataType === type, type, `not ${type}`)),
    flag(({ compression }) => compression, 'gzip', 'no gzip'),
    flag(({ warm }) => warm === true, 'warm memory', 'cold memory'),
    {
      value: ({ dataSize }) => Math.log2(dataSize + 1),
      below: (threshold) => `below ${bytes(2 ** threshold)}`,
      above: (threshold) => `from ${bytes(2 ** threshold)}`,
    },
    {
      value: ({ systemLoad }) => systemLoad ?? 0,
      below: (threshold) => `load below ${(threshold * 100).toFixed(0)} %`,
      above: (threshold) => `load from ${(threshold * 100).toFixed(0)} %`,
    },
    {
      value: ({ inFlight }) => inFlight,
      below: (threshold) => `fewer than ${Math.ceil(threshold)} in flight`,
      above: (threshold) => `at least ${Math.ceil(threshold)} in flight`,
    },
  ];
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function bytes(value: number): string {
  let [scaled, unit] = [value, 0];
  while (scaled >= 1024 && unit < UNITS.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${scaled >= 100 ? scaled.toFixed(0) : scaled.toPrecision(3)} ${UNITS[unit]}`;
}

function thin<T>(values: readonly T[]): readonly T[] {
  if (values.length <= MAX_SAMPLES) return values;
  return Array.from(
    { length: MAX_SAMPLES },
    (_, index) => values[Math.floor((index * values.length) / MAX_SAMPLES)],
  ).filter((value) => value !== undefined);
}
