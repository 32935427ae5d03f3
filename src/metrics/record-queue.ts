/**
 * The bounded queue between the hot path and the recorder: an object that outlives the actor that drains it, as an ETS table with
 * an heir does. A record is freed when both cursors have passed it.
 *
 *        freed            stored cursor      taught cursor          tail (next push)
 *   ─────────────────┬──────────┬───────────────────┬───────────────────┬──────────
 *    slots undefined │  head    │ not yet committed │ not yet forwarded │   free
 *   ─────────────────┴──────────┴───────────────────┴───────────────────┴──────────
 *                    head = min(stored, taught)
 */
import { InvalidArgumentError } from '../errors.ts';
import type { TransferRecord } from './record.ts';

/** `taught`: forwarded to learners and analyzer. `stored`: committed to the store. */
export type QueueCursor = 'taught' | 'stored';

export class RecordQueue {
  readonly #slots: (TransferRecord | undefined)[];
  readonly #mask: number;
  #head = 0;
  #tail = 0;
  #taught = 0;
  #stored = 0;
  #dropped = 0;
  /** Called once each time the queue goes from idle to non-empty, from within `push`: keep it short. */
  onWake: (() => void) | undefined = undefined;

  /** Capacity: records that may wait, rounded up to a power of two. Throws InvalidArgumentError outside of 1..2^24. */
  constructor(capacity = 65_536) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 24) {
      throw new InvalidArgumentError('capacity', capacity, 'an integer in 1..16777216');
    }
    const size = 2 ** Math.ceil(Math.log2(capacity));
    this.#slots = new Array<TransferRecord | undefined>(size).fill(undefined);
    this.#mask = size - 1;
  }

  /** Adds a record. O(1), never throws; when the queue is full the record is dropped, counted, and the answer is false. */
  push(record: TransferRecord): boolean {
    const waiting = this.#tail - this.#head;
    if (waiting > this.#mask) {
      this.#dropped += 1;
      return false;
    }
    this.#slots[this.#tail & this.#mask] = record;
    this.#tail += 1;
    if (waiting === 0) this.#wake();
    return true;
  }

  /** Up to `max` records from a cursor on, oldest first, without moving it. */
  peek(cursor: QueueCursor, max: number): TransferRecord[] {
    const from = cursor === 'taught' ? this.#taught : this.#stored;
    const to = Math.min(this.#tail, from + Math.max(0, Math.floor(max)));
    const records: TransferRecord[] = [];
    for (let position = from; position < to; position += 1) {
      const record = this.#slots[position & this.#mask];
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  /** Moves a cursor over `count` records (never past the newest) and frees what both cursors have passed. */
  advance(cursor: QueueCursor, count: number): void {
    const step = Math.max(0, Math.floor(count));
    if (cursor === 'taught') this.#taught = Math.min(this.#tail, this.#taught + step);
    else this.#stored = Math.min(this.#tail, this.#stored + step);
    const head = Math.min(this.#taught, this.#stored);
    for (let position = this.#head; position < head; position += 1) this.#slots[position & this.#mask] = undefined;
    this.#head = head;
  }

  /** Records held: not yet passed by both cursors. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** Records not yet committed to the store. */
  get pendingStore(): number {
    return this.#tail - this.#stored;
  }

  /** Records not yet forwarded to learners. */
  get pendingTeach(): number {
    return this.#tail - this.#taught;
  }

  /** Records refused because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records accepted since the queue was made. */
  get accepted(): number {
    return this.#tail;
  }

  get capacity(): number {
    return this.#mask + 1;
  }

  #wake(): void {
    try {
      this.onWake?.();
    } catch {
      // The hot path must not pay for a broken listener; the recorder also drains on its own timer.
    }
  }
}
