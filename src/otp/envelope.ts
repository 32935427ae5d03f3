import type { DownMessage, ExitMessage, Message, TimeoutMessage } from './message.ts';
import type { PendingCall } from './pending-call.ts';
import type { SystemRequest } from './sys-requests.ts';

/**
 * What lies in a mailbox. All kinds have the same four fields, so that the engine sees one shape. `context` is what the system's
 * context carrier captured where the message was sent.
 */
export type Envelope<C = unknown, K = unknown, I = unknown, S = unknown> =
  | Sealed<'call', C, PendingCall>
  | Sealed<'cast', K>
  | Sealed<'info', I>
  | Sealed<'exit', ExitMessage>
  | Sealed<'down', DownMessage>
  | Sealed<'timeout', TimeoutMessage>
  | Sealed<'system', SystemRequest<S>, PendingCall>;

interface Sealed<Kind extends string, M, F = undefined> {
  readonly kind: Kind;
  readonly message: M;
  readonly from: F;
  readonly context: unknown;
}

export const seal = {
  call: (message: Message, from: PendingCall, context: unknown): Envelope => ({ kind: 'call', message, from, context }),
  cast: (message: Message, context: unknown): Envelope => ({ kind: 'cast', message, from: undefined, context }),
  info: (message: Message, context: unknown): Envelope => ({ kind: 'info', message, from: undefined, context }),
  exit: (message: ExitMessage): Envelope => ({ kind: 'exit', message, from: undefined, context: undefined }),
  down: (message: DownMessage): Envelope => ({ kind: 'down', message, from: undefined, context: undefined }),
  timeout: (): Envelope => ({ kind: 'timeout', message: { type: 'timeout' }, from: undefined, context: undefined }),
  system: (message: SystemRequest, from: PendingCall): Envelope => ({
    kind: 'system',
    message,
    from,
    context: undefined,
  }),
};
