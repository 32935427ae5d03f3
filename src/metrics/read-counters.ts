/** What reading cost and what it stumbled over. */
export class ReadCounters {
  aggregatesRead = 0;
  corruptValues = 0;
  readonly #onCorrupt: (error: unknown) => void;

  /** `onCorrupt` hears of the first damaged value only: one bad page must not flood a log. */
  constructor(onCorrupt: (error: unknown) => void) {
    this.#onCorrupt = onCorrupt;
  }

  corrupt(error: unknown): void {
    this.corruptValues += 1;
    if (this.corruptValues === 1) this.#onCorrupt(error);
  }
}
