import { type CallOptions, checkTimeout, processOf, resolve } from './client.ts';
import { isSealed, seal } from './envelope.ts';
import { CallError } from './errors.ts';
import type { Destination, ProcessRef } from './message.ts';
import { PendingCall } from './pending-call.ts';
import type { ServerStatus } from './server-loop.ts';
import type { SystemRequest } from './sys-requests.ts';
import type { ExitReason } from './terms.ts';

/*
 * What an operator asks of any process, whatever its behaviour: OTP's `sys`. Each request comes in its turn, waits 5 s unless told
 * otherwise, and rejects with a CallError as a call does.
 */

/** The state of a process, as it is: for debugging, and not to be changed. */
export function getState(server: Destination, options?: CallOptions): Promise<unknown> {
  return ask<unknown>(server, { type: 'get_state' }, options);
}

/** Puts another state in the place of the present one, and resolves with it. For debugging. */
export function replaceState(
  server: Destination,
  replace: (state: unknown) => unknown,
  options?: CallOptions,
): Promise<unknown> {
  return ask<unknown>(server, { type: 'replace_state', replace }, options);
}

/** Name, parent, links, mailbox, whether it is suspended, and the state. */
export function getStatus(server: Destination, options?: CallOptions): Promise<ServerStatus> {
  return ask<ServerStatus>(server, { type: 'get_status' }, options);
}

/** From now on the process handles no message, until `resume`. Its mailbox fills; its parent can still end it. */
export async function suspend(server: Destination, options?: CallOptions): Promise<void> {
  await ask<unknown>(server, { type: 'suspend' }, options);
}

export async function resume(server: Destination, options?: CallOptions): Promise<void> {
  await ask<unknown>(server, { type: 'resume' }, options);
}

/**
 * Ends a process in order: in its turn it runs `terminate(reason)` and dies. OTP's `gen_server:stop`. Resolves when it is dead of that
 * reason; rejects with `noproc` if it was dead, with the other reason if it died of another one, with `timeout`.
 *
 * `reason` defaults to `normal`, `timeoutMs` to `Infinity`.
 */
export function stop(server: Destination, reason: ExitReason = 'normal', options?: CallOptions): Promise<void> {
  const process = resolve(server);
  const limits = { timeoutMs: Number.POSITIVE_INFINITY, ...options };
  return ask<never>(server, { type: 'terminate', reason }, limits).then(undefined, (error: unknown) => {
    // The end of the process is the answer: the request itself is never replied to.
    const ended = error instanceof CallError && process?.alive === false && error.reason === process.exitReason;
    if (!ended || !Object.is(error.reason, reason)) throw error;
  });
}

/** One message that a traced process takes from its mailbox. */
export interface TraceEvent {
  readonly process: ProcessRef;
  readonly kind: string;
  readonly message: unknown;
  /** Messages that wait behind it. */
  readonly waiting: number;
  readonly atMs: number;
}

/**
 * Shows every message of a process, when it is about to handle it. Returns the function that ends it. One trace per process: a later one
 * takes the place of an earlier one. What `onMessage` throws is dropped.
 */
export function trace(ref: ProcessRef, onMessage: (event: TraceEvent) => void): () => void {
  const process = processOf(ref);
  const tracer: typeof process.tracer = (item) => {
    const { kind, message } = isSealed(item) ? item : { kind: 'cast', message: item };
    try {
      onMessage({ process, kind, message, waiting: process.mailboxLength, atMs: process.host.clock.now() });
    } catch {
      // An observer's fault is none of the observed.
    }
  };
  process.tracer = tracer;
  return () => {
    if (process.tracer === tracer) process.tracer = undefined;
  };
}

function ask<R>(server: Destination, message: SystemRequest, options: CallOptions | undefined): Promise<R> {
  const process = resolve(server);
  return new Promise<R>((done, failed) => {
    const name = process?.name ?? ('registered' in server ? server.registered : server.name);
    const pending = new PendingCall<R>({ resolve: done, reject: (reason) => failed(new CallError(reason, name)) });
    if (process === undefined) return pending.fail('noproc');
    if (!process.deliver(seal.system(message, pending))) return;
    const timeoutMs = checkTimeout(options?.timeoutMs);
    if (timeoutMs !== Number.POSITIVE_INFINITY) process.host.deadlines.add(pending, timeoutMs);
  });
}
