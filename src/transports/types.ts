/** What moves payloads, seen from the outside. Types only. */
import type { DataType, Format, Method } from '../decision/types.ts';

/** An encoded payload on its way: bytes plus what they are. */
export interface EncodedPayload {
  readonly dataType: DataType;
  readonly format: Format;
  /** Size of the encoded, uncompressed payload in bytes. */
  readonly dataSize: number;
}

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

/** A worker's answer to one command, with what it cost. */
export interface TransferResult {
  readonly value: unknown;
  readonly cost: TransferCost;
}

export interface ExecuteOptions {
  /** Gives up on the transfer: the promise rejects with the signal's reason, nothing leaks. */
  readonly signal: AbortSignal | undefined;
  /** Milliseconds that the whole transfer may take. */
  readonly timeoutMs: number;
  readonly compression: boolean;
}

/** Moves one payload through one lane. */
export interface TransferExecutor {
  readonly method: Method;
  /** Rejects with a `TransportError`: `retryable` says whether another lane may be tried without running the command twice. */
  execute(command: string, payload: unknown, options: ExecuteOptions): Promise<TransferResult>;
  close(): Promise<void>;
}
