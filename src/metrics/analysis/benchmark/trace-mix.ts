/** What a paired trace sends: a mixture as real services have it, drawn from a seed. Pure. */
import { seededRandom } from '../../../learning/random.ts';
import { OWN_FORMATS } from './scenario.ts';
import type { PayloadKind } from './types.ts';

export interface TracePayload extends PayloadKind {
  readonly pool: 'ml' | 'etl';
  /** Bytes asked for; the payload has about so many. */
  readonly dataSize: number;
  readonly compression: boolean;
}

/** Transfers that belong together: one, or a burst through a sliding window. */
export interface TraceRun {
  readonly transfers: readonly TracePayload[];
  /** How many of them are in flight at a time. */
  readonly width: number;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const SMALLEST = KIB;
/** Up to here sizes are spread evenly over their logarithms; beyond, ever fewer, in proportion to 1 / size. */
const EVEN_UP_TO = MIB;
const LARGEST = 64 * MIB;
const LARGEST_JSON = 4 * MIB;
const LARGEST_GZIP = 8 * MIB;
const LARGEST_IN_BURST = 8 * MIB;
const GZIP_SHARE = 0.15;
const BURST_SHARE = 0.035;
const ML_SHARE = 0.5;
/** Cumulative shares of types in each pool. */
const TYPES: Readonly<Record<TracePayload['pool'], readonly (readonly [dataType: string, upTo: number])[]>> = {
  ml: [
    ['tensor', 0.8],
    ['binary', 0.9],
    ['json', 1],
  ],
  etl: [
    ['dataframe', 0.4],
    ['json', 0.7],
    ['binary', 0.9],
    ['tensor', 1],
  ],
};
/** How much of the arena counts as warm, drawn anew every so often: what a busy pool, or a pool after a restart, has. */
const LEAST_WARM = 16 * KIB;
const MOST_WARM = 64 * MIB;
const PHASE_MS = { low: 2_000, high: 8_000 } as const;

/** Endless; equal seeds give equal draws. Sizes, types, gzip and bursts are mixed as in the traces that pitwall was built on. */
export class TraceMix {
  readonly #random: () => number;
  #warmBytes = 0;
  #phaseEndsMs = Number.NEGATIVE_INFINITY;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  next(): TraceRun {
    const random = this.#random;
    if (random() >= BURST_SHARE) return { transfers: [this.#payload()], width: 1 };
    const width = 2 + Math.floor(random() * 7);
    const first = this.#payload(LARGEST_IN_BURST);
    const count = width * (2 + Math.floor(random() * 2));
    const transfers = Array.from({ length: count }, (_, index) =>
      index === 0 ? first : { ...first, dataSize: clamp(first.dataSize * 2 ** (2 * random() - 1), LARGEST_IN_BURST) },
    );
    return { transfers, width };
  }

  /** Which lane is sent first, in each of the rounds: true for gRPC. */
  orders(rounds: number): boolean[] {
    return Array.from({ length: rounds }, () => this.#random() < 0.5);
  }

  /** Bytes of memory that count as warm at a moment; moments come in their order. */
  warmBytes(atMs: number): number {
    if (atMs >= this.#phaseEndsMs) {
      this.#warmBytes = Math.round(logUniform(LEAST_WARM, MOST_WARM, this.#random()));
      this.#phaseEndsMs = atMs + PHASE_MS.low + (PHASE_MS.high - PHASE_MS.low) * this.#random();
    }
    return this.#warmBytes;
  }

  #payload(largest = LARGEST): TracePayload {
    const random = this.#random;
    const pool = random() < ML_SHARE ? 'ml' : 'etl';
    const draw = random();
    const dataType = TYPES[pool].find(([, upTo]) => draw < upTo)?.[0] ?? 'binary';
    const compression = random() < GZIP_SHARE;
    const most = Math.min(largest, dataType === 'json' ? LARGEST_JSON : largest, compression ? LARGEST_GZIP : largest);
    return { pool, dataType, format: OWN_FORMATS.get(dataType) ?? 'raw', dataSize: this.#size(most), compression };
  }

  /**
   * log-uniform up to `EVEN_UP_TO`; beyond, the density over the logarithm falls as 1 / size, so that each doubling is half as frequent: inverse of the
   * distribution function, in two pieces.
   */
  #size(largest: number): number {
    const even = Math.log(EVEN_UP_TO / SMALLEST);
    const tail = largest > EVEN_UP_TO ? 1 - EVEN_UP_TO / largest : 0;
    const draw = this.#random() * (even + tail);
    if (draw <= even) return clamp(SMALLEST * Math.exp(draw), largest);
    return clamp(EVEN_UP_TO / (1 - (draw - even)), largest);
  }
}

function clamp(size: number, largest: number): number {
  return Math.round(Math.min(largest, Math.max(SMALLEST, size)));
}

function logUniform(low: number, high: number, draw: number): number {
  return low * (high / low) ** draw;
}
