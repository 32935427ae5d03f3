/**
 * Exit reasons: why a process ended. Any value may be one; these have a meaning of their own, as in OTP:
 *
 * - `'normal'`: it had nothing left to do. Linked processes that do not trap exits take no notice.
 * - `'shutdown'` and `{ shutdown: term }`: it was told to stop. Not a crash: no crash report, no restart of a transient child.
 * - `'killed'`: it was killed (`exit(ref, 'kill')`, or a shutdown time ran out). `terminate` did not run.
 * - `'noproc'`: there was no such process when it was asked for.
 * - anything else, typically the `Error` that a handler threw: a crash.
 */
export type ExitReason = unknown;

/** An orderly stop that says more: OTP's `{shutdown, Term}`. */
export interface Shutdown {
  readonly shutdown: unknown;
}

/** `{ shutdown: term }`, the only structured reason with a meaning to supervisors. */
export function isShutdownTerm(reason: ExitReason): reason is Shutdown {
  return typeof reason === 'object' && reason !== null && !(reason instanceof Error) && 'shutdown' in reason;
}

/** Whether a process that ends of `reason` ended as it should: `normal`, `shutdown` or `{ shutdown: term }`. */
export function isOrderly(reason: ExitReason): boolean {
  return reason === 'normal' || reason === 'shutdown' || isShutdownTerm(reason);
}

/** A short text for logs and error messages: never throws. */
export function describeReason(reason: ExitReason): string {
  try {
    if (typeof reason === 'string') return reason;
    if (reason instanceof Error) return `${reason.name}: ${reason.message}`;
    return JSON.stringify(reason) ?? String(reason);
  } catch {
    return 'a reason that cannot be shown';
  }
}
