/**
 * The cells of minutes that are not sealed yet, of one writer. Who saw all records of a minute has them at hand; any other (after a restart,
 * or with several writers) makes them from the stored blocks, piece by piece. Which it is shows by the number of records.
 */
import { Cells } from './aggregate.ts';
import { BlockView, MINUTE_US } from './block-codec.ts';
import type { KeyValueReader } from './key-value.ts';
import { parseBlockKey, type StoreKey } from './keys.ts';
import type { Steps } from './slices.ts';

/** Minutes whose cells are kept; beyond, they are made from the blocks. */
const MAX_OPEN_MINUTES = 64;
const BLOCKS_AT_ONCE = 8;

export interface Minute {
  readonly poolKey: string;
  readonly minuteS: number;
}

interface OpenMinute {
  readonly cells: Cells;
  rows: number;
}

export class OpenMinutes {
  readonly #minutes = new Map<string, OpenMinute>();

  add(poolKey: string, minuteS: number, block: BlockView): void {
    const name = nameOf({ poolKey, minuteS });
    let minute = this.#minutes.get(name);
    if (minute === undefined) {
      if (this.#minutes.size >= MAX_OPEN_MINUTES) return;
      minute = { cells: new Cells(), rows: 0 };
      this.#minutes.set(name, minute);
    }
    minute.cells.addBlock(block);
    minute.rows += block.rows;
  }

  /** The minute's cells, where they count all records that are stored. */
  complete(reader: KeyValueReader, minute: Minute): Cells | undefined {
    const open = this.#minutes.get(nameOf(minute));
    return open !== undefined && open.rows === rowsOf(reader, minute) ? open.cells : undefined;
  }

  forget(minute: Minute): void {
    this.#minutes.delete(nameOf(minute));
  }

  /** Makes the cells of a minute from its blocks. A step is a few blocks. */
  *rebuild(reader: KeyValueReader, minute: Minute): Steps<void> {
    const rebuilt: OpenMinute = { cells: new Cells(), rows: 0 };
    const range = rangeOf(minute);
    let { from } = range;
    for (;;) {
      const entries = reader.range('metrics', { ...range, from, limit: BLOCKS_AT_ONCE });
      for (const { key, value } of entries) {
        addStored(rebuilt.cells, value);
        rebuilt.rows += parseBlockKey(key)?.rows ?? 0;
        from = [...key, 0];
      }
      yield;
      if (entries.length < BLOCKS_AT_ONCE) break;
    }
    this.#minutes.set(nameOf(minute), rebuilt);
  }

  clear(): void {
    this.#minutes.clear();
  }
}

function nameOf({ poolKey, minuteS }: Minute): string {
  return `${minuteS} ${poolKey}`;
}

/** A damaged block is left out, as it is when records are read. */
function addStored(cells: Cells, bytes: Uint8Array): void {
  try {
    cells.addBlock(new BlockView(bytes));
  } catch {}
}

function rowsOf(reader: KeyValueReader, minute: Minute): number {
  const keys = reader.keys('metrics', { ...rangeOf(minute), limit: Number.MAX_SAFE_INTEGER });
  return keys.reduce((sum, key) => sum + (parseBlockKey(key)?.rows ?? 0), 0);
}

function rangeOf({ poolKey, minuteS }: Minute): { readonly from: StoreKey; readonly to: StoreKey } {
  return { from: [poolKey, minuteS * 1_000_000], to: [poolKey, minuteS * 1_000_000 + MINUTE_US] };
}
