import type { DecisionReason, Method } from '../decision/types.ts';
import type { CostModelSnapshot } from '../learning/types.ts';

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
  /** What is known of a pool's lanes, to judge its decisions by. */
  costModel(pool: string): CostModelSnapshot | undefined;
  pools(observe: (pool: string, state: PoolReading) => void): void;
  thresholdAdjustments(observe: (pool: string, direction: 'up' | 'down', count: number) => void): void;
  trainings(observe: (pool: string, outcome: string, count: number) => void): void;
  /** Of the runtime and its machine; what is not known is left out. */
  machine(): MachineReading;
}

export interface PoolReading {
  readonly explorations: number;
  readonly inFlight: number;
  readonly circuitOpen: boolean;
  /** 0..2. */
  readonly modelStage: number;
}

export interface MachineReading {
  readonly degraded: boolean;
  /** Milliseconds that actors took. */
  readonly actorsMs: number;
  readonly recordsWaiting: number;
  readonly storeSize: number | undefined;
  readonly systemLoad: number | undefined;
  readonly memoryLoad: number | undefined;
  readonly eventLoopDelayUs: number | undefined;
  readonly sharedMemoryRoom: number | undefined;
}
