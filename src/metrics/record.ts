/** One finished transfer, as it is stored, aggregated, learned from and exported. Types only. */
import type { DataType, DecisionReason, Format, Method } from '../decision/types.ts';

export type Outcome = 'success' | 'ignored' | 'failed';

/**
 * The seed's TransferMetrics plus what learning needs. `undefined` means not measured.
 */
export interface TransferRecord {
  readonly transferId: string;
  /** End of the transfer, Unix microseconds (integer). */
  readonly timestampUs: number;
  readonly pool: string;
  readonly method: Method;
  readonly outcome: Outcome;
  readonly reason: DecisionReason;
  readonly dataSize: number;
  readonly dataType: DataType;
  readonly format: Format;
  readonly compression: boolean;
  readonly latencyUs: number;
  /** 10^6 bytes per second. */
  readonly throughputMBps: number;
  readonly memoryUsed: number | undefined;
  readonly cpuTimeUs: number | undefined;
  readonly decisionTimeUs: number;
  readonly predictedLatencyUs: number | undefined;
  /** |actual - predicted| / predicted. */
  readonly predictionError: number | undefined;
  readonly systemLoad: number | undefined;
  readonly availableMemory: number | undefined;
  readonly warm: boolean | undefined;
  readonly inFlight: number;
  /** Probability with which the lane was chosen. */
  readonly propensity: number;
  readonly explored: boolean;
  /** True where this record is the gRPC leg after a failed zero-copy leg, or a decision that fell back. */
  readonly fallback: boolean;
  readonly policyVersion: number;
  /** The experiment that the transfer was part of, its variant, and its slot of the split: what was drawn, in the lane or not. */
  readonly experiment?: string | undefined;
  readonly variant?: string | undefined;
  readonly experimentSlot?: number | undefined;
  /** The custom rule that chose the lane, where one did. */
  readonly policyRule?: string | undefined;
  /** Parts of the latency where the transport reports them. */
  readonly setupUs: number | undefined;
  readonly serializeUs: number | undefined;
  readonly transportUs: number | undefined;
  readonly workerUs: number | undefined;
  readonly cleanupUs: number | undefined;
  /** Stable error code of a failed transfer. */
  readonly errorCode: string | undefined;
}
