/**
 * Restarts within the period: decides when a supervisor gives up. Counted in whole seconds, as in OTP: a restart counts for as long as
 * its second is not more than `period` before the present one. One entry per second that had any, so that a thousand restarts a second
 * cost no more than one.
 */
export class RestartWindow {
  #seconds: { readonly at: number; count: number }[] = [];
  #size = 0;

  /** Restarts that counted when the last one was added. */
  get size(): number {
    return this.#size;
  }

  /** One more restart. False if that is more than `intensity` within `periodS` seconds. */
  add(nowMs: number, intensity: number, periodS: number): boolean {
    const now = Math.floor(nowMs / 1000);
    const oldest = this.#seconds[0];
    if (oldest !== undefined && oldest.at < now - periodS) this.#forgetBefore(now - periodS);
    const last = this.#seconds.at(-1);
    if (last?.at === now) last.count += 1;
    else this.#seconds.push({ at: now, count: 1 });
    this.#size += 1;
    return this.#size <= intensity;
  }

  #forgetBefore(second: number): void {
    this.#seconds = this.#seconds.filter(({ at }) => at >= second);
    this.#size = this.#seconds.reduce((sum, { count }) => sum + count, 0);
  }
}
