/** A timer that was set. All three may be called at any time, also after it ran. */
export interface Timer {
  cancel(): void;
  /** Let the timer keep the host process alive (the state after `setTimer`). */
  ref(): void;
  /** Let the host process end although the timer has not run. */
  unref(): void;
}

/** Time as `otp` sees it. Give a system another one (`createTestClock()`) and nothing in it waits for real time. */
export interface Clock {
  /** Milliseconds since the epoch, with fractions; never runs backwards. */
  now(): number;
  /** Runs `run` once, `afterMs` milliseconds from now. */
  setTimer(run: () => void, afterMs: number): Timer;
}

/** The longest delay that Node's timers take; longer ones would fire at once. */
const LONGEST_MS = 2_147_483_647;

/** Real time: the default of every system, and the only place in `otp` that reads it. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimer(run, afterMs) {
    const timeout = setTimeout(run, Math.min(Math.max(0, afterMs), LONGEST_MS));
    return {
      cancel: () => clearTimeout(timeout),
      ref: () => void timeout.ref(),
      unref: () => void timeout.unref(),
    };
  },
};
