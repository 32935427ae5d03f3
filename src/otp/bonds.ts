import type { Clock, Timer } from './clock.ts';
import type { ExitReason } from './terms.ts';

/** A monitor, as those see it who keep it. */
export interface Watch {
  fire(reason: ExitReason): void;
  cancel(): void;
}

/**
 * What ties a process to others and to time: links, monitors on it and of its own, timers. Most processes have few of these, so each set is
 * made when it is first needed.
 */
export class Bonds<P> {
  #links: Set<P> | undefined;
  #watchers: Set<Watch> | undefined;
  #watching: Set<Watch> | undefined;
  #timers: Set<Timer> | undefined;
  #broken = false;

  get links(): ReadonlySet<P> | undefined {
    return this.#links;
  }

  addLink(other: P): void {
    this.#links ??= new Set();
    this.#links.add(other);
  }

  /** False if there was none. */
  removeLink(other: P): boolean {
    return this.#links?.delete(other) ?? false;
  }

  /** Somebody watches this process. */
  addWatcher(monitor: Watch): void {
    this.#watchers ??= new Set();
    this.#watchers.add(monitor);
  }

  removeWatcher(monitor: Watch): void {
    this.#watchers?.delete(monitor);
  }

  /** This process watches another one. */
  addWatching(monitor: Watch): void {
    this.#watching ??= new Set();
    this.#watching.add(monitor);
  }

  removeWatching(monitor: Watch): void {
    this.#watching?.delete(monitor);
  }

  /** A timer that ends with the process. `keepsHostAlive` only for what a host must wait for, such as a shutdown. */
  startTimer(clock: Clock, run: () => void, afterMs: number, keepsHostAlive: boolean): Timer {
    const timer = clock.setTimer(() => {
      this.#timers?.delete(own);
      run();
    }, afterMs);
    const own: Timer = {
      cancel: () => {
        this.#timers?.delete(own);
        timer.cancel();
      },
      ref: () => timer.ref(),
      unref: () => timer.unref(),
    };
    if (!keepsHostAlive) timer.unref();
    if (this.#broken) timer.cancel();
    else {
      this.#timers ??= new Set();
      this.#timers.add(own);
    }
    return own;
  }

  /** The process is dead: its timers and its own monitors are no more. */
  release(): void {
    this.#broken = true;
    for (const timer of this.#timers ?? []) timer.cancel();
    for (const monitor of this.#watching ?? []) monitor.cancel();
    this.#timers = undefined;
    this.#watching = undefined;
  }

  /** Who is to hear of the death: monitors in the order in which they were set, links. Asked once. */
  takeMourners(): { watchers: Iterable<Watch>; links: Iterable<P> } {
    const mourners = { watchers: this.#watchers ?? [], links: this.#links ?? [] };
    this.#watchers = undefined;
    this.#links = undefined;
    return mourners;
  }
}
