import { type Clock, systemClock } from './clock.ts';
import { type ContextCarrier, unfailingCarrier } from './context-carrier.ts';
import { type DeadLetter, type DeadLetterCounts, DeadLetters } from './dead-letters.ts';
import { Deadlines } from './deadlines.ts';
import { seal } from './envelope.ts';
import { whenDown } from './links.ts';
import type { Message, NamedRef, ProcessRef, ServerRef } from './message.ts';
import { type Actor, startActorSystem } from './nact-bridge.ts';
import { PendingCall } from './pending-call.ts';
import { Process } from './process.ts';
import { Registry } from './registry.ts';
import type { SupervisorReport } from './reports.ts';
import { DEFAULT_TURN, Scheduler, type TurnLimits } from './scheduler.ts';
import { SignalQueue, STRANGER } from './signal-queue.ts';
import type { Parent, SpawnHost } from './spawn.ts';
import type { ExitReason } from './terms.ts';

/** Options of a system. */
export interface SystemOptions {
  /** What it is called in trees and logs. Default `system`. */
  readonly name?: string;
  /** Default: real time. */
  readonly clock?: Clock;
  /** Every report of every supervisor: starts, crashes, shutdowns. What it throws is dropped. */
  readonly onReport?: (report: SupervisorReport) => void;
  /** Every message that nobody handled. What it throws is dropped. */
  readonly onDeadLetter?: (letter: DeadLetter) => void;
  /** The end of a process that the system itself started, such as the root supervisor. What it throws is dropped. */
  readonly onExit?: (ref: ProcessRef, reason: ExitReason) => void;
  /** Carries ambient context, such as OpenTelemetry's, from sender to handler. Default: none, at no cost. */
  readonly contextCarrier?: ContextCarrier;
  /** How much may be handled in one turn of the event loop. */
  readonly turn?: Partial<TurnLimits>;
}

/** Options of stopping a system. */
export interface StopOptions {
  /** Why. Default `shutdown`. */
  readonly reason?: ExitReason;
  /** Milliseconds until what is still running is killed. Default 30 000. */
  readonly timeoutMs?: number;
}

/**
 * Where processes live: one nact actor system, one registry, one scheduler, one clock. Made with `startSystem`; several can exist side
 * by side and share nothing.
 */
export class System implements SpawnHost, Parent {
  readonly name: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly registry: Registry<Process> = new Registry();
  readonly deadlines: Deadlines;
  readonly deadLetters: DeadLetters;
  readonly carrier: ContextCarrier | undefined;
  readonly signals: SignalQueue = new SignalQueue(STRANGER);
  readonly onReport: ((report: SupervisorReport) => void) | undefined;
  /** The process that all others descend from. */
  readonly ref: Process;
  readonly processes: Set<Process> = new Set();
  readonly #nact: Actor;
  #lastId = 0;

  constructor(options: SystemOptions) {
    this.name = options.name ?? 'system';
    this.clock = options.clock ?? systemClock;
    this.scheduler = new Scheduler(this.clock, { ...DEFAULT_TURN, ...options.turn });
    this.deadlines = new Deadlines(this.clock);
    this.deadLetters = new DeadLetters(unfailing(options.onDeadLetter));
    this.carrier = options.contextCarrier && unfailingCarrier(options.contextCarrier);
    this.onReport = unfailing(options.onReport);
    this.#nact = startActorSystem();
    this.ref = this.#startRoot(unfailing(options.onExit));
  }

  get host(): SpawnHost {
    return this;
  }

  get rootActor(): Actor {
    return this.ref.actor;
  }

  nextProcessId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Traps exits, like Erlang's `init`: the end of what it started is news, never its own end. */
  #startRoot(onExit: ((ref: ProcessRef, reason: ExitReason) => void) | undefined): Process {
    const root = new Process(this, {
      id: 0,
      name: this.name,
      parent: undefined,
      limit: undefined,
      spawnActor: () => this.#nact.spawn(this.name, () => undefined),
    });
    root.trapExit = true;
    root.engine = {
      hasContinuation: false,
      resume: () => undefined,
      handle: (envelope) => {
        if (envelope.kind === 'exit') onExit?.(envelope.message.from, envelope.message.reason);
        else envelope.from?.fail('noproc');
      },
      cast: () => undefined,
    };
    root.busy = false;
    return root;
  }

  /** Ends the root and with it nact's system. */
  close(): void {
    this.ref.die('shutdown');
    this.#nact.stop();
  }
}

