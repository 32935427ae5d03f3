/**
 * A request whose payload lies in shared memory, on its way. When its caller gives up, the worker may still read the memory and write to it: the
 * caller hears at once, the memory is only free when the worker has answered or is gone.
 */
import { timedOut } from './errors.ts';
import type { ReceivedReply } from './messages.ts';

export interface CallOptions {
  readonly signal: AbortSignal | undefined;
  /** Milliseconds from now; Infinity for none. */
  readonly timeoutMs: number;
}

export class Sent {
  /** The worker's answer. Rejects with what went wrong, or with why the caller gave up. */
  readonly reply: Promise<ReceivedReply>;
  readonly #signal: AbortSignal | undefined;
  readonly #onGiveUp: () => void;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #listeners: (() => void)[] = [];
  #resolve: (reply: ReceivedReply) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;
  #done = false;

  constructor(command: string, { signal, timeoutMs }: CallOptions, onGiveUp: () => void) {
    this.#onGiveUp = onGiveUp;
    this.#signal = signal;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (timeoutMs <= MAX_TIMER_MS) {
      this.#timer = setTimeout(() => this.#giveUp(timedOut(command, timeoutMs)), Math.max(0, timeoutMs));
    }
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** The worker answered. */
  finish(reply: ReceivedReply): void {
    this.#settle();
    this.#resolve(reply);
  }

  /** There will be no answer: the worker is gone. */
  fail(reason: unknown): void {
    this.#settle();
    this.#reject(reason);
  }

  /** Whether the worker has answered, or is gone. */
  get done(): boolean {
    return this.#done;
  }

  /** Calls back when the worker is done with it for certain; at once if it is. */
  whenDone(listener: () => void): void {
    if (this.#done) listener();
    else this.#listeners.push(listener);
  }

  #abort = (): void => this.#giveUp(this.#signal?.reason);

  #giveUp(reason: unknown): void {
    this.#forget();
    this.#reject(reason);
    this.#onGiveUp();
  }

  #settle(): void {
    if (this.#done) return;
    this.#done = true;
    this.#forget();
    for (const listener of this.#listeners) listener();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1;
