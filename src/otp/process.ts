import { Bonds } from './bonds.ts';
import type { Clock, Timer } from './clock.ts';
import type { ContextCarrier } from './context-carrier.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Deadlines } from './deadlines.ts';
import type { ChildView, Engine } from './engine.ts';
import { type Envelope, type Item, isSealed, seal } from './envelope.ts';
import { Mailbox } from './mailbox.ts';
import { isBounded, type MailboxLimit } from './mailbox-limit.ts';
import type { NactRef, ProcessRef, ProcessStatus } from './message.ts';
import type { Actor } from './nact-bridge.ts';
import { News } from './news.ts';
import type { CallHolder, PendingCall } from './pending-call.ts';
import type { Registry } from './registry.ts';
import type { Runnable, Scheduler } from './scheduler.ts';
import type { SignalQueue } from './signal-queue.ts';
import type { ExitReason } from './terms.ts';

/** What a process needs of its system. */
export interface ProcessHost {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly signals: SignalQueue;
  readonly registry: Registry<Process>;
  readonly deadlines: Deadlines;
  readonly deadLetters: DeadLetters;
  readonly carrier: ContextCarrier | undefined;
  /** All that live. */
  readonly processes: Set<Process>;
}

/**
 * A process: a mailbox, links, monitors, timers, and an end. It is at the same time what others hold to reach it (`ProcessRef`).
 *
 * Life: `starting` (its init runs) -> `waiting` <-> `running` -> `dead`. The end is one synchronous step, `die`, taken once,
 * whatever the reason: the name is free, calls that wait fail, monitors and links learn of it, the nact actor stops.
 */
export class Process implements ProcessRef, Runnable, CallHolder {
  readonly id: number;
  readonly name: string;
  readonly host: ProcessHost;
  /** Who started it with a link: the one whose exit signal ends it in order. */
  readonly parent: Process | undefined;
  readonly actor: Actor;
  readonly mailbox: Mailbox<Item> = new Mailbox();
  readonly limit: MailboxLimit | undefined;
  readonly bonds: Bonds<Process> = new Bonds();
  readonly news = new News();
  /** Exit signals arrive as messages. */
  trapExit = false;
  /** A handler is waiting for something (or init runs): no message is handled. */
  busy = true;
  #suspended = false;
  /** What is handled although the process is suspended: apart from the mailbox, so that nobody searches a million messages for it. */
  #urgent: Mailbox<Item> | undefined;
  engine: Engine | undefined;
  registeredName: string | undefined;
  /** The timeout that the last handler asked for. */
  idleTimer: Timer | undefined;
  tracer: ((item: Item) => void) | undefined;
  /** A supervisor shows its children, for `inspect`. */
  showChildren: (() => readonly ChildView[]) | undefined;
  /** Told of the death of a process that was still starting. */
  onDeath: ((reason: ExitReason) => void) | undefined;
  exitReason: ExitReason;
  dropped = 0;
  #dead = false;
  #queued = false;
  #calls: Set<PendingCall> | undefined;

  constructor(host: ProcessHost, options: ProcessOptions) {
    this.host = host;
    this.id = options.id;
    this.name = options.name;
    this.parent = options.parent;
    this.limit = options.limit;
    this.actor = options.spawnActor(this);
    host.processes.add(this);
  }

  get alive(): boolean {
    return !this.#dead;
  }

  get nact(): NactRef {
    return this.actor.ref;
  }

  get mailboxLength(): number {
    return this.mailbox.length;
  }

