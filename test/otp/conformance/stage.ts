import { createTestClock, type ProcessRef, type System, startSystem, type TestClock } from '../../../src/otp/index.ts';

/** Turns of the event loop without any movement after which nothing but time can move anything. */
const QUIET_TURNS = 2;

/**
 * Where one scenario plays: a system of its own, whose time stands still while anything moves and jumps to the next timer when nothing
 * does. So a scenario that sleeps for a second takes no time, and what takes long takes long in the right order.
 */
export class Stage {
  readonly clock: TestClock = createTestClock();
  readonly system: System = startSystem({ name: 'scenario', clock: this.clock });

  /** Waits for something, moving time when nothing else would. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let pending = true;
    const watched = work.finally(() => {
      pending = false;
    });
    watched.catch(() => undefined);
    while (pending) {
      await this.#quiet();
      if (pending && !this.clock.advanceToNext()) await this.#stuck(() => !pending);
    }
    return watched;
  }

  /** Waits until all of `processes` wait for messages, or are dead. */
  async rest(processes: () => Iterable<ProcessRef>): Promise<void> {
    for (;;) {
      await this.#quiet();
      if ([...processes()].every(atRest)) return;
      if (!this.clock.advanceToNext()) await this.#stuck(() => [...processes()].every(atRest));
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      this.clock.setTimer(done, ms);
    });
  }

  /** A few turns in which nothing is ready to run: then everything waits for time, or for nothing. */
  async #quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
      await new Promise((done) => setImmediate(done));
      if (!this.system.scheduler.idle) turns = -1;
    }
  }

  async #stuck(isDone: () => boolean): Promise<void> {
    for (let turns = 0; turns < 100; turns += 1) {
      await this.#quiet();
      if (isDone()) return;
    }
    throw new Error('the scenario hangs: nothing moves, and no timer is set');
  }
}

function atRest(process: ProcessRef): boolean {
  return (
    !process.alive || ((process.status === 'waiting' || process.status === 'suspended') && process.mailboxLength === 0)
  );
}
