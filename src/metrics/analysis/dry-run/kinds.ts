/** What a dry run changes, by type and size band. */
import type { Method } from '../../../decision/types.ts';
import { sizeBandBounds } from '../../size-band.ts';
import { differenceOf, type EffectRow } from './effect-row.ts';
import type { DryRunKind, LatencyChange } from './types.ts';

/** Kinds that a report lists. */
const MOST_KINDS = 200;
/** Measured changes below which a kind gets no figure of its own. */
const FEWEST = 30;
/** Two-sided 95 % of the normal distribution. */
const REACH = 1.96;

interface Tally {
  readonly dataType: string;
  readonly band: number;
  transfers: number;
  toZeroCopy: number;
  toGrpc: number;
  measurable: number;
  rows: number;
  measuredRows: number;
  sum: number;
  squares: number;
}

export class KindTally {
  readonly #kinds = new Map<string, Tally>();

  add(dataType: string, band: number, changed: Method | undefined, drawn: boolean, row: EffectRow | undefined): void {
    const key = `${band} ${dataType}`;
    const own = this.#kinds.get(key) ?? emptyTally(dataType, band);
    this.#kinds.set(key, own);
    own.transfers += 1;
    if (changed === 'zero_copy') own.toZeroCopy += 1;
    if (changed === 'grpc') own.toGrpc += 1;
    if (changed !== undefined && drawn) own.measurable += 1;
    if (row === undefined || (row.changes && !(row.drawn && row.modelled))) return;
    const difference = row.changes ? differenceOf(row.log, 0) : 0;
    own.rows += 1;
    if (row.changes) own.measuredRows += 1;
    own.sum += difference;
    own.squares += difference * difference;
  }

  /** Those with most changes first. */
  list(): readonly DryRunKind[] {
    const changes = (kind: DryRunKind): number => kind.toZeroCopy + kind.toGrpc;
    return [...this.#kinds.values()]
      .map(toKind)
      .sort((a, b) => changes(b) - changes(a) || b.transfers - a.transfers || a.sizeBand - b.sizeBand)
      .slice(0, MOST_KINDS);
  }
}

function toKind(tally: Tally): DryRunKind {
  const { dataType, band, transfers, toZeroCopy, toGrpc, measurable } = tally;
  const counts = { dataType, sizes: sizeBandBounds(band), sizeBand: band, transfers, toZeroCopy, toGrpc, measurable };
  return { ...counts, perTransfer: tally.measuredRows < FEWEST ? undefined : changeOf(tally) };
}

function changeOf({ rows, sum, squares }: Tally): LatencyChange {
  const mean = sum / rows;
  const error = Math.sqrt(Math.max(0, squares / rows - mean * mean) / Math.max(1, rows - 1));
  return {
    value: Math.expm1(mean),
    interval: [Math.expm1(mean - REACH * error), Math.expm1(mean + REACH * error)],
  };
}

function emptyTally(dataType: string, band: number): Tally {
  const counts = { transfers: 0, toZeroCopy: 0, toGrpc: 0, measurable: 0 };
  return { dataType, band, ...counts, rows: 0, measuredRows: 0, sum: 0, squares: 0 };
}
