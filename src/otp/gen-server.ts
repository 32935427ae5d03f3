import { reasonOf, StartError } from './errors.ts';
import { unlink } from './links.ts';
import type { From, Message, ReplyOf, ServerRef, SystemMessage } from './message.ts';
import type { CallNext, InitResult, Next } from './next.ts';
import type { MailboxLimit, Process } from './process.ts';
import { Self } from './self.ts';
import { isPromiseLike, ServerLoop } from './server-loop.ts';
import type { Parent } from './spawn.ts';
import { spawnProcess } from './spawn.ts';
import type { ExitReason } from './terms.ts';

/** A handler may be sync, which costs no promise, or async; while it waits, its process handles nothing else. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * A behaviour: plain functions from message and state to next (`next.reply(...)`, `next.noreply(...)`, `next.stop(...)`).
 *
 * `A` is what `init` is given, `S` the state, `C`, `K`, `I` the unions of call, cast and other messages, `T` what `handleContinue` takes.
 * What a handler throws ends the process: the thrown value is the exit reason (of an `Exit`, its `reason`). A message for which there
 * is no handler does too, except that messages without a `handleInfo` are ignored, as in OTP.
 *
 * @example
 * interface Increment { readonly type: 'increment'; readonly by: number }
 * interface Get extends Call<number> { readonly type: 'get' }
 *
 * const counter: GenServer<number, number, Get, Increment> = {
 *   init: (start) => next.ok(start),
 *   handleCall: (_message, _from, count) => next.reply(count, count),
 *   handleCast: (message, count) => next.noreply(count + message.by),
 * };
 */
export interface GenServer<
  A,
  S,
  C extends Message = never,
  K extends Message = never,
  I extends Message = never,
  T = never,
> {
  readonly init: (args: A, self: Self<C, K, I>) => Awaitable<InitResult<S, T>>;
  readonly handleCall?: (
    message: C,
    from: From<ReplyOf<C>>,
    state: S,
    self: Self<C, K, I>,
  ) => Awaitable<CallNext<S, ReplyOf<C>, T>>;
  readonly handleCast?: (message: K, state: S, self: Self<C, K, I>) => Awaitable<Next<S, T>>;
  readonly handleInfo?: (message: I | SystemMessage, state: S, self: Self<C, K, I>) => Awaitable<Next<S, T>>;
  readonly handleContinue?: (term: T, state: S, self: Self<C, K, I>) => Awaitable<Next<S, T>>;
  /**
   * Runs when a handler stops or throws, when `stop` says so, and, only if exits are trapped, when the parent ends the process.
   * Never after `kill`. What it throws replaces the exit reason.
   */
  readonly terminate?: (reason: ExitReason, state: S, self: Self<C, K, I>) => Awaitable<void>;
}

/** Options of a start. */
export interface StartOptions {
  /** What the process is called in reports, trees and its nact path. Default: the child's id, else `server`. */
  readonly name?: string;
  /** The name under which it is registered for as long as it lives. The start fails if somebody has it. */
  readonly register?: string;
  /** Milliseconds that `init` may take; then the process is killed and the start fails with `timeout`. Default: no limit. */
  readonly initTimeoutMs?: number;
  /** Whether it is linked to who starts it, which is then its parent. Default true. */
  readonly link?: boolean;
  /** Bounds the mailbox. Default: no bound. */
  readonly mailbox?: MailboxLimit;
}

/** What a start came to. */
export type StartResult<Ref = ServerRef> =
  | { readonly type: 'ok'; readonly ref: Ref; readonly info?: unknown }
  | { readonly type: 'ignore' }
  | { readonly type: 'error'; readonly reason: ExitReason };

/** Somebody has the name already. */
export interface AlreadyStarted {
  readonly type: 'already_started';
  readonly ref: ServerRef;
}

/**
 * Starts a process that runs `behaviour`, and waits for its `init`. Never rejects; `started(result)` turns what is not `ok` into an error.
 *
 * `parent` is the system, the `self` of the process that starts it, or what a child spec's `start` is given.
 *
 * @example
 * const counter = started(await startGenServer(system, counterServer, 0, { register: 'counter' }));
 */
export function startGenServer<A, S, C extends Message, K extends Message, I extends Message, T>(
  parent: Parent,
  behaviour: GenServer<A, S, C, K, I, T>,
  args: NoInfer<A>,
  options: StartOptions = {},
): Promise<StartResult<ServerRef<C, K, I>>> {
  return new Promise((done) => {
    const holder = options.register === undefined ? undefined : parent.host.registry.whereis(options.register);
    if (holder !== undefined) return done({ type: 'error', reason: { type: 'already_started', ref: holder } });
    const process = spawnProcess(parent, options);
    initialise(process, new Self<C, K, I>(process, parent.host), behaviour, args, options.initTimeoutMs, done);
  });
}

/** Runs `init` in a process that was spawned, and tells `done` what it came to; exactly once, whatever happens. */
function initialise<A, S, C extends Message, K extends Message, I extends Message, T>(
  process: Process,
  self: Self<C, K, I>,
  behaviour: GenServer<A, S, C, K, I, T>,
  args: A,
  timeoutMs: number | undefined,
  done: (result: StartResult<ServerRef<C, K, I>>) => void,
): void {
  process.onDeath = (reason) => done({ type: 'error', reason });
  const timer =
    timeoutMs === undefined ? undefined : process.startTimer(() => fail('killed', 'timeout'), timeoutMs, true);

  /** A start that fails is answered by its result, not by an exit signal to the parent. */
  const fail = (exitReason: ExitReason, reason: ExitReason): void => {
    process.onDeath = () => done({ type: 'error', reason });
    giveUp(exitReason);
  };
  const giveUp = (exitReason: ExitReason): void => {
    if (process.parent !== undefined) unlink(process.parent, process);
    process.die(exitReason);
  };
  const take = (result: InitResult<S, T>): void => {
    if (!process.alive) return;
    timer?.cancel();
    if (result.type === 'ok') {
      const loop = new ServerLoop<S, C, K, I, T>(process, self, behaviour, result.state);
      process.engine = loop;
      process.onDeath = undefined;
      loop.after(result.after);
      process.proceed();
      done({ type: 'ok', ref: process });
    } else if (result.type === 'ignore') {
      process.onDeath = () => done({ type: 'ignore' });
      giveUp('normal');
    } else if (result.type === 'refuse') fail(result.reason, result.reason);
    else failWith({ type: 'bad_return_value', value: result satisfies never });
  };
  const failWith = (reason: ExitReason): void => fail(reason, reason);

  try {
    const result = behaviour.init(args, self);
    if (isPromiseLike(result)) result.then(take, (thrown) => failWith(reasonOf(thrown))).then(undefined, failWith);
    else take(result);
  } catch (thrown) {
    failWith(reasonOf(thrown));
  }
}

/** The ref of a process that was started, or a `StartError` with the reason (for `ignore`: `'ignore'`). */
export function started<Ref>(result: StartResult<Ref>): Ref {
  if (result.type === 'ok') return result.ref;
  throw new StartError(result.type === 'error' ? result.reason : 'ignore');
}
