import type { From, Message, ReplyOf, SystemMessage } from './message.ts';
import type { CallNext, InitResult, Next } from './next.ts';
import type { Self } from './self.ts';
import type { Awaitable } from './start.ts';
import type { ExitReason } from './terms.ts';

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
