/** What a lane measures. Types only. */

/** What one transfer cost, microseconds; undefined where the lane cannot tell. */
export interface TransferCost {
  readonly latencyUs: number;
  readonly cpuTimeUs: number | undefined;
  readonly memoryUsed: number | undefined;
  readonly setupUs: number | undefined;
  readonly serializeUs: number | undefined;
  readonly transportUs: number | undefined;
  readonly workerUs: number | undefined;
  readonly cleanupUs: number | undefined;
  /** Whether the slice was warm; undefined for gRPC. */
  readonly warm: boolean | undefined;
}
