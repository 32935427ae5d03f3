import type { DownMessage, ExitMessage, Message, TimeoutMessage } from './message.ts';
import type { PendingCall } from './pending-call.ts';
import type { SystemRequest } from './sys-requests.ts';

/** A message with what must be known about it. All kinds are of this one class, so that the engine sees one shape. */
export class Sealed<Kind extends string, M, F = undefined> {
  readonly kind: Kind;
  readonly message: M;
  readonly from: F;
  /** What the system's context carrier captured where the message was sent. */
  readonly context: unknown;

  constructor(kind: Kind, message: M, from: F, context: unknown) {
    this.kind = kind;
    this.message = message;
    this.from = from;
    this.context = context;
  }
}

export type Envelope<C = unknown, K = unknown, I = unknown, S = unknown> =
  | Sealed<'call', C, PendingCall>
  | Sealed<'cast', K>
  | Sealed<'info', I>
  | Sealed<'exit', ExitMessage>
  | Sealed<'down', DownMessage>
  | Sealed<'timeout', TimeoutMessage>
  | Sealed<'system', SystemRequest<S>, PendingCall>;

/**
 * What lies in a mailbox: an envelope, or a cast without context as it is. Casts are what floods are made of, and the envelope was a third of
 * what a waiting cast took.
 */
export type Item = Envelope | Message;

export function isSealed(item: Item): item is Envelope {
  return item instanceof Sealed;
}

const TIMEOUT: TimeoutMessage = Object.freeze({ type: 'timeout' });

export const seal = {
  call: (message: Message, from: PendingCall, context: unknown): Envelope => new Sealed('call', message, from, context),
  cast: (message: Message, context: unknown): Item =>
    context === undefined ? message : new Sealed('cast', message, undefined, context),
  info: (message: Message, context: unknown): Envelope => new Sealed('info', message, undefined, context),
  exit: (message: ExitMessage): Envelope => new Sealed('exit', message, undefined, undefined),
  down: (message: DownMessage): Envelope => new Sealed('down', message, undefined, undefined),
  timeout: (): Envelope => new Sealed('timeout', TIMEOUT, undefined, undefined),
  system: (message: SystemRequest, from: PendingCall): Envelope => new Sealed('system', message, from, undefined),
};
