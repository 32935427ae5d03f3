import type { Clock, Timer } from './clock.ts';

/** A clock that stands still until it is told to move. */
export interface TestClock extends Clock {
  /** Moves time on by `ms`, running what falls due in order, each at its own time. */
  advance(ms: number): void;
  /** Moves time on to the next timer and runs it. False if there is none. */
  advanceToNext(): boolean;
  /** How many timers are set. */
  readonly pending: number;
}

interface Entry {
  readonly at: number;
  readonly serial: number;
  readonly run: () => void;
}

/**
 * A controllable clock, for tests of a host's own actors too.
 *
 * @example
 * const clock = createTestClock();
 * const system = startSystem({ name: 'test', clock });
 * clock.advance(5_000); // every timeout of 5 s runs now
 */
export function createTestClock(startMs = 0): TestClock {
  const entries = new Set<Entry>();
  let now = startMs;
  let serial = 0;

  const next = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (first === undefined || entry.at < first.at || (entry.at === first.at && entry.serial < first.serial)) {
        first = entry;
      }
    }
    return first;
  };
  const run = (entry: Entry): void => {
    entries.delete(entry);
    now = Math.max(now, entry.at);
    entry.run();
  };

  return {
    now: () => now,
    setTimer(task, afterMs): Timer {
      serial += 1;
      const entry = { at: now + Math.max(0, afterMs), serial, run: task };
      entries.add(entry);
      return { cancel: () => void entries.delete(entry), ref: () => undefined, unref: () => undefined };
    },
    advance(ms) {
      const until = now + ms;
      for (let entry = next(); entry !== undefined && entry.at <= until; entry = next()) run(entry);
      now = until;
    },
    advanceToNext() {
      const entry = next();
      if (entry === undefined) return false;
      run(entry);
      return true;
    },
    get pending() {
      return entries.size;
    },
  };
}
