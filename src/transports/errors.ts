import { PitwallError } from '../errors.ts';

/**
 * A transfer that failed. `retryable`: the other lane may be tried, since the command cannot have run (or may run twice). `laneFault`: it counts
 * against the lane; false where the command itself, the worker or the caller is the cause.
 */
export class TransportError extends PitwallError {
  override readonly name: string = 'TransportError';
  readonly retryable: boolean;
  readonly laneFault: boolean;

  constructor(
    code: string,
    message: string,
    options: { readonly retryable: boolean; readonly laneFault: boolean; readonly cause?: unknown },
  ) {
    super(code, message, { cause: options.cause });
    this.retryable = options.retryable;
    this.laneFault = options.laneFault;
  }
}

/** The worker process is gone. `ran: false` where the command cannot have reached it, so that another worker may take it. */
export class WorkerLostError extends TransportError {
  override readonly name: string = 'WorkerLostError';
  readonly ran: boolean;

  constructor(message: string, { cause, ran }: { readonly cause: unknown; readonly ran: boolean }) {
    super('PITWALL_WORKER_LOST', message, { retryable: false, laneFault: false, cause });
    this.ran = ran;
  }
}

/** A payload was built in shared memory that was given back, or went with its arena: what would be sent is not what was meant. */
export function memoryGone(): TransportError {
  return new TransportError(
    'PITWALL_SHM_RELEASED',
    'the payload lies in shared memory that was released, or that was lost with its arena: build it anew',
    { retryable: false, laneFault: false },
  );
}

/** The handler of a command threw, or there is none: the worker's answer, whichever lane asked. */
export function handlerFailed(code: string, message: string): TransportError {
  return new TransportError(code, message, { retryable: false, laneFault: false });
}

/** Shared memory did not work out, before the handler ran: gRPC may be tried. */
export function laneFailed(code: string, message: string, cause?: unknown): TransportError {
  return new TransportError(code, message, { retryable: true, laneFault: true, cause });
}

/** Shared memory cannot take this payload now; the lane is not to blame, gRPC takes it. */
export function laneUnsuited(code: string, message: string): TransportError {
  return new TransportError(code, message, { retryable: true, laneFault: false });
}

export function workerLost(command: string, cause: unknown, { ran = true } = {}): WorkerLostError {
  const message = ran
    ? `the worker process died while it ran "${command}"; it may or may not have run (pass idempotent: true to have it sent again)`
    : `the worker process died before "${command}" reached it`;
  return new WorkerLostError(message, { cause, ran });
}

export function poolOverloaded(pool: string, waiting: number): TransportError {
  return new TransportError('PITWALL_POOL_OVERLOADED', `pool ${pool}: ${waiting} transfers wait already`, {
    retryable: false,
    laneFault: false,
  });
}

export function timedOut(command: string, timeoutMs: number): TransportError {
  return new TransportError(
    'PITWALL_TRANSFER_TIMEOUT',
    `"${command}" had no answer within ${Math.round(timeoutMs)} ms`,
    { retryable: false, laneFault: false },
  );
}
