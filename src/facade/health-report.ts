/** What is said of a runtime's health. Types only. */
import type { Condition } from '../wiring/conditions.ts';

/** Something that is not as it should be. */
export interface HealthProblem {
  /** `tree`, `controller`, `store`, `mode`, `lane`, `hosted`, `shutdown`, or `host` for a check of the host's own. */
  readonly part: Condition['part'] | 'hosted' | 'shutdown' | 'host';
  readonly pool?: string;
  readonly reason: string;
  readonly whatToDo: string;
  /** Whether this is why the host is not ready. */
  readonly blocksReady: boolean;
}

/** Plain JSON. */
export interface HealthReport {
  /** `degraded`: ready, with less than it could have. */
  readonly state: 'ready' | 'degraded' | 'not_ready' | 'stopped';
  /** False once the runtime was shut down. */
  readonly live: boolean;
  readonly ready: boolean;
  readonly degraded: boolean;
  readonly problems: readonly HealthProblem[];
}

/** `live`: 503 once stopped; `ready`: 503 while not ready; `report`: always 200. */
export type Probe = 'live' | 'ready' | 'report';

export interface HealthHandlerOptions {
  /** The host's own checks of readiness: each answers what is wrong, or undefined. A rejection, or no answer within a second, is wrong too. */
  readonly checks?: readonly (() => string | undefined | Promise<string | undefined>)[];
}