/**
 * Starts a system. It holds no handle: a host with an idle system may end.
 *
 * @example
 * const system = startSystem({ name: 'pitwall', onReport: (report) => log(report) });
 * const root = started(await startSupervisor(system, { intensity: 3 }, [workerSpec('counter', counterServer, 0)]));
 * // ...
 * await stopSystem(system);
 */
export function startSystem(options: SystemOptions = {}): System {
  return new System(options);
}

/**
 * Stops everything in the system: what the system itself started, the last first, each as its parent would, with an exit signal `reason`;
 * then whatever else is there, in order too. What is still running when the time is up is killed. Resolves when nothing lives any more;
 * never rejects. Stopping twice is the same as once.
 */
export async function stopSystem(system: System, options: StopOptions = {}): Promise<void> {
  const { reason = 'shutdown', timeoutMs = 30_000 } = options;
  const { ref: root, processes } = system;
  const others = (): Process[] => [...processes].filter((process) => process !== root).reverse();
  const timer = system.clock.setTimer(() => {
    for (const process of others()) process.exitSignal(root, 'kill');
  }, timeoutMs);
  for (const process of [...(root.bonds.links ?? [])].reverse()) {
    process.exitSignal(root, reason);
    await whenDown(process);
  }
  // Processes without a parent, and what a killed supervisor left behind and is on its way out.
  for (const process of others()) if (process.parent === undefined) askToStop(process, reason);
  for (const process of others()) await whenDown(process);
  timer.cancel();
  system.close();
}

/** Nobody's child takes no exit signal as an order: it is asked, as `stop` asks. */
function askToStop(process: Process, reason: ExitReason): void {
  const nobodyWaits = new PendingCall({ resolve: () => undefined, reject: () => undefined });
  process.deliver(seal.system({ type: 'terminate', reason }, nobodyWaits));
}

/** Stops a process that the system started, as its parent does: an exit signal, `kill` after `timeoutMs`. Resolves with its exit reason. */
export async function shutDown(system: System, ref: ProcessRef, options: StopOptions = {}): Promise<ExitReason> {
  const { reason = 'shutdown', timeoutMs = 30_000 } = options;
  if (!(ref instanceof Process) || !ref.alive) return ref.exitReason;
  const timer = system.clock.setTimer(() => ref.exitSignal(system.ref, 'kill'), timeoutMs);
  ref.exitSignal(system.ref, reason);
  const end = await whenDown(ref);
  timer.cancel();
  return end;
}

/** Who is registered under a name now: a synchronous look-up. What it takes is what the caller says it takes. */
export function whereis<C extends Message = never, K extends Message = never, I extends Message = never>(
  system: Parent,
  name: string,
): ServerRef<C, K, I> | undefined {
  return system.host.registry.whereis(name);
}

/**
 * A destination that is looked up anew at each use, so that it survives restarts: OTP's `{via, ...}`.
 *
 * @example
 * const counter = named<Get, Increment>(system, 'counter');
 * await call(counter, { type: 'get' });
 */
export function named<C extends Message = never, K extends Message = never, I extends Message = never>(
  system: Parent,
  name: string,
): NamedRef<C, K, I> {
  const { registry, deadLetters } = system.host;
  return {
    registered: name,
    whereis: () => registry.whereis(name),
    lost: (kind, message) => deadLetters.add('noproc', kind, message, name),
  };
}

/** Messages that nobody handled, so far. */
export function deadLetters(system: Parent): DeadLetterCounts {
  return system.host.deadLetters.counts;
}

/** A host's callback must not fail what calls it. */
function unfailing<A extends readonly unknown[]>(
  callback: ((...args: A) => void) | undefined,
): ((...args: A) => void) | undefined {
  if (callback === undefined) return undefined;
  return (...args) => {
    try {
      callback(...args);
    } catch {
      // Dropped, as documented.
    }
  };
}
