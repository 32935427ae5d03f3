import { seal } from './envelope.ts';
import { linkProcesses } from './links.ts';
import type { ProcessRef } from './message.ts';
import type { Actor, OnNactMessage } from './nact-bridge.ts';
import { PendingCall } from './pending-call.ts';
import { Process, type ProcessHost } from './process.ts';
import type { SupervisorReport } from './reports.ts';
import type { StartOptions } from './start.ts';

/** Who starts a process: a system, a process (`self`), or a supervisor for one of its children. */
export interface Parent {
  readonly host: SpawnHost;
  readonly ref: ProcessRef;
  /** The id of the child that is being started, if a supervisor starts it. */
  readonly childId?: string;
}

/** A system, as far as starting processes goes. */
export interface SpawnHost extends ProcessHost {
  nextProcessId(): number;
  /** Where the actors of processes without a living parent stand. */
  readonly rootActor: Actor;
  /** Where supervisors send their reports. */
  readonly onReport: ((report: SupervisorReport) => void) | undefined;
}

/** A process that is not running anything yet: linked, registered, with its actor in nact's hierarchy. */
export function spawnProcess(parent: Parent, options: StartOptions): Process {
  const { host } = parent;
  const owner = parent.ref instanceof Process ? parent.ref : undefined;
  const linked = options.link !== false;
  const id = host.nextProcessId();
  const process = new Process(host, {
    id,
    name: options.name ?? options.register ?? parent.childId ?? 'server',
    parent: linked ? owner : undefined,
    limit: options.mailbox,
    spawnActor: (own) => spawnActor(linked ? owner?.actor : undefined, host.rootActor, own),
  });
  if (options.register !== undefined && host.registry.register(options.register, process)) {
    process.registeredName = options.register;
  }
  if (linked && owner !== undefined) linkProcesses(owner, process);
  return process;
}

/**
 * Below the parent's actor, under the process's name. A sibling of the same name (instances of one template) gets its number behind
 * it; below a parent whose actor is gone already (it is dying), the actor stands at the root.
 */
function spawnActor(parent: Actor | undefined, root: Actor, process: Process): Actor {
  const onMessage = receiver(process);
  const numbered = `${process.name}-${process.id}`;
  for (const [above, name] of [
    [parent ?? root, process.name],
    [parent ?? root, numbered],
  ] as const) {
    try {
      return above.spawn(name, onMessage);
    } catch {
      // Taken, or stopped: the next place.
    }
  }
  return root.spawn(numbered, onMessage);
}

/** What arrives through nact's own `dispatch` is a cast, through its `query` a call. */
function receiver(process: Process): OnNactMessage {
  return (message, answer) => {
    if (typeof message !== 'object' || message === null || !('type' in message) || typeof message.type !== 'string') {
      process.host.deadLetters.add('dropped', 'nact', message, process.name);
      return;
    }
    const sealed = { ...message, type: message.type };
    if (answer === undefined) process.deliver(seal.cast(sealed, undefined));
    else process.deliver(seal.call(sealed, new PendingCall({ resolve: answer, reject: () => undefined }), undefined));
  };
}
