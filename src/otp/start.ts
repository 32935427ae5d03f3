import { StartError } from './errors.ts';
import type { MailboxLimit } from './mailbox-limit.ts';
import type { ServerRef } from './message.ts';
import type { ExitReason } from './terms.ts';

/** A handler may be sync, which costs no promise, or async; while it waits, its process handles nothing else. */
export type Awaitable<T> = T | PromiseLike<T>;

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

/** The ref of a process that was started, or a `StartError` with the reason (for `ignore`: `'ignore'`). */
export function started<Ref>(result: StartResult<Ref>): Ref {
  if (result.type === 'ok') return result.ref;
  throw new StartError(result.type === 'error' ? result.reason : 'ignore');
}
