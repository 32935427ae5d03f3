/**
 * Records of blocks that overlap in time (several writers, batches that came late), in order, with no more blocks open than overlap at one moment:
 *
 *   block 1   ├──────────────┤                    open from its first record on
 *   block 2         ├────────────────┤
 *   block 3                              ├───┤    not read before its time
 */
import { rowAt } from './range-reader.ts';
import type { TransferRecord } from './record.ts';

/** A block as its key describes it. */
export interface BlockInTime<K> {
  readonly key: K;
  readonly firstUs: number;
  readonly lastUs: number;
  /** Of rows at the same time, those of the block with the lower number come first. */
  readonly order: number;
}

/** A block's rows, sorted by time. */
export interface BlockRows {
  readonly times: Float64Array;
  readonly get: (row: number) => TransferRecord;
}

export interface Direction {
  readonly fromUs: number;
  readonly toUs: number;
  readonly reverse: boolean;
}

/** A block that has gone since it was listed: what it held may lie in another by now. */
export const GONE = Symbol('gone');

/** Where the merge is: a row of a block, until it is asked for the next one. */
export interface Cursor {
  readonly times: Float64Array;
  readonly get: (row: number) => TransferRecord;
  readonly row: number;
}

interface OpenBlock extends Cursor {
  readonly order: number;
  readonly endRow: number;
  row: number;
}

/**
 * Rows in order of time. `blocks` come in the order in which their first record is met: by `firstUs`, in reverse by `lastUs` downwards. Returns
 * GONE where a block has gone; everything before was given.
 */
export function* mergeByTime<K>(
  blocks: Iterator<BlockInTime<K>>,
  open: (key: K) => BlockRows | undefined | typeof GONE,
  direction: Direction,
): Generator<Cursor, typeof GONE | undefined> {
  const { reverse } = direction;
  const active: OpenBlock[] = [];
  let waiting = blocks.next();
  for (;;) {
    while (waiting.done !== true && mayComeNext(waiting.value, nextOf(active, reverse), reverse)) {
      const rows = open(waiting.value.key);
      if (rows === GONE) return GONE;
      const block = rows === undefined ? undefined : within(rows, direction, waiting.value.order);
      if (block !== undefined) active.push(block);
      waiting = blocks.next();
    }
    const block = nextOf(active, reverse);
    if (block === undefined) return undefined;
    const others = active.filter((other) => other !== block).map(timeOf);
    if (waiting.done !== true) others.push(reverse ? waiting.value.lastUs : waiting.value.firstUs);
    // As long as nothing else can come before, this block's rows follow each other.
    const boundUs = reverse ? Math.max(...others) : Math.min(...others);
    do {
      yield block;
      block.row += reverse ? -1 : 1;
    } while (block.row !== block.endRow && (reverse ? timeOf(block) > boundUs : timeOf(block) < boundUs));
    if (block.row === block.endRow) active.splice(active.indexOf(block), 1);
  }
}

function timeOf({ times, row }: Cursor): number {
  return times[row] ?? 0;
}

function mayComeNext(
  { firstUs, lastUs }: BlockInTime<unknown>,
  next: OpenBlock | undefined,
  reverse: boolean,
): boolean {
  if (next === undefined) return true;
  const nextUs = timeOf(next);
  return reverse ? lastUs >= nextUs : firstUs <= nextUs;
}

/** The open block whose record is next. Hardly ever are there more than a few. */
function nextOf(active: readonly OpenBlock[], reverse: boolean): OpenBlock | undefined {
  let best: OpenBlock | undefined;
  for (const block of active) {
    if (best === undefined || isBefore(block, best, reverse)) best = block;
  }
  return best;
}

function isBefore(a: OpenBlock, b: OpenBlock, reverse: boolean): boolean {
  const aUs = timeOf(a);
  const bUs = timeOf(b);
  if (aUs !== bUs) return reverse ? aUs > bUs : aUs < bUs;
  return a.order < b.order;
}

/** The rows within the range; undefined without any. */
function within({ times, get }: BlockRows, { fromUs, toUs, reverse }: Direction, order: number): OpenBlock | undefined {
  const first = rowAt(times, fromUs);
  const end = rowAt(times, toUs);
  if (first >= end) return undefined;
  return reverse
    ? { times, get, order, row: end - 1, endRow: first - 1 }
    : { times, get, order, row: first, endRow: end };
}
