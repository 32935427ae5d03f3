import { InvalidArgumentError } from '../errors.ts';
import { seal } from './envelope.ts';
import { CallError } from './errors.ts';
import type { Call, Destination, From, Message, MessageOf, NamedRef, ProcessRef, ReplyOf } from './message.ts';
import { PendingCall } from './pending-call.ts';
import { Process } from './process.ts';

/** Options of a call. */
export interface CallOptions {
  /** Milliseconds until the call fails with `timeout`; `Infinity` for none. Default 5000. */
  readonly timeoutMs?: number;
  /** Gives up when it is aborted: the call fails with `aborted`. The server handles the message all the same. */
  readonly signal?: AbortSignal;
}

export const DEFAULT_CALL_TIMEOUT_MS = 5_000;

/**
 * Asks a server and waits for its reply.
 *
 * Rejects with a `CallError` whose `reason` says why there is none: `noproc` at once if nobody is there, the exit reason at once if
 * the server dies before it replies, `timeout` (a late reply is dropped), `mailbox_full`, `aborted`.
 *
 * @example
 * const threshold = await call(manager, { type: 'get_threshold', pool: 'ml' }, { timeoutMs: 100 });
 */
export function call<C extends Message, T extends C['type']>(
  server: Destination<C>,
  message: NoInfer<C> & { readonly type: T },
  options?: CallOptions,
): Promise<ReplyOf<MessageOf<C, T>>> {
  return request(server, message, options);
}

/**
 * Sends a message and does not wait. Never throws: true if it is in the mailbox, false if nobody is there or the mailbox is full
 * (counted as a dead letter), which most senders need not look at.
 */
export function cast<K extends Message>(server: Destination<never, K>, message: NoInfer<K>): boolean {
  const process = resolve(server);
  if (process === undefined) return lost(server, 'cast', message);
  return process.deliver(seal.cast(message, process.host.carrier?.capture()));
}

/** Sends an ordinary message, for `handleInfo`. As `cast`: never throws, says whether it is in the mailbox. */
export function send<I extends Message>(server: Destination<never, never, I>, message: NoInfer<I>): boolean {
  const process = resolve(server);
  if (process === undefined) return lost(server, 'info', message);
  return process.deliver(seal.info(message, process.host.carrier?.capture()));
}

/** Answers a call whose handler said `noreply`. Once; afterwards, or when the caller gave up, it does nothing. */
export function reply<R>(from: From<R>, value: NoInfer<R>): void {
  if (from instanceof PendingCall) from.resolve(value);
}

/** Asks several servers at once; one entry each, in their order, that says what came of it. Never rejects. */
export function multiCall<C extends Message, T extends C['type']>(
  servers: readonly Destination<C>[],
  message: NoInfer<C> & { readonly type: T },
  options?: CallOptions,
): Promise<PromiseSettledResult<ReplyOf<MessageOf<C, T>>>[]> {
  return Promise.allSettled(servers.map((server) => call(server, message, options)));
}

/** `call` without the inference: what `call`, `self.call` and the supervisors' functions have in common. */
export function request<R>(
  server: Destination<never>,
  message: Message & Call<R>,
  options?: CallOptions,
  caller?: Process,
): Promise<R> {
  return new Promise<R>((resolvePromise, rejectPromise) => {
    const process = resolve(server); // throws for what is no destination, which rejects
    const timeoutMs = checkTimeout(options?.timeoutMs);
    const label = 'registered' in server ? server.registered : server.name;
    const settler = {
      resolve: resolvePromise,
      reject: (reason: unknown) => rejectPromise(new CallError(reason, label)),
    };
    if (process === undefined) {
      lost(server, 'call', message);
      return settler.reject('noproc');
    }
    if (caller?.alive === false) return; // it heard of its own end just now
    if (process === caller) return settler.reject('calling_self');
    const { host } = process;
    const pending = new PendingCall<R>(caller === undefined ? settler : whileAlive(caller, settler));
    process.deliver(seal.call(message, pending, host.carrier?.capture()));
    if (pending.settled) return;
    if (timeoutMs !== Number.POSITIVE_INFINITY) host.deadlines.add(pending, timeoutMs);
    if (options?.signal !== undefined) heedAbort(pending, options.signal);
  });
}

/** Milliseconds, or `Infinity`. Throws for anything else. */
export function checkTimeout(timeoutMs: number = DEFAULT_CALL_TIMEOUT_MS): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return timeoutMs;
  throw new InvalidArgumentError('timeoutMs', timeoutMs, 'a number of milliseconds, 0 or more, or Infinity');
}

/** A process that died runs no further: the promise that it waits for stays as it is. */
function whileAlive<R>(caller: Process, settler: { resolve(value: R): void; reject(reason: unknown): void }) {
  return {
    resolve: (value: R) => {
      if (caller.alive) settler.resolve(value);
    },
    reject: (reason: unknown) => {
      if (caller.alive) settler.reject(reason);
    },
  };
}

function heedAbort(pending: PendingCall, signal: AbortSignal): void {
  const giveUp = (): void => pending.fail('aborted');
  if (signal.aborted) {
    giveUp();
    return;
  }
  signal.addEventListener('abort', giveUp, { once: true });
  pending.cleanUp = () => signal.removeEventListener('abort', giveUp);
}

function lost(destination: Destination, kind: string, message: Message): false {
  if (isNamed(destination)) destination.lost(kind, message);
  return false;
}

/** The process that a destination means now. */
export function resolve(destination: Destination): Process | undefined {
  if (typeof destination !== 'object' || destination === null) {
    throw new InvalidArgumentError('server', destination, 'a process ref, or a named one');
  }
  const ref: ProcessRef | undefined = isNamed(destination) ? destination.whereis() : destination;
  if (ref === undefined) return undefined;
  return processOf(ref);
}

function isNamed(destination: Destination): destination is NamedRef {
  return 'registered' in destination;
}

/** The process behind a ref. Throws for what is no ref. */
export function processOf(ref: ProcessRef): Process {
  if (ref instanceof Process) return ref;
  throw new InvalidArgumentError('ref', ref, 'a process ref');
}
