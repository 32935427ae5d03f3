/**
 * A first-in first-out queue that grows as needed and costs nothing while it is empty.
 *
 * ```
 *   slots  [ . . 3 4 5 . . . ]     length 3, capacity a power of two
 *                ^head
 * ```
 *
 * A ring instead of an array with `shift`: shifting a long array moves it, and a million queued casts must drain in linear time.
 */
export class Mailbox<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    // A burst must not keep its memory for good.
    if (this.#length === 0 && this.#slots.length > KEPT_SLOTS) this.clear();
    return item;
  }

  /** Takes out the first item that `is` accepts; the others keep their order. Linear in the length. */
  take(is: (item: T) => boolean): T | undefined {
    let taken: T | undefined;
    for (let left = this.#length; left > 0; left -= 1) {
      const item = this.shift();
      if (item === undefined) continue;
      if (taken === undefined && is(item)) taken = item;
      else this.push(item);
    }
    return taken;
  }

  /** The items, first to last; the queue stays as it is. */
  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#length; i += 1) {
      const item = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
      if (item !== undefined) yield item;
    }
  }

  clear(): void {
    this.#slots = [];
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const larger = new Array<T | undefined>(Math.max(4, this.#slots.length * 2));
    for (let i = 0; i < this.#length; i += 1) larger[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = larger;
    this.#head = 0;
  }
}

/** Slots that an empty mailbox may keep; measured: below this, giving them back costs more than it saves. */
const KEPT_SLOTS = 1024;
