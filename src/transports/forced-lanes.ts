/** Both lanes to one command of a pool, each taken whatever pitwall would choose: what a benchmark needs. */
import { InvalidArgumentError } from '../errors.ts';
import { Job, type JobOptions } from './job.ts';
import type { Lane, LaneContext, Lanes } from './lane.ts';
import { encodePayload, type PayloadLabel } from './payload.ts';
import type { PoolResources } from './pool-resources.ts';

export interface ForcedLaneOptions {
  /** Milliseconds that one transfer may take, waiting for a worker included. Default 120 000; Infinity for none. */
  readonly timeoutMs?: number | undefined;
}

/** What a forced transfer may be told beside its payload; a benchmark's context has it. */
export interface ForcedLaneContext extends LaneContext {
  readonly cell?: {
    readonly dataType: string;
    readonly format: string;
    /** gzip on the gRPC lane. */
    readonly compression: boolean;
    /** `cold`: zero-copy writes into pages that are made for this transfer, and given back after it. */
    readonly memory: 'warm' | 'cold';
  };
}

/** A payload, and what is known of it; resolves with what the handler returned. */
export type ForcedLane = (payload: unknown, context: ForcedLaneContext) => Promise<unknown>;

export interface ForcedLanes {
  readonly zeroCopy: ForcedLane;
  readonly grpc: ForcedLane;
}

export interface ForcedLanesParts {
  readonly command: string;
  readonly lanes: Lanes<Job, unknown>;
  readonly resources: Pick<PoolResources, 'table' | 'arena' | 'holding'>;
  /** Has the pool wait for it when it closes. @throws where it is closed */
  readonly track: <T>(run: () => Promise<T>) => Promise<T>;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/** @throws InvalidArgumentError naming the option */
export function forcedLanes(
  parts: ForcedLanesParts,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: ForcedLaneOptions,
): ForcedLanes {
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) {
    throw new InvalidArgumentError('timeoutMs', timeoutMs, 'a number > 0');
  }
  const forced =
    (lane: Lane<Job, unknown>): ForcedLane =>
    (payload, context) =>
      parts.track(() => send(parts, lane, payload, context, timeoutMs));
  return { zeroCopy: forced(parts.lanes.zeroCopy), grpc: forced(parts.lanes.grpc) };
}

/**
 * What was built in shared memory is sent from there, as `execute` does. Reports its own latency: encoding and the lane, without the wait for a worker,
 * and without what only a measurement does.
 */
async function send(
  { command, resources }: ForcedLanesParts,
  lane: Lane<Job, unknown>,
  payload: unknown,
  context: ForcedLaneContext,
  timeoutMs: number,
): Promise<unknown> {
  const { cell, signal } = context;
  const cold = cell?.memory === 'cold';
  const startedMs = performance.now();
  const encoded = await encodePayload(payload, labelOf(payload, cell));
  const encodeUs = (performance.now() - startedMs) * 1000;
  const compression = cell?.compression ?? false;
  const request: JobOptions = {
    table: resources.table,
    command,
    payload: encoded,
    inPlace: cold || compression ? undefined : resources.holding(encoded.content.place),
    compression,
    timeoutMs,
    idempotent: false,
    signal,
    encodeUs,
    startedMs,
    cold,
  };
  const job = new Job(request);
  try {
    await job.take();
    const sentMs = performance.now();
    const value = await lane(job, context);
    context.report({ latencyUs: encodeUs + (performance.now() - sentMs) * 1000 });
    return value;
  } finally {
    job.end();
    if (cold) resources.arena?.trim();
  }
}

/** Bytes are what the cell says they are; other payloads say so themselves. */
function labelOf(payload: unknown, cell: ForcedLaneContext['cell']): PayloadLabel {
  if (cell === undefined || !(payload instanceof Uint8Array)) return {};
  return { dataType: cell.dataType, format: cell.format };
}
