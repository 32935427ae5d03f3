import type { ChildType, Restart, ShutdownTime } from './child-kind.ts';
import type { ProcessRef } from './message.ts';
import type { ExitReason } from './terms.ts';

/** Which child a report is about. */
export interface Offender {
  readonly id: string;
  readonly ref: ProcessRef | undefined;
  readonly restart: Restart;
  readonly shutdown: ShutdownTime;
  readonly type: ChildType;
  readonly significant: boolean;
}

/**
 * What a supervisor says of its children: every start, crash and trouble with stopping, all of one shape, OTP's supervisor and progress
 * reports.
 */
export interface SupervisorReport {
  /** `start`: a child runs. `crash`: one died, or could not be started. `shutdown`: one did not stop as it should, or all must. */
  readonly kind: 'start' | 'crash' | 'shutdown';
  readonly supervisor: ProcessRef;
  /** OTP's error context; `started` is its progress report. `shutdown`: the restart intensity is exceeded, the supervisor gives up. */
  readonly context: 'started' | 'start_error' | 'child_terminated' | 'shutdown_error' | 'shutdown';
  /** Why; `'reached_max_restart_intensity'` in context `shutdown`, `undefined` in context `started`. */
  readonly reason: ExitReason;
  readonly offender: Offender;
  /** Restarts that count now, within the supervisor's period. */
  readonly restarts: number;
  /** Milliseconds since the epoch, by the system's clock. */
  readonly atMs: number;
}
