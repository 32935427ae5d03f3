/**
 * A first-in first-out queue that costs nothing while it is empty, and grows without moving what it holds.
 *
 * ```
 *   head                                     tail
 *   [ . . 3 4 5 6 ] -> [ 7 8 9 10 11 12 ] -> [ 13 14 . . . . ]
 * ```
 *
 * The first block is a ring that doubles up to 1024 slots; beyond that, blocks are chained. One array with `shift` would be quadratic, and
 * one ring that doubles for ever copies a backlog of a million messages twice, in arrays that V8 keeps in its large-object space
 * (measured: sending a million casts took a third longer).
 */
export class Mailbox<T> {
  #head: Block<T> | undefined;
  #tail: Block<T> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    this.#length += 1;
    if (this.#tail?.push(item)) return;
    const block = new Block<T>(this.#tail === undefined ? FIRST_SLOTS : BLOCK_SLOTS);
    block.push(item);
    if (this.#tail === undefined) this.#head = block;
    else this.#tail.next = block;
    this.#tail = block;
  }

  shift(): T | undefined {
    const head = this.#head;
    if (this.#length === 0 || head === undefined) return undefined;
    this.#length -= 1;
    const item = head.shift();
    if (head.length === 0 && head.next !== undefined) this.#head = head.next;
    return item;
  }

  /** Takes out the first item that `is` accepts; the others keep their order. Linear in the length, unless it is the very first. */
  take(is: (item: T) => boolean): T | undefined {
    const first = this.#head?.first;
    if (first !== undefined && is(first)) return this.shift();
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
    for (let block = this.#head; block !== undefined; block = block.next) yield* block;
  }

  clear(): void {
    this.#head = undefined;
    this.#tail = undefined;
    this.#length = 0;
  }
}

const FIRST_SLOTS = 4;
const BLOCK_SLOTS = 1024;

/** A ring of a power of two of slots, up to `BLOCK_SLOTS`. */
class Block<T> {
  next: Block<T> | undefined;
  length = 0;
  #slots: (T | undefined)[];
  #first = 0;

  constructor(slots: number) {
    this.#slots = new Array<T | undefined>(slots);
  }

  /** False if it is full. */
  push(item: T): boolean {
    if (this.length === this.#slots.length) {
      if (this.length === BLOCK_SLOTS) return false;
      this.#grow();
    }
    this.#slots[(this.#first + this.length) & (this.#slots.length - 1)] = item;
    this.length += 1;
    return true;
  }

  shift(): T | undefined {
    const item = this.#slots[this.#first];
    this.#slots[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#slots.length - 1);
    this.length -= 1;
    return item;
  }

  get first(): T | undefined {
    return this.length === 0 ? undefined : this.#slots[this.#first];
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.length; i += 1) {
      const item = this.#slots[(this.#first + i) & (this.#slots.length - 1)];
      if (item !== undefined) yield item;
    }
  }

  #grow(): void {
    const larger = new Array<T | undefined>(this.#slots.length * 2);
    for (let i = 0; i < this.length; i += 1) larger[i] = this.#slots[(this.#first + i) & (this.#slots.length - 1)];
    this.#slots = larger;
    this.#first = 0;
  }
}
