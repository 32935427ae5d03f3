import type { From } from './message.ts';
import type { ExitReason } from './terms.ts';

/** Where the outcome of a call goes. */
export interface Settler<R> {
  resolve(value: R): void;
  reject(reason: ExitReason): void;
}

/** Who keeps a call until it is settled: the server that owes the reply, the list of deadlines. */
export interface CallHolder {
  forget(call: PendingCall): void;
}

/**
 * One call that waits for its reply: the reply channel of `pitwall/otp`. It settles once; what comes later is dropped, as a reply to a
 * caller that gave up is in OTP.
 */
export class PendingCall<R = unknown> implements From<R> {
  #settler: Settler<R> | undefined;
  /** The server that owes the reply, while it does. */
  server: CallHolder | undefined;
  deadline: CallHolder | undefined;
  deadlineAt = 0;
  /** Takes back what else waits for the outcome: the listener of an abort signal. */
  cleanUp: (() => void) | undefined;

  constructor(settler: Settler<R>) {
    this.#settler = settler;
  }

  get settled(): boolean {
    return this.#settler === undefined;
  }

  resolve(value: R): void {
    this.#release()?.resolve(value);
  }

  fail(reason: ExitReason): void {
    this.#release()?.reject(reason);
  }

  #release(): Settler<R> | undefined {
    const settler = this.#settler;
    if (settler === undefined) return undefined;
    this.#settler = undefined;
    this.server?.forget(this);
    this.deadline?.forget(this);
    this.cleanUp?.();
    this.server = undefined;
    this.deadline = undefined;
    this.cleanUp = undefined;
    return settler;
  }
}
