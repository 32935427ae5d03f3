/** What configuration means once it has been validated. Types only. Bytes where the user wrote `…Mb`. */

export type Goal = 'minimize_latency' | 'maximize_throughput' | 'minimize_memory' | 'balanced';

/** Bounds within which a pool's thresholds move, bytes. */
export interface PoolLimits {
  readonly minimumThreshold: number;
  readonly maximumThreshold: number;
}
