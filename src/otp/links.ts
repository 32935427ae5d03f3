import { processOf, resolve } from './client.ts';
import type { Destination, MonitorRef, ProcessRef } from './message.ts';
import { Monitor, type OnDown } from './monitor.ts';
import type { Process } from './process.ts';
import type { ExitReason } from './terms.ts';

/**
 * Sends an exit signal from outside of all processes, as `exit/2`: `kill` ends any process with reason `killed`; `normal` does nothing;
 * every other reason ends a process that does not trap exits, and is a message to one that does. A process that is dead takes no
 * notice. A handler that is running is not interrupted: its result is dropped when it comes.
 */
export function exit(ref: ProcessRef, reason: ExitReason): void {
  processOf(ref).exitSignal(undefined, reason);
}

/**
 * Watches a process: `onDown` is called once, when it is dead, with the reason; with `noproc`, in a microtask, if it was dead
 * already or nobody has the name. What `onDown` throws is dropped. Does not keep the host alive.
 *
 * @example
 * const watch = monitor(root, (reason) => log(`gave up: ${describeReason(reason)}`));
 * demonitor(watch);
 */
export function monitor(target: Destination, onDown: OnDown): MonitorRef {
  return new Monitor(resolve(target), nameOrRef(target), undefined, (reason, process) => {
    try {
      onDown(reason, process);
    } catch {
      // A watcher's fault must not stop the news from reaching others.
    }
  });
}

/** Ends a monitor. One that fired already, or that was ended, is left as it is. */
export function demonitor(watch: MonitorRef): void {
  if (watch instanceof Monitor) watch.cancel();
}

/** Resolves with the exit reason when the process is dead; at once, with its reason, if it is dead already. */
export function whenDown(ref: ProcessRef): Promise<ExitReason> {
  const process = processOf(ref);
  if (!process.alive) return Promise.resolve(process.exitReason);
  return new Promise((done) => {
    monitor(ref, (reason) => done(reason));
  });
}

/** Links two processes: an abnormal end of one is an exit signal to the other. Once linked, linking again changes nothing. */
export function link(a: ProcessRef, b: ProcessRef): void {
  linkProcesses(processOf(a), processOf(b));
}

/** Undoes `link`, whoever made it. */
export function unlink(a: ProcessRef, b: ProcessRef): void {
  const [one, other] = [processOf(a), processOf(b)];
  one.bonds.removeLink(other);
  other.bonds.removeLink(one);
}

export function linkProcesses(a: Process, b: Process): void {
  if (a === b) return;
  if (!a.alive) b.linkFailed(a);
  else if (!b.alive) a.linkFailed(b);
  else {
    a.bonds.addLink(b);
    b.bonds.addLink(a);
  }
}

/** What a `DOWN` message calls the monitored: by name, if it was monitored by name. */
export function nameOrRef(target: Destination): ProcessRef | string {
  return 'registered' in target ? target.registered : target;
}
