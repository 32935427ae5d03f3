import type { GenServer } from './behaviour.ts';
import type { Engine } from './engine.ts';
import type { Envelope } from './envelope.ts';
import { reasonOf } from './errors.ts';
import type { Message, SystemMessage } from './message.ts';
import type { After, CallNext } from './next.ts';
import type { PendingCall } from './pending-call.ts';
import type { Process } from './process.ts';
import type { Self } from './self.ts';
import type { Awaitable } from './start.ts';
import type { SystemRequest } from './sys-requests.ts';
import type { ExitReason } from './terms.ts';

/** What a handler may come to, or that the loop took care of the message by itself. */
type Outcome<S, T> = CallNext<S, unknown, T> | typeof HANDLED;

const HANDLED = Object.freeze({ type: 'handled' });

/** The callbacks that run after `init`. */
export type Handlers<S, C extends Message, K extends Message, I extends Message, T> = Omit<
  GenServer<never, S, C, K, I, T>,
  'init'
>;

/**
 * The loop of a gen_server: takes one message at a time, runs the handler, does what it came to.
 *
 * Nothing that a handler throws leaves this class: it becomes the exit reason. Sync handlers run without a promise; an async one makes
 * the process busy until it is done, and what it comes to after the death of the process is dropped.
 */
export class ServerLoop<S, C extends Message, K extends Message, I extends Message, T> implements Engine {
  readonly #process: Process;
  readonly #self: Self<C, K, I>;
  readonly #handlers: Handlers<S, C, K, I, T>;
  #state: S;
  #continuation: { readonly term: T } | undefined;

  constructor(process: Process, self: Self<C, K, I>, handlers: Handlers<S, C, K, I, T>, state: S) {
    this.#process = process;
    this.#self = self;
    this.#handlers = handlers;
    this.#state = state;
  }

  get hasContinuation(): boolean {
    return this.#continuation !== undefined;
  }

  resume(): void {
    const continuation = this.#continuation;
    if (continuation === undefined) return;
    this.#continuation = undefined;
    const { handleContinue } = this.#handlers;
    if (handleContinue === undefined) this.#stop({ type: 'bad_continue', term: continuation.term });
    else this.#settle(() => handleContinue(continuation.term, this.#state, this.#self), undefined);
  }

  handle(envelope: Envelope<C, K, I, S>): void {
    const { carrier } = this.#process.host;
    let outcome: Awaitable<Outcome<S, T>>;
    try {
      outcome =
        carrier === undefined || envelope.context === undefined
          ? this.#dispatch(envelope)
          : carrier.run(envelope.context, () => this.#dispatch(envelope));
    } catch (thrown) {
      this.#stop(reasonOf(thrown));
      return;
    }
    this.#take(outcome, envelope.kind === 'call' ? envelope.from : undefined);
  }

  cast(message: K): void {
    const { handleCast } = this.#handlers;
    let outcome: Awaitable<Outcome<S, T>>;
    try {
      outcome =
        handleCast === undefined ? this.#unhandled('bad_cast', message) : handleCast(message, this.#state, this.#self);
    } catch (thrown) {
      this.#stop(reasonOf(thrown));
      return;
    }
    this.#take(outcome, undefined);
  }

  /** What follows a handler, or `init`. */
  after(what: After<T> | undefined): void {
    if (what === undefined) return;
    if (what.kind === 'continue') this.#continuation = { term: what.term };
    else this.#startIdleTimer(what.timeoutMs);
  }

  #dispatch(envelope: Envelope<C, K, I, S>): Awaitable<Outcome<S, T>> {
    const handlers = this.#handlers;
    switch (envelope.kind) {
      case 'cast':
        if (handlers.handleCast === undefined) return this.#unhandled('bad_cast', envelope.message);
        return handlers.handleCast(envelope.message, this.#state, this.#self);
      case 'call':
        if (handlers.handleCall === undefined) return this.#unhandled('bad_call', envelope.message);
        return handlers.handleCall(envelope.message, envelope.from, this.#state, this.#self);
      case 'exit':
        if (envelope.message.from === this.#process.parent) {
          this.#stop(envelope.message.reason);
          return HANDLED;
        }
        return this.#info(envelope.message);
      case 'info':
      case 'down':
      case 'timeout':
        return this.#info(envelope.message);
      case 'system':
        this.#system(envelope.message, envelope.from);
        return HANDLED;
      default:
        return envelope satisfies never;
    }
  }

  #unhandled(type: 'bad_cast' | 'bad_call', message: unknown): typeof HANDLED {
    this.#stop({ type, message });
    return HANDLED;
  }

  /** Without a handler, other messages are ignored, as in OTP. */
  #info(message: I | SystemMessage): Awaitable<Outcome<S, T>> {
    const { handleInfo } = this.#handlers;
    return handleInfo === undefined ? HANDLED : handleInfo(message, this.#state, this.#self);
  }

  /** Runs a callback that is no answer to an envelope. */
  #settle(callback: () => Awaitable<Outcome<S, T>>, from: PendingCall | undefined): void {
    try {
      this.#take(callback(), from);
    } catch (thrown) {
      this.#stop(reasonOf(thrown));
    }
  }

