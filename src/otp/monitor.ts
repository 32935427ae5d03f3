import { seal } from './envelope.ts';
import type { MonitorRef, ProcessRef } from './message.ts';
import type { Process } from './process.ts';
import type { ExitReason } from './terms.ts';

/** What a monitor that is no process does when the monitored one is dead. Must not throw. */
export type OnDown = (reason: ExitReason, process: ProcessRef | string) => void;

/** One monitor: tells its owner once that `target` is dead. */
export class Monitor implements MonitorRef {
  /** What was monitored: the process, or the name by which it was. */
  readonly process: ProcessRef | string;
  readonly #target: Process | undefined;
  readonly #owner: Process | undefined;
  readonly #onDown: OnDown | undefined;
  #active = true;

  /** `target` is `undefined` for a name that nobody has. With an owner, `DOWN` comes to its mailbox; else `onDown` is called. */
  constructor(target: Process | undefined, process: ProcessRef | string, owner?: Process, onDown?: OnDown) {
    this.process = process;
    this.#target = target;
    this.#owner = owner;
    this.#onDown = onDown;
    if (target?.alive) {
      target.bonds.addWatcher(this);
      owner?.bonds.addWatching(this);
    } else if (owner !== undefined && onDown === undefined) this.fire('noproc');
    else queueMicrotask(() => this.fire('noproc'));
  }

  get active(): boolean {
    return this.#active;
  }

  fire(reason: ExitReason): void {
    if (!this.#active || this.#owner?.news.deferred(() => this.fire(reason))) return;
    this.cancel();
    if (this.#onDown !== undefined) this.#onDown(reason, this.process);
    else this.#owner?.deliver(seal.down({ type: 'DOWN', monitor: this, process: this.process, reason }));
  }

  cancel(): void {
    this.#active = false;
    this.#target?.bonds.removeWatcher(this);
    this.#owner?.bonds.removeWatching(this);
  }
}
