/** Messages that nobody handled, counted by why. */
export interface DeadLetterCounts {
  /** Sent to a process that was dead, or to a name that nobody had. */
  readonly noproc: number;
  /** Waiting in a mailbox when its process died. */
  readonly unread: number;
  /** Refused or dropped by a bounded mailbox. */
  readonly dropped: number;
}

/** One message that nobody handled. */
export interface DeadLetter {
  readonly why: keyof DeadLetterCounts;
  readonly kind: string;
  readonly message: unknown;
  /** The process, or the name, it was for. */
  readonly to: string;
}

/** Counts dead letters, and shows each to whoever wants to see it. */
export class DeadLetters {
  readonly #counts = { noproc: 0, unread: 0, dropped: 0 };
  readonly #onDeadLetter: ((letter: DeadLetter) => void) | undefined;

  constructor(onDeadLetter?: (letter: DeadLetter) => void) {
    this.#onDeadLetter = onDeadLetter;
  }

  get counts(): DeadLetterCounts {
    return { ...this.#counts };
  }

  add(why: keyof DeadLetterCounts, kind: string, message: unknown, to: string): void {
    this.#counts[why] += 1;
    this.#onDeadLetter?.({ why, kind, message, to });
  }
}