  get status(): ProcessStatus {
    if (this.#dead) return 'dead';
    if (this.engine === undefined) return 'starting';
    if (this.#suspended) return 'suspended';
    return this.busy || this.#queued ? 'running' : 'waiting';
  }

  /** What a ref looks like where it is sent as JSON. */
  toJSON(): { process: number; name: string } {
    return { process: this.id, name: this.name };
  }

  /** What a ref looks like where it is logged: not everything that hangs on it. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `<${this.name} #${this.id} ${this.status}>`;
  }

  // Messages

  /** Puts a message into the mailbox. False if it was refused, or nobody is there any more. */
  deliver(item: Item): boolean {
    if (this.#dead) {
      this.#lost('noproc', item, 'noproc');
      return false;
    }
    if (this.limit !== undefined && this.mailbox.length >= this.limit.limit && isBounded(item)) {
      if (!this.#makeRoom(this.limit, item)) return this.limit.whenFull === 'drop_newest';
    }
    const sealed = isSealed(item);
    if (sealed && item.from !== undefined) this.owe(item.from);
    if (this.idleTimer !== undefined && !(sealed && item.kind === 'system')) {
      this.idleTimer.cancel();
      this.idleTimer = undefined;
    }
    const urgent = this.#suspended && isUrgent(item, this);
    if (urgent) this.#pushUrgent(item);
    else this.mailbox.push(item);
    if (!this.#queued && !this.busy && (urgent || !this.#suspended)) this.wake();
    return true;
  }

  get suspended(): boolean {
    return this.#suspended;
  }

  /** From now on only urgent messages are handled: those that wait already, and those to come. */
  suspend(): void {
    this.#suspended = true;
    const waiting = [...this.mailbox].filter((item) => isUrgent(item, this));
    for (const item of waiting) {
      this.mailbox.take((other) => other === item);
      this.#pushUrgent(item);
    }
  }

  #pushUrgent(item: Item): void {
    this.#urgent ??= new Mailbox();
    this.#urgent.push(item);
  }

  resume(): void {
    this.#suspended = false;
  }

  /** No message came in time: says so, by a message. */
  timeOut(): void {
    this.idleTimer = undefined;
    this.deliver(seal.timeout());
  }

  /** Has the scheduler run this process, if there is something to do and nothing in the way. */
  wake(): void {
    if (this.#queued || this.busy || this.#dead) return;
    this.#queued = true;
    this.host.scheduler.ready(this);
  }

  /** The handler that was waited for is done. */
  proceed(): void {
    this.busy = false;
    if (this.#hasWork()) this.wake();
  }

  run(quantum: number): boolean {
    const { engine } = this;
    const { scheduler } = this.host;
    let more = true;
    for (let left = quantum; left > 0 && more; left -= 1) {
      if (this.#dead || this.busy || engine === undefined) more = false;
      else if (engine.hasContinuation && !this.#suspended) {
        this.news.enter();
        engine.resume();
        this.news.leave(engine.hasContinuation);
      } else {
        const next = this.#urgent?.shift() ?? (this.#suspended ? undefined : this.mailbox.shift());
        if (next === undefined) more = false;
        else {
          if (this.tracer !== undefined) this.tracer(next);
          this.news.enter();
          if (isSealed(next)) engine.handle(next);
          else engine.cast(next);
          this.news.leave(engine.hasContinuation);
          if (!scheduler.spend()) break;
        }
      }
    }
    this.#queued = more && !this.#dead && !this.busy && this.#hasWork();
    return this.#queued;
  }

  #hasWork(): boolean {
    if (this.#urgent !== undefined && this.#urgent.length > 0) return true;
    return !this.#suspended && (this.mailbox.length > 0 || this.engine?.hasContinuation === true);
  }

  #makeRoom(limit: MailboxLimit, item: Item): boolean {
    this.dropped += 1;
    const oldest = limit.whenFull === 'drop_oldest' ? this.mailbox.take(isBounded) : undefined;
    this.#lost('dropped', oldest ?? item, 'mailbox_full');
    return oldest !== undefined;
  }

  #lost(why: 'noproc' | 'unread' | 'dropped', item: Item, reason: ExitReason): void {
    if (!isSealed(item)) this.host.deadLetters.add(why, 'cast', item, this.name);
    else {
      if (isBounded(item)) this.host.deadLetters.add(why, item.kind, item.message, this.name);
      item.from?.fail(reason);
    }
  }

  // Calls that it owes a reply

  owe(call: PendingCall): void {
    call.server = this;
    this.#calls ??= new Set();
    this.#calls.add(call);
  }

  forget(call: PendingCall): void {
    this.#calls?.delete(call);
  }

  /** A timer that dies with the process. */
  startTimer(run: () => void, afterMs: number, keepsHostAlive = false): Timer {
    return this.bonds.startTimer(this.host.clock, run, afterMs, keepsHostAlive);
  }

  // The end

  /** Ends the process, at once and once. */
  die(reason: ExitReason): void {
    if (this.#dead) return;
    this.#dead = true;
    this.exitReason = reason;
    if (this.registeredName !== undefined) this.host.registry.unregister(this.registeredName, this);
    this.host.processes.delete(this);
    this.idleTimer = undefined;
    this.news.forget();
    this.bonds.release();
    this.actor.stop();
    this.#failCalls(reason);
    // A ref that is kept must not keep the state.
    this.engine = undefined;
    this.showChildren = undefined;
    this.host.signals.post(() => this.#tellOthers(reason));
  }

  #failCalls(reason: ExitReason): void {
    for (const item of this.mailbox) this.#lost('unread', item, reason);
    this.mailbox.clear();
    this.#urgent = undefined;
    const calls = this.#calls;
    this.#calls = undefined;
    for (const call of calls ?? []) call.fail(reason);
  }

  /** Monitors first, in the order in which they were set; then links. */
  #tellOthers(reason: ExitReason): void {
    const { watchers, links } = this.bonds.takeMourners();
    for (const monitor of watchers) monitor.fire(reason);
    for (const other of links) other.exitSignal(this, reason, true);
    this.onDeath?.(reason);
    this.onDeath = undefined;
  }

  /**
   * An exit signal arrives. `linked`: because a linked process ended, in which case even `kill` is a reason like others, and only if the
   * link is still there. `from` is `undefined` for a sender that is no process.
   */
  exitSignal(from: Process | undefined, reason: ExitReason, linked = false): void {
    if (this.#dead) return;
    if (from !== this && this.news.deferred(() => this.exitSignal(from, reason, linked))) return;
    if (linked && from !== undefined && !this.bonds.removeLink(from)) return;
    if (reason === 'kill' && !linked) this.die('killed');
    else if (this.trapExit) this.deliver(this.#exitMessage(from, reason));
    else if (reason !== 'normal' || from === this) this.die(reason);
  }

  /** It linked itself to a process that is dead: a message if exits are trapped now, whatever holds when it comes to it. */
  linkFailed(other: Process): void {
    const tell = (): void => void this.deliver(this.#exitMessage(other, 'noproc'));
    if (!this.trapExit) this.die('noproc');
    else if (!this.news.deferred(tell)) tell();
  }

  #exitMessage(from: Process | undefined, reason: ExitReason): Envelope {
    return seal.exit({ type: 'EXIT', from: from ?? this.host.signals.stranger, reason });
  }
}

export interface ProcessOptions {
  readonly id: number;
  readonly name: string;
  readonly parent: Process | undefined;
  readonly limit: MailboxLimit | undefined;
  readonly spawnActor: (process: Process) => Actor;
}

/** Handled even while suspended: what `sys` asks, and the parent's exit. */
function isUrgent(item: Item, process: Process): boolean {
  if (!isSealed(item)) return false;
  return item.kind === 'system' || (item.kind === 'exit' && item.message.from === process.parent);
}
