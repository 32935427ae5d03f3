/**
 * Restarts within the period: decides when a supervisor gives up. Counted in whole seconds, as in OTP: a restart counts for as long as
 * its second is not more than `period` before the present one. It never holds more than `intensity + 1` entries.
 */
export class RestartWindow {
  #seconds: number[] = [];

  /** Restarts that counted when the last one was added. */
  get size(): number {
    return this.#seconds.length;
  }

  /** One more restart. False if that is more than `intensity` within `periodS` seconds. */
  add(nowMs: number, intensity: number, periodS: number): boolean {
    const now = Math.floor(nowMs / 1000);
    this.#seconds = this.#seconds.filter((second) => second >= now - periodS);
    this.#seconds.push(now);
    return this.#seconds.length <= intensity;
  }
}
