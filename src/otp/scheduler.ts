import type { Clock } from './clock.ts';
import { Mailbox } from './mailbox.ts';

/** What the scheduler runs: a process with messages in its mailbox. */
export interface Runnable {
  /** Handles up to `quantum` messages; says whether there is more to do at once. */
  run(quantum: number): boolean;
}

/** Limits of one turn of the event loop. */
export interface TurnLimits {
  /** Messages handled per turn, by all processes of the system together. Default 4096. */
  readonly messages: number;
  /** Milliseconds per turn. Default 2. */
  readonly ms: number;
  /** Messages that one process handles before the next one has its turn. Default 64. */
  readonly quantum: number;
}

export const DEFAULT_TURN: TurnLimits = { messages: 4096, ms: 2, quantum: 64 };

/** How many messages are handled between two looks at the clock. A look costs a tenth of a message; handlers may be slow. */
const CLOCK_EVERY = 4;

/**
 * Runs processes in batches, fair to each other and to the host's event loop.
 *
 * A process with a message is put at the end of the ready queue and run in a microtask of the same turn: about 0.1 us, where nact's
 * `setImmediate` per message takes 1 us and more. Microtasks alone would starve the host, so a turn has a budget of messages and
 * of time; when it is spent, the rest waits for a `setImmediate`, and I/O and timers of the host come first. The immediate is
 * armed only in a turn that has work: an idle system holds no handle.
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #limits: TurnLimits;
  readonly #ready: Mailbox<Runnable> = new Mailbox();
  readonly #pump = (): void => this.#run();
  readonly #turn = (): void => this.#newTurn();
  #pumping = false;
  #scheduled = false;
  #turnArmed = false;
  #handled = 0;
  #turnEndsAt = 0;
  #sinceClock = 0;
  #busyMs = 0;

  constructor(clock: Clock, limits: TurnLimits = DEFAULT_TURN) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Nothing is ready to run. */
  get idle(): boolean {
    return this.#ready.length === 0 && !this.#pumping;
  }

  /** Milliseconds of the event loop that handlers have taken, since the start; of asynchronous ones, what ran at once. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** Queues a process that has something to do. The process must not be queued already. */
  ready(process: Runnable): void {
    this.#ready.push(process);
    if (this.#pumping || this.#scheduled) return;
    if (this.#turnArmed && this.#spent()) return; // the immediate of this turn will run it
    this.#scheduled = true;
    queueMicrotask(this.#pump);
  }

  /** One message was handled: may another one be, in this turn? */
  spend(): boolean {
    this.#handled += 1;
    this.#sinceClock += 1;
    if (this.#sinceClock >= CLOCK_EVERY) {
      this.#sinceClock = 0;
      if (this.#clock.now() >= this.#turnEndsAt) this.#handled = this.#limits.messages;
    }
    return !this.#spent();
  }

  #spent(): boolean {
    return this.#handled >= this.#limits.messages;
  }

  #run(): void {
    this.#scheduled = false;
    const startedAt = this.#clock.now();
    if (!this.#turnArmed) {
      this.#turnArmed = true;
      this.#handled = 0;
      this.#sinceClock = 0;
      this.#turnEndsAt = startedAt + this.#limits.ms;
      setImmediate(this.#turn);
    }
    this.#pumping = true;
    while (this.#ready.length > 0 && !this.#spent()) {
      const process = this.#ready.shift();
      if (process?.run(this.#limits.quantum)) this.#ready.push(process);
    }
    this.#pumping = false;
    this.#busyMs += this.#clock.now() - startedAt;
  }

  #newTurn(): void {
    this.#turnArmed = false;
    if (this.#ready.length > 0 && !this.#scheduled) this.#run();
  }
}
