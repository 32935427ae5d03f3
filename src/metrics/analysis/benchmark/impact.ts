/** Whether production got slower since a benchmark began. Pure. */
import { sizeBand } from '../../size-band.ts';
import { median } from '../robust.ts';
import { quantile } from './quantiles.ts';
import type { ProductionImpact } from './types.ts';

/** What is read of a production transfer. A `TransferRecord` is one. */
export interface ProductionTransfer {
  readonly pool: string;
  readonly method: string;
  readonly dataType: string;
  readonly compression: boolean;
  readonly dataSize: number;
  readonly latencyUs: number;
  readonly outcome: 'success' | 'ignored' | 'failed';
}

/** Transfers of one kind that are remembered, and kinds. */
const MAX_VALUES = 512;
const MAX_KINDS = 512;
/** So many of a kind are measure enough. */
const ENOUGH = 64;
const MAX_RATIOS = 4_096;
/** How boldly is bet on a rank: small shifts are found by the small, large ones at once by the large. */
const STAKES = [0.25, 0.6, 0.95];
/** One false stop in so many moments in which nothing changed. */
const BAR = 10_000;
const FAILED = Number.POSITIVE_INFINITY;

/**
 * Compares production while a benchmark runs with production before, like with like (pool, lane, type, compression, size band), by ranks alone, so that no
 * outlier and no distribution matters. A failure ranks as slower than anything.
 *
 * The rank of a latency, divided by 1 + tolerance, among those of its kind is a p-value, uniform as long as production is exactly that much slower and no more
 * (V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", 2005: conformal prediction); smaller where it is not slower
 * at all. The mean rank of each moment is bet on being large; what a better would have won, never less than his first stake, is the evidence (J.
 * Shin, A. Ramdas and A. Rinaldo, "E-detectors", 2022, the CUSUM kind): it passes a bar once in as many moments, while nothing is wrong and moments do not
 * depend on each other. `docs/benchmarks.md` has what it does where they do.
 */
export class ImpactTest {
  readonly #tolerance: number;
  readonly #kinds = new Map<string, Kind>();
  readonly #ratios: number[] = [];
  /** Logarithms of what each stake has won. */
  readonly #won = STAKES.map(() => 0);
  #before = 0;
  #during = 0;
  #passed = false;

  /** @param tolerance 0.1: up to 10 % slower is accepted */
  constructor(tolerance: number) {
    this.#tolerance = tolerance;
  }

  /** Transfers from before the start. */
  get before(): number {
    return this.#before;
  }

  /** Whether the bar was passed, once and for all. */
  get passed(): boolean {
    return this.#passed;
  }

  /** A transfer from before the start. */
  learn(transfer: ProductionTransfer): void {
    if (transfer.outcome === 'ignored') return;
    const kind = this.#kind(transfer);
    if (kind === undefined) return;
    this.#before += 1;
    const latencyUs = latencyOf(transfer);
    if (kind.before.length < MAX_VALUES) insert(kind.before, latencyUs);
    kind.usualUs = quantile(kind.before.slice(0, firstNotBelow(kind.before, FAILED)), 0.5);
    if (kind.sorted.length < MAX_VALUES) insert(kind.sorted, latencyUs);
  }

  /**
   * Transfers that ended while the benchmark ran, within a moment: what slows one of them slows its neighbours, so that they are one bet.
   * @returns whether it is time to stop
   */
  judge(moment: readonly ProductionTransfer[]): boolean {
    let sum = 0;
    let count = 0;
    for (const transfer of moment) {
      const rank = transfer.outcome === 'ignored' ? undefined : this.#rank(transfer);
      if (rank === undefined) continue;
      sum += rank;
      count += 1;
    }
    if (count > 0) this.#bet(sum / count);
    return this.#passed;
  }

  summary(): ProductionImpact {
    return {
      before: this.#before,
      during: this.#during,
      medianRatio: this.#ratios.length === 0 ? undefined : median(this.#ratios),
      evidence: this.#evidence(),
      bar: BAR,
    };
  }

  /** 0..1 among its kind; undefined where there are too many kinds. */
  #rank(transfer: ProductionTransfer): number | undefined {
    const kind = this.#kind(transfer);
    if (kind === undefined) return undefined;
    this.#during += 1;
    const latencyUs = latencyOf(transfer);
    if (kind.usualUs > 0 && latencyUs < FAILED && this.#ratios.length < MAX_RATIOS) {
      this.#ratios.push(latencyUs / kind.usualUs);
    }
    const tolerated = latencyUs / (1 + this.#tolerance);
    const rank = rankOf(kind.sorted, tolerated);
    // With enough to compare with, a slow present must not become its own measure.
    if (kind.sorted.length < ENOUGH) insert(kind.sorted, tolerated);
    return rank;
  }

  #bet(rank: number): void {
    for (const [index, stake] of STAKES.entries()) {
      const won = (this.#won[index] ?? 0) + Math.log(1 + stake * (2 * rank - 1));
      this.#won[index] = Math.max(0, won);
    }
    this.#passed ||= this.#evidence() >= BAR;
  }

  #evidence(): number {
    return this.#won.reduce((sum, log) => sum + Math.exp(Math.min(log, 700)), 0) / STAKES.length;
  }

  #kind(transfer: ProductionTransfer): Kind | undefined {
    const { pool, method, dataType, compression, dataSize } = transfer;
    const key = JSON.stringify([pool, method, dataType, compression, sizeBand(dataSize)]);
    const known = this.#kinds.get(key);
    if (known !== undefined || this.#kinds.size >= MAX_KINDS) return known;
    const kind = { before: [], sorted: [], usualUs: Number.NaN };
    this.#kinds.set(key, kind);
    return kind;
  }
}

/** Transfers that are alike. */
interface Kind {
  /** Latencies before the start, sorted. */
  readonly before: number[];
  /** All of them, those since the start as far as they are tolerated. */
  readonly sorted: number[];
  /** Median before the start; NaN where nothing is known. */
  usualUs: number;
}

function latencyOf({ outcome, latencyUs }: ProductionTransfer): number {
  return outcome === 'failed' ? FAILED : latencyUs;
}

/** Where a value stands among sorted ones and itself, 0..1, ties in the middle: uniform for one that is like them. */
function rankOf(sorted: readonly number[], value: number): number {
  const below = firstNotBelow(sorted, value);
  let above = below;
  while (sorted[above] === value) above += 1;
  return (below + (above - below + 1) / 2) / (sorted.length + 1);
}

function insert(sorted: number[], value: number): void {
  sorted.splice(firstNotBelow(sorted, value), 0, value);
}

function firstNotBelow(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Number.NaN) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