  #take(outcome: Awaitable<Outcome<S, T>>, from: PendingCall | undefined): void {
    if (!isPromiseLike(outcome)) {
      this.#apply(outcome, from);
      return;
    }
    this.#process.busy = true;
    outcome.then(
      (settled) => {
        if (!this.#process.alive) return;
        this.#process.busy = false;
        this.#apply(settled, from);
        // A stop that waits for `terminate` keeps the process busy.
        if (!this.#process.busy) this.#process.proceed();
      },
      (thrown) => {
        if (this.#process.alive) this.#stop(reasonOf(thrown));
      },
    );
  }

  #apply(outcome: Outcome<S, T>, from: PendingCall | undefined): void {
    switch (outcome?.type) {
      case 'noreply':
        this.#state = outcome.state;
        if (outcome.after !== undefined) this.after(outcome.after);
        break;
      case 'reply':
        this.#state = outcome.state;
        if (from !== undefined) from.resolve(outcome.value);
        if (outcome.after !== undefined) this.after(outcome.after);
        break;
      case 'stop':
        this.#state = outcome.state;
        this.#stop(outcome.reason);
        break;
      case 'stop_reply':
        this.#state = outcome.state;
        this.#stop(outcome.reason, () => from?.resolve(outcome.value));
        break;
      case 'handled':
        break;
      default:
        this.#stop({ type: 'bad_return_value', value: outcome satisfies never });
    }
  }

  /** `beforeDeath` comes between `terminate` and the end, as the reply of OTP's `{stop, Reason, Reply, State}` does. */
  #stop(reason: ExitReason, beforeDeath?: () => void): void {
    const process = this.#process;
    if (!process.alive) return;
    process.busy = true;
    const end = (last: ExitReason): void => {
      if (process.alive) beforeDeath?.();
      process.die(last);
    };
    try {
      const ended = this.#handlers.terminate?.(reason, this.#state, this.#self);
      if (isPromiseLike(ended)) {
        ended.then(
          () => end(reason),
          (thrown) => end(reasonOf(thrown)),
        );
      } else end(reason);
    } catch (thrown) {
      end(reasonOf(thrown));
    }
  }

  #startIdleTimer(timeoutMs: number): void {
    const process = this.#process;
    if (process.mailbox.length > 0 || timeoutMs === Number.POSITIVE_INFINITY) return;
    if (timeoutMs <= 0) process.timeOut();
    else process.idleTimer = process.startTimer(() => process.timeOut(), timeoutMs);
  }

  #system(request: SystemRequest<S>, from: PendingCall): void {
    const process = this.#process;
    switch (request.type) {
      case 'get_state':
        from.resolve(this.#state);
        break;
      case 'replace_state':
        this.#replaceState((state) => request.replace(state), from);
        break;
      case 'get_status':
        from.resolve(this.#status());
        break;
      case 'suspend':
        process.suspend();
        from.resolve('ok');
        break;
      case 'resume':
        process.resume();
        from.resolve('ok');
        break;
      case 'terminate':
        this.#stop(request.reason);
        break;
      default:
        request satisfies never;
    }
  }

  /** The state goes through a function of the operator's: what it throws is the operator's, not the process's. */
  #replaceState(replace: (state: S) => S, from: PendingCall): void {
    try {
      this.#state = replace(this.#state);
      from.resolve(this.#state);
    } catch (thrown) {
      from.fail(thrown);
    }
  }

  #status(): ServerStatus {
    const process = this.#process;
    return {
      id: process.id,
      name: process.name,
      registered: process.registeredName,
      parent: process.parent?.name,
      status: process.suspended ? 'suspended' : 'running',
      trapExit: process.trapExit,
      mailboxLength: process.mailboxLength,
      links: [...(process.bonds.links ?? [])].map((linked) => linked.name),
      state: this.#state,
    };
  }
}

/** What `getStatus` says of a process. */
export interface ServerStatus {
  readonly id: number;
  readonly name: string;
  readonly registered: string | undefined;
  readonly parent: string | undefined;
  readonly status: 'running' | 'suspended';
  readonly trapExit: boolean;
  readonly mailboxLength: number;
  readonly links: readonly string[];
  readonly state: unknown;
}

export function isPromiseLike<R>(value: Awaitable<R> | undefined): value is PromiseLike<R> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
