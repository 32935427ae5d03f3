import type { DecisionReason, Method } from '../decision/types.ts';

/**
 * What the runtime counts anyway, read when metrics are collected, so that counting costs the hot path nothing. Each method calls
 * `observe` once for every reading; counts run from the start of the runtime and never sink.
 */
export interface TelemetrySource {
  decisions(observe: (pool: string, method: Method, reason: DecisionReason, count: number) => void): void;
  /** Bytes; the default threshold of a pool under the data type `default`. */
  thresholds(observe: (pool: string, dataType: string, bytes: number) => void): void;
  mailboxes(observe: (actor: string, length: number) => void): void;
  restarts(observe: (supervisor: string, child: string, count: number) => void): void;
  dropped(observe: (cause: string, count: number) => void): void;
  /** Active alerts; 0 for kinds that were seen and are over. */
  alerts(observe: (kind: string, severity: string, active: number) => void): void;
  webhook(observe: (outcome: string, count: number) => void): void;
}
