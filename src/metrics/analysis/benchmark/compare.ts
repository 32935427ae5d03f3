/** Two lanes against each other: ratio of medians, where it crosses one, and how sure that is. Pure. */
import type { Method } from '../../../decision/types.ts';
import { seededRandom } from '../../../learning/random.ts';
import { quantile } from './quantiles.ts';
import type { Interval } from './types.ts';

/** Latencies of both lanes in the same rounds, by index. */
export interface Paired {
  readonly zeroCopy: readonly number[];
  readonly grpc: readonly number[];
}

const RESAMPLES = 1_000;
/** A resampled median of fewer rounds takes too few different values to say anything. */
const MIN_ROUNDS = 5;
/** Draws between two pauses: about a millisecond. */
const DRAWS_A_STEP = 8_192;

/** log(median of zero-copy / median of gRPC): below 0 zero-copy is faster. */
export function logRatio({ zeroCopy, grpc }: Paired): number {
  return Math.log(medianOf(zeroCopy) / medianOf(grpc));
}

/**
 * The bootstrap distribution of `logRatio`: whole rounds are drawn with replacement, so that what slowed both lanes down in a round stays together (B.
 * Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13; for ratios of benchmarks T. Kalibera and R. Jones, "Rigorous
 * Benchmarking in Reasonable Time", 2013). The same seed and number of rounds draw the same rounds, whatever was measured in them.
 *
 * Pauses now and then, for whoever must not be kept. @returns undefined for fewer than five rounds
 */
export function* resampledLogRatios(pair: Paired, seed: number): Generator<void, Float64Array | undefined, void> {
  const rounds = pair.zeroCopy.length;
  if (rounds < MIN_ROUNDS) return undefined;
  const random = seededRandom(seed);
  const zeroCopy = new Float64Array(rounds);
  const grpc = new Float64Array(rounds);
  const ratios = new Float64Array(RESAMPLES);
  let draws = 0;
  for (let resample = 0; resample < RESAMPLES; resample += 1) {
    for (let index = 0; index < rounds; index += 1) {
      const round = Math.floor(random() * rounds);
      zeroCopy[index] = pair.zeroCopy[round] ?? Number.NaN;
      grpc[index] = pair.grpc[round] ?? Number.NaN;
    }
    ratios[resample] = Math.log(quantile(zeroCopy.sort(), 0.5) / quantile(grpc.sort(), 0.5));
    draws += rounds;
    if (draws < DRAWS_A_STEP) continue;
    draws = 0;
    yield;
  }
  return ratios;
}

/** The percentile interval of a bootstrap distribution, of the ratio itself. */
export function ratioInterval(logRatios: Float64Array, confidence: number): Interval {
  const sorted = logRatios.toSorted();
  const tail = (1 - confidence) / 2;
  return { low: Math.exp(quantile(sorted, tail)), high: Math.exp(quantile(sorted, 1 - tail)) };
}

export interface Crossing {
  /** Bytes; undefined where one lane is faster at every size. */
  readonly bytes: number | undefined;
  readonly faster: Method | undefined;
  readonly lowBytes: number | undefined;
  readonly highBytes: number | undefined;
}

/** One size of a series: its ratio, and the bootstrap's. */
export interface SizedRatio {
  readonly dataSize: number;
  readonly logRatio: number;
  readonly resampled: Float64Array | undefined;
}

/**
 * The size from which on zero-copy is faster at every larger size measured: between the last size where it is not and the next, on log scales. Its
 * interval comes from the same, done for each resample. @returns undefined for fewer than two sizes
 */
export function crossing(series: readonly SizedRatio[], confidence: number): Crossing | undefined {
  const sizes = series.map(({ dataSize }) => Math.log(dataSize));
  if (sizes.length < 2) return undefined;
  const at = crossingOf(
    sizes,
    series.map((each) => each.logRatio),
  );
  const resampled = new Float64Array(RESAMPLES);
  const known = series.every((each) => each.resampled !== undefined);
  for (let resample = 0; known && resample < RESAMPLES; resample += 1) {
    resampled[resample] = crossingOf(
      sizes,
      series.map((each) => each.resampled?.[resample] ?? Number.NaN),
    );
  }
  // Sorted by numbers, infinities at the ends: interpolating between them would make no sense, so a value that is there is taken.
  resampled.sort();
  const tail = Math.floor(((1 - confidence) / 2) * RESAMPLES);
  const within = Number.isFinite(at);
  return {
    bytes: finiteBytes(at),
    faster: within ? undefined : at < 0 ? 'zero_copy' : 'grpc',
    lowBytes: known ? finiteBytes(resampled[tail]) : undefined,
    highBytes: known ? finiteBytes(resampled[RESAMPLES - 1 - tail]) : undefined,
  };
}

/** log bytes; -Infinity: zero-copy is faster everywhere, Infinity: nowhere at the end. */
function crossingOf(logSizes: readonly number[], logRatios: readonly number[]): number {
  const last = logRatios.findLastIndex((ratio) => ratio >= 0);
  if (last < 0) return Number.NEGATIVE_INFINITY;
  const [here, there] = [logRatios[last], logRatios[last + 1]];
  const [from, to] = [logSizes[last], logSizes[last + 1]];
  if (here === undefined || there === undefined || from === undefined || to === undefined) return Infinity;
  return from + ((to - from) * here) / (here - there);
}

function finiteBytes(logBytes: number | undefined): number | undefined {
  return logBytes !== undefined && Number.isFinite(logBytes) ? Math.round(Math.exp(logBytes)) : undefined;
}

function medianOf(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
