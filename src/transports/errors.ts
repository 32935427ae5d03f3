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

/** The handler of a command threw, or there is none: the worker's answer, whichever lane asked. */
export function handlerFailed(code: string, message: string): TransportError {
  return new TransportError(code, message, { retryable: false, laneFault: false });
}

/** The worker process died while it had the command; it may or may not have run. */
export function workerLost(command: string, cause: unknown): TransportError {
  return new TransportError(
    'PITWALL_WORKER_LOST',
    `the worker process died while it ran "${command}"; it may or may not have run (pass idempotent: true to have it sent again)`,
    { retryable: false, laneFault: false, cause },
  );
}

export function poolOverloaded(pool: string, waiting: number): TransportError {
  return new TransportError('PITWALL_POOL_OVERLOADED', `pool ${pool}: ${waiting} transfers wait already`, {
    retryable: false,
    laneFault: false,
  });
}

export function timedOut(command: string, timeoutMs: number): TransportError {
  return new TransportError('PITWALL_TRANSFER_TIMEOUT', `"${command}" had no answer within ${timeoutMs} ms`, {
    retryable: false,
    laneFault: false,
  });
}
