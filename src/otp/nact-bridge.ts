import { type ActorContext, dispatch, type Ref, spawn, start, stop } from 'nact';
import type { NactRef } from './message.ts';

/**
 * Something came through nact's own `dispatch` or `query`. `answer` is given for a query; it resolves the temporary reference.
 * It must not throw: no exception of ours reaches nact, whose handling of faults may end the host.
 */
export type OnNactMessage = (message: unknown, answer: ((reply: unknown) => void) | undefined) => void;

/** A nact actor system, with a name of nact's own making: two systems of one name would take each other's place in nact's global map. */
export function startActorSystem(): Actor {
  return new Actor(start());
}

/** A process's nact actor: what `otp` needs of it. The only class that knows nact. */
export class Actor {
  readonly ref: NactRef;

  constructor(ref: Ref<unknown>) {
    this.ref = ref;
  }

  stop(): void {
    stop(this.ref);
  }

  /** Starts an actor below this one. Throws if this one has stopped, or has a child of that name. */
  spawn(name: string | undefined, onMessage: OnNactMessage): Actor {
    const receive = (_state: undefined, message: unknown, context: ActorContext<unknown, Ref<unknown>>): undefined => {
      onMessage(message, answerTo(context));
    };
    return new Actor(
      spawn(this.ref, receive, name === undefined ? undefined : nactName(name), {
        // `receive` cannot fail; should nact see a fault all the same, the actor goes on.
        onCrash: (_message, _error, faulty) => faulty.resume,
      }),
    );
  }
}

/** nact hides the sender from its types; a query has a temporary reference as sender. */
function answerTo(context: object): ((reply: unknown) => void) | undefined {
  if (!('sender' in context)) return undefined;
  const { sender } = context;
  if (typeof sender !== 'object' || sender === null || !('type' in sender) || sender.type !== 'temp') return undefined;
  return (reply) => dispatch(sender, reply);
}

/** nact takes URI characters only. */
function nactName(name: string): string {
  const usable = name.replace(/[^a-z0-9\-$_.+!*'(),]/gi, '_').slice(0, 100);
  return usable === '' ? 'process' : usable;
}
