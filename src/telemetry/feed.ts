import type { TransferRecord } from '../metrics/record.ts';

/** Records per turn of the event loop: 5 µs each in the SDK, so that a turn is held up for about a millisecond. */
const RECORDS_PER_TURN = 256;
/** Records that may wait: what a second of the highest load leaves behind. */
const MOST_WAITING = 65_536;

/**
 * Hands records to the histograms a few at a time, so that a large batch does not hold up the host's event loop. What exceeds the
 * bound is skipped, and counted.
 */
export class RecordFeed {
  readonly #take: (records: readonly TransferRecord[]) => void;
  readonly #batches: (readonly TransferRecord[])[] = [];
  /** Records of the first batch that were taken. */
  #taken = 0;
  #waiting = 0;
  #next: NodeJS.Immediate | undefined;
  /** Records that were never taken. */
  skipped = 0;

  /** @param take must not throw */
  constructor(take: (records: readonly TransferRecord[]) => void) {
    this.#take = take;
  }

  push(records: readonly TransferRecord[]): void {
    if (this.#waiting + records.length > MOST_WAITING) {
      this.skipped += records.length;
      return;
    }
    this.#batches.push(records);
    this.#waiting += records.length;
    if (this.#next === undefined) this.#turn();
  }

  /** Takes all that waits, at once: before the last export. */
  drain(): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    while (this.#waiting > 0) this.#slice();
  }

  #turn(): void {
    this.#next = undefined;
    this.#slice();
    if (this.#waiting > 0) this.#next = setImmediate(() => this.#turn());
  }

  #slice(): void {
    const batch = this.#batches[0] ?? [];
    const end = Math.min(batch.length, this.#taken + RECORDS_PER_TURN);
    this.#take(batch.slice(this.#taken, end));
    this.#waiting -= end - this.#taken;
    this.#taken = end;
    if (end < batch.length) return;
    this.#batches.shift();
    this.#taken = 0;
  }
}
