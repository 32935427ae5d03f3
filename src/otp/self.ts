import { type CallOptions, cast, processOf, request, resolve, send } from './client.ts';
import type { Timer } from './clock.ts';
import { isSealed, seal } from './envelope.ts';
import { demonitor, linkProcesses, nameOrRef, unlink } from './links.ts';
import type { Destination, Message, MessageOf, MonitorRef, ProcessRef, ReplyOf, ServerRef } from './message.ts';
import { Monitor } from './monitor.ts';
import type { Process } from './process.ts';
import type { Parent, SpawnHost } from './spawn.ts';
import type { ExitReason } from './terms.ts';

/**
 * The process in which a handler runs: what it may do as itself. Once the process is dead, none of this does anything any more, and
 * promises of `call`, `sleep` and `wait` stay unsettled: a handler of a killed process runs no further than its next `await` on them.
 */
export class Self<C extends Message = never, K extends Message = never, I extends Message = never> implements Parent {
  readonly ref: ServerRef<C, K, I>;
  readonly host: SpawnHost;
  readonly #process: Process;

  constructor(process: Process, host: SpawnHost) {
    this.#process = process;
    this.ref = process;
    this.host = host;
  }

  /** Who started it with a link, if anybody did. */
  get parent(): ProcessRef | undefined {
    return this.#process.parent;
  }

  /** As the function `call`; fails with `calling_self` for the process itself. */
  call<D extends Message, T extends D['type']>(
    server: Destination<D>,
    message: NoInfer<D> & { readonly type: T },
    options?: CallOptions,
  ): Promise<ReplyOf<MessageOf<D, T>>> {
    this.#process.news.hear();
    return request(server, message, options, this.#process);
  }

  /** As the function `cast`. */
  cast<D extends Message>(server: Destination<never, D>, message: NoInfer<D>): boolean {
    return this.#process.alive && cast(server, message);
  }

  /** As the function `send`. */
  send<D extends Message>(server: Destination<never, never, D>, message: NoInfer<D>): boolean {
    return this.#process.alive && send(server, message);
  }

  /** Sends itself a message after `afterMs`. The timer dies with the process and does not keep the host alive. */
  sendAfter(message: I, afterMs: number): Timer {
    const process = this.#process;
    return process.startTimer(() => void process.deliver(seal.info(message, undefined)), afterMs);
  }

  /** Whether exit signals arrive as messages (`{ type: 'EXIT' }`) from now on. Returns what held before. Default false. */
  trapExit(flag: boolean): boolean {
    const before = this.#process.trapExit;
    this.#process.trapExit = flag;
    return before;
  }

  /** Links itself to `other`. To a dead process: an exit signal `noproc`. */
  link(other: ProcessRef): void {
    if (this.#process.alive) linkProcesses(this.#process, processOf(other));
  }

  /** Ends a link. Of an end that came in this very handler nothing is heard. */
  unlink(other: ProcessRef): void {
    unlink(this.#process, other);
  }

  /** One `DOWN` message when the target is dead; at once, with `noproc`, if it is dead or nobody has the name. */
  monitor(target: Destination): MonitorRef {
    return new Monitor(resolve(target), nameOrRef(target), this.#process);
  }

  /** Ends a monitor; with `flush`, also takes its `DOWN` message out of the mailbox. */
  demonitor(watch: MonitorRef, options?: { readonly flush?: boolean }): void {
    demonitor(watch);
    if (!options?.flush) return;
    this.#process.mailbox.take((item) => isSealed(item) && item.kind === 'down' && item.message.monitor === watch);
  }

  /** Sends an exit signal, as `exit/2`. To itself, `normal` ends the process too. */
  exit(target: ProcessRef, reason: ExitReason): void {
    if (this.#process.alive) processOf(target).exitSignal(this.#process, reason);
  }

  /** Waits; for as long as it does, the process handles no message. */
  sleep(ms: number): Promise<void> {
    this.#process.news.hear();
    return new Promise((done) => {
      this.#process.startTimer(done, ms, true);
    });
  }

  /** Waits for a promise of somebody else's; goes on only if the process still lives then. */
  wait<T>(promise: PromiseLike<T>): Promise<T> {
    this.#process.news.hear();
    return new Promise((done, failed) => {
      promise.then(
        (value) => {
          if (this.#process.alive) done(value);
        },
        (error) => {
          if (this.#process.alive) failed(error);
        },
      );
    });
  }
}
