import type { Message, ReplyOf } from './message.ts';
import type { ExitReason } from './terms.ts';

/** What happens right after a handler: `next.continue(term)` or `next.timeout(ms)`. */
export type After<T> =
  | { readonly kind: 'continue'; readonly term: T }
  | { readonly kind: 'timeout'; readonly timeoutMs: number };

export interface Ok<S, T = never> {
  readonly type: 'ok';
  readonly state: S;
  readonly after: After<T> | undefined;
}
export interface Ignore {
  readonly type: 'ignore';
}
export interface Refuse {
  readonly type: 'refuse';
  readonly reason: ExitReason;
}
export interface Reply<S, R, T = never> {
  readonly type: 'reply';
  readonly value: R;
  readonly state: S;
  readonly after: After<T> | undefined;
}
export interface NoReply<S, T = never> {
  readonly type: 'noreply';
  readonly state: S;
  readonly after: After<T> | undefined;
}
export interface Stop<S> {
  readonly type: 'stop';
  readonly reason: ExitReason;
  readonly state: S;
}
export interface StopReply<S, R> {
  readonly type: 'stop_reply';
  readonly reason: ExitReason;
  readonly value: R;
  readonly state: S;
}

/** What `init` may come to. */
export type InitResult<S, T = never> = Ok<S, T> | Ignore | Refuse;
/** What a handler of anything but calls may come to. */
export type Next<S, T = never> = NoReply<S, T> | Stop<S>;
/** What a handler of calls may come to. */
export type CallNext<S, R, T = never> = Reply<S, R, T> | StopReply<S, R> | Next<S, T>;

/**
 * The only way to say what a handler came to.
 *
 * | | in | OTP |
 * |---|---|---|
 * | `next.ok(state, after?)` | init | `{ok, State}` |
 * | `next.ignore()` | init | `ignore`: no process, not an error |
 * | `next.refuse(reason)` | init | `{stop, Reason}`: the start fails |
 * | `next.reply(value, state, after?)` | call | `{reply, Value, State}` |
 * | `next.replyTo(message, value, state, after?)` | call | the same, with the value checked against that message |
 * | `next.noreply(state, after?)` | all | `{noreply, State}`; of a call: answered later with `reply(from, value)` |
 * | `next.stop(reason, state)` | all | `{stop, Reason, State}`: `terminate` runs, then the process ends |
 * | `next.stopReply(reason, value, state)` | call | `{stop, Reason, Value, State}` |
 *
 * `after` is `next.continue(term)`, handled by `handleContinue` before any other message, or `next.timeout(ms)`: the message
 * `{ type: 'timeout' }`, unless another one comes before.
 */
export const next = Object.freeze({
  ok: <S, T = never>(state: S, after?: After<T>): Ok<S, T> => ({ type: 'ok', state, after }),
  ignore: (): Ignore => ({ type: 'ignore' }),
  refuse: (reason: ExitReason): Refuse => ({ type: 'refuse', reason }),
  reply: <S, R, T = never>(value: R, state: S, after?: After<T>): Reply<S, R, T> => ({
    type: 'reply',
    value,
    state,
    after,
  }),
  /** `reply`, with the value checked against the reply of this very message: in a `switch` over a union, use this one. */
  replyTo: <M extends Message, S, T = never>(
    _message: M,
    value: ReplyOf<M>,
    state: S,
    after?: After<T>,
  ): Reply<S, ReplyOf<M>, T> => ({ type: 'reply', value, state, after }),
  noreply: <S, T = never>(state: S, after?: After<T>): NoReply<S, T> => ({ type: 'noreply', state, after }),
  stop: <S>(reason: ExitReason, state: S): Stop<S> => ({ type: 'stop', reason, state }),
  stopReply: <S, R>(reason: ExitReason, value: R, state: S): StopReply<S, R> => ({
    type: 'stop_reply',
    reason,
    value,
    state,
  }),
  continue: <T>(term: T): After<T> => ({ kind: 'continue', term }),
  timeout: (timeoutMs: number): After<never> => ({ kind: 'timeout', timeoutMs }),
});
