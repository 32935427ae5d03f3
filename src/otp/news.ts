/**
 * When a process hears of exit signals and of deaths that it monitors. In OTP it hears of them when it looks for messages, not in the middle
 * of what it does; and what it unlinks or demonitors before it looks, it never hears of. So news that comes while a handler is on the
 * stack waits until the handler is done, or waits on `self`.
 */
export class News {
  #onStack = false;
  #waiting: (() => void)[] | undefined;

  /** A handler begins. */
  enter(): void {
    this.#onStack = true;
  }

  /** The handler is done, or has given way to others. `goesOn`: a continuation comes before the process looks. */
  leave(goesOn: boolean): void {
    this.#onStack = false;
    if (this.#waiting !== undefined && !goesOn) this.hear();
  }

  /** True if the news was put off. */
  deferred(news: () => void): boolean {
    if (!this.#onStack) return false;
    this.#waiting ??= [];
    this.#waiting.push(news);
    return true;
  }

  /** The process looks. */
  hear(): void {
    const news = this.#waiting;
    if (news === undefined) return;
    const before = this.#onStack;
    this.#onStack = false;
    this.#waiting = undefined;
    for (const tell of news) tell();
    this.#onStack = before;
  }

  forget(): void {
    this.#waiting = undefined;
  }
}
