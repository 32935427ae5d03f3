import type { ProcessRef } from './message.ts';

/**
 * Delivers news of deaths one after another. A death may cause another one (links); handled as a queue, not as a recursion, a chain
 * of 100 000 linked processes ends without a deep stack, and everybody hears of deaths in the order in which they happened.
 */
export class SignalQueue {
  readonly #queue: (() => void)[] = [];
  #draining = false;
  /** Who is named as the sender of an exit signal that no process sent. */
  readonly stranger: ProcessRef;

  constructor(stranger: ProcessRef) {
    this.stranger = stranger;
  }

  post(deliver: () => void): void {
    this.#queue.push(deliver);
    if (this.#draining) return;
    this.#draining = true;
    for (let i = 0; i < this.#queue.length; i += 1) this.#queue[i]?.();
    this.#queue.length = 0;
    this.#draining = false;
  }
}

/** The sender of what comes from outside of all processes. */
export const STRANGER: ProcessRef = Object.freeze({
  id: 0,
  name: 'stranger',
  alive: false,
  status: 'dead',
  mailboxLength: 0,
  dropped: 0,
  exitReason: undefined,
  nact: {},
});
