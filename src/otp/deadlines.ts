import type { Clock, Timer } from './clock.ts';
import type { CallHolder, PendingCall } from './pending-call.ts';

/**
 * The timeouts of calls. A timer per call costs more than the call; calls with the same timeout fall due in the order in which they
 * were made, so one list and one timer per length of timeout are enough.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #lists = new Map<number, DeadlineList>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on `call` fails with `'timeout'` after `timeoutMs`. */
  add(call: PendingCall, timeoutMs: number): void {
    let list = this.#lists.get(timeoutMs);
    if (list === undefined) {
      list = new DeadlineList(this.#clock, timeoutMs, () => this.#lists.delete(timeoutMs));
      this.#lists.set(timeoutMs, list);
    }
    list.add(call);
  }
}

class DeadlineList implements CallHolder {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #dispose: () => void;
  readonly #calls = new Set<PendingCall>();
  #timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: number, dispose: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#dispose = dispose;
  }

  add(call: PendingCall): void {
    call.deadline = this;
    call.deadlineAt = this.#clock.now() + this.#timeoutMs;
    this.#calls.add(call);
    if (this.#timer === undefined) this.#arm(this.#timeoutMs);
    else if (this.#calls.size === 1) this.#timer.ref();
  }

  /** An armed timer with nothing to do must not keep the host alive; it is cheaper to leave than to cancel. */
  forget(call: PendingCall): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#timer?.unref();
  }

  #arm(afterMs: number): void {
    this.#timer = this.#clock.setTimer(() => this.#expire(), afterMs);
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const call of this.#calls) {
      if (call.deadlineAt > now) {
        // Never shorter than a tick: a timer that fires a little early must not spin.
        this.#arm(Math.max(1, call.deadlineAt - now));
        return;
      }
      call.fail('timeout');
    }
    this.#dispose();
  }
}
