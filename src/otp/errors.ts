import { PitwallError } from '../errors.ts';
import { describeReason, type ExitReason } from './terms.ts';

/** Which code a failed call carries, by its reason; every other reason is the end of the server: `PITWALL_CALL_EXIT`. */
const CALL_CODES: ReadonlyMap<unknown, string> = new Map([
  ['noproc', 'PITWALL_CALL_NOPROC'],
  ['timeout', 'PITWALL_CALL_TIMEOUT'],
  ['calling_self', 'PITWALL_CALL_SELF'],
  ['mailbox_full', 'PITWALL_CALL_MAILBOX_FULL'],
  ['aborted', 'PITWALL_CALL_ABORTED'],
]);

/**
 * A call that got no reply. `reason` is `'noproc'`, `'timeout'`, `'calling_self'`, `'mailbox_full'`, `'aborted'`, or the exit reason
 * of the server that died before it replied; `code` says the same: `PITWALL_CALL_NOPROC`, `_TIMEOUT`, `_SELF`, `_MAILBOX_FULL`,
 * `_ABORTED`, `_EXIT`.
 */
export class CallError extends PitwallError {
  override readonly name: string = 'CallError';
  readonly reason: ExitReason;

  constructor(reason: ExitReason, server: string) {
    super(CALL_CODES.get(reason) ?? 'PITWALL_CALL_EXIT', `call to ${server} failed: ${describeReason(reason)}`, {
      cause: reason,
    });
    this.reason = reason;
  }
}

/** A process that could not be started. `reason` is what its `init`, or its supervisor, said. Code `PITWALL_START_FAILED`. */
export class StartError extends PitwallError {
  override readonly name: string = 'StartError';
  readonly reason: ExitReason;

  constructor(reason: ExitReason) {
    super('PITWALL_START_FAILED', `start failed: ${describeReason(reason)}`, { cause: reason });
    this.reason = reason;
  }
}

/**
 * Thrown by a handler to end its process with `reason`, as Erlang's `exit/1`: `throw new Exit('no_port')`. Any other value that a
 * handler throws is itself the exit reason. It is no `Error`: an exit is no fault, and needs no stack trace, which would be most
 * of its cost.
 */
export class Exit {
  readonly code = 'PITWALL_EXIT';
  readonly reason: ExitReason;

  constructor(reason: ExitReason) {
    this.reason = reason;
  }

  get message(): string {
    return `exit: ${describeReason(this.reason)}`;
  }
}

/** What a thrown value means as an exit reason. */
export function reasonOf(thrown: unknown): ExitReason {
  return thrown instanceof Exit ? thrown.reason : thrown;
}
