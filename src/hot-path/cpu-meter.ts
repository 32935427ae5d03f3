/**
 * Cpu time of the host during one leg of a transfer. The system counts per process, so it is only known for a leg that had the process to
 * itself; others report none, rather than a share that nobody measured.
 */
export class CpuMeter {
  #running = 0;
  /** Legs started so far: one that started in between shows as a difference. */
  #started = 0;

  start(): { stop(): number | undefined } {
    this.#running += 1;
    this.#started += 1;
    const alone = this.#running === 1;
    const started = this.#started;
    const before = alone ? process.cpuUsage() : undefined;
    return {
      stop: () => {
        this.#running -= 1;
        if (before === undefined || started !== this.#started) return undefined;
        const { user, system } = process.cpuUsage(before);
        return user + system;
      },
    };
  }
}
