/** One visit of a benchmark: a burst of transfers by one lane, each measured. */
import { Decision } from '../decision/decision.ts';
import type { Method } from '../decision/types.ts';
import { errorCodeOf, type LaneContext } from '../hot-path/lanes.ts';
import type { BenchmarkCell } from '../metrics/analysis/benchmark/types.ts';
import type { TransferCost } from '../transports/types.ts';

/** What a lane may know and say while it is measured: what it knows in a transfer, and the configuration. */
export interface BenchmarkLaneContext extends LaneContext {
  readonly cell: BenchmarkCell;
}

/** Moves a payload. One that is written for `runtime.transfer` does. */
export type BenchmarkLane<D> = (data: D, context: BenchmarkLaneContext) => unknown;

export interface BenchmarkLanes<D = unknown> {
  readonly zeroCopy: BenchmarkLane<D>;
  readonly grpc: BenchmarkLane<D>;
}

/** One transfer of a burst. */
export interface SentTransfer {
  /** undefined where it failed, or says nothing of its lane. */
  readonly latencyUs: number | undefined;
  readonly cost: Partial<TransferCost>;
  readonly errorCode: string | undefined;
}

export interface Burst {
  readonly transfers: readonly SentTransfer[];
  /** Lane time of all of them together, milliseconds: what a throttle counts. */
  readonly busyMs: number;
}

export interface BurstOptions {
  readonly lanes: BenchmarkLanes;
  readonly lane: Method;
  readonly cell: BenchmarkCell;
  readonly payload: unknown;
  readonly pool: string;
  readonly signal: AbortSignal;
  /** Monotonic, milliseconds with fractions. */
  readonly elapsedMs: () => number;
}

/** Launches `cell.concurrency` transfers at once. Never rejects: what went wrong is in the transfers. */
export async function sendBurst(options: BurstOptions): Promise<Burst> {
  const sending = Array.from({ length: options.cell.concurrency }, () => sendOne(options));
  const sent = await Promise.all(sending);
  return { transfers: sent.map(({ transfer }) => transfer), busyMs: sent.reduce((sum, { busyMs }) => sum + busyMs, 0) };
}

/** One transfer. Never rejects. */
export async function sendOne(options: BurstOptions): Promise<{ transfer: SentTransfer; busyMs: number }> {
  const { lanes, lane, cell, payload, signal, elapsedMs } = options;
  let cost: Partial<TransferCost> = {};
  let ignored = false;
  const context: BenchmarkLaneContext = {
    decision: forcedDecision(options),
    cell,
    signal,
    report: (part) => {
      cost = { ...cost, ...part };
    },
    ignore: () => {
      ignored = true;
    },
  };
  const startedMs = elapsedMs();
  try {
    await (lane === 'grpc' ? lanes.grpc : lanes.zeroCopy)(payload, context);
    const busyMs = elapsedMs() - startedMs;
    const latencyUs = Math.max(cost.latencyUs ?? busyMs * 1000, 0.001);
    const errorCode = ignored ? 'ignored' : undefined;
    return { transfer: { latencyUs: ignored ? undefined : latencyUs, cost, errorCode }, busyMs };
  } catch (error) {
    const errorCode = errorCodeOf(error) ?? (error instanceof Error ? error.name : 'unknown');
    return { transfer: { latencyUs: undefined, cost, errorCode }, busyMs: elapsedMs() - startedMs };
  }
}

/** What a lane sees of a decision that nobody made: it was told to take this one. */
function forcedDecision({ lane, cell, pool }: BurstOptions): Decision {
  const { dataSize, dataType, format, compression, concurrency, memory } = cell;
  return new Decision(
    {
      transferId: 'benchmark',
      pool,
      policyVersion: 0,
      goal: 'balanced',
      threshold: undefined,
      comparison: undefined,
      source: 'cost_model',
      ruleFailure: undefined,
      ...{ dataSize, dataType, format, compression },
      warm: memory === 'warm',
      systemLoad: undefined,
      availableMemory: undefined,
      inFlight: concurrency,
      hourOfDay: 0,
    },
    {
      method: lane,
      reason: 'custom_rule',
      confidence: 1,
      propensity: 1,
      explored: false,
      by: 'benchmark',
    },
  );
}
