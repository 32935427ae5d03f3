/** The two lanes of a worker pool: the payload as gRPC bytes, or a reference to where it lies in shared memory. */
import type { LaneContext } from '../hot-path/lanes.ts';
import { handlerFailed, TransportError } from './errors.ts';
import type { Arena, Lease, Reference } from './memory/types.ts';
import type { ReceivedReply } from './messages.ts';
import { compress, decodePayload, type EncodedPayload } from './payload.ts';
import type { WorkerClient } from './worker-client.ts';
import type { ReadyWorker, Taken, WorkerTable } from './worker-table.ts';

/** One command on its way. The payload is encoded once, whichever lane, or both, it takes. */
export interface Job {
  readonly command: string;
  readonly payload: EncodedPayload;
  readonly compression: boolean;
  readonly timeoutMs: number;
  /** May be sent again when its worker died half-way. */
  readonly idempotent: boolean;
  /** Microseconds that encoding took so far. */
  readonly encodeUs: number;
}

/** Workers that may die under one idempotent command before it is given up. */
const MAX_SENDS = 5;

export class PoolLanes {
  readonly #table: WorkerTable;
  readonly #arena: Arena | undefined;
  /** Bytes of the last result of each command, so that a large one is offered memory beforehand. */
  readonly #resultBytes = new Map<string, number>();

  constructor(table: WorkerTable, arena: Arena | undefined) {
    this.#table = table;
    this.#arena = arena;
  }

  readonly grpc = async (job: Job, context: LaneContext): Promise<unknown> => {
    const compressStartMs = performance.now();
    const data = job.compression ? await compress(job.payload) : job.payload;
    const serializeUs = job.encodeUs + elapsedUs(compressStartMs);
    return this.#send(job, context, async (client) => {
      const sentMs = performance.now();
      const reply = await client.execute(
        {
          command: job.command,
          dataType: job.payload.dataType,
          format: job.payload.format,
          gzip: job.compression,
          reference: undefined,
          resultReference: undefined,
          data,
        },
        { signal: context.signal, timeoutMs: job.timeoutMs },
      );
      context.report({
        serializeUs,
        transportUs: elapsedUs(sentMs),
        workerUs: reply.workerUs,
        memoryUsed: 3 * job.payload.byteLength,
      });
      return resultOf(reply, reply.data);
    });
  };

  readonly zeroCopy = async (job: Job, context: LaneContext): Promise<unknown> => {
    const arena = this.#arena;
    if (!arena) throw laneFailed('PITWALL_SHM_UNAVAILABLE', 'the pool has no shared memory', undefined);
    if (job.payload.byteLength === 0) throw nothingToShare();
    const setupMs = performance.now();
    const lease = arena.allocate(job.payload.byteLength);
    if (!lease) throw laneFailed('PITWALL_SHM_EXHAUSTED', `no room for ${job.payload.byteLength} bytes`, undefined);
    const offered = this.#offerResult(arena, job.command);
    const setupUs = elapsedUs(setupMs);
    try {
      const copyMs = performance.now();
      job.payload.writeTo(lease.buffer, 0);
      lease.commit();
      context.report({
        setupUs,
        serializeUs: job.encodeUs + elapsedUs(copyMs),
        warm: lease.warm,
        memoryUsed: job.payload.byteLength,
      });
      return await this.#send(job, context, (client, worker) =>
        this.#sendReference(job, context, client, worker, lease, offered),
      );
    } finally {
      const cleanupMs = performance.now();
      lease.release();
      offered?.release();
      context.report({ cleanupUs: elapsedUs(cleanupMs) });
    }
  };

  async #sendReference(
    job: Job,
    context: LaneContext,
    client: WorkerClient,
    worker: ReadyWorker,
    lease: Lease,
    offered: Lease | undefined,
  ): Promise<unknown> {
    if (!worker.attached) throw laneFailed('PITWALL_SHM_UNAVAILABLE', 'the worker has no shared memory', undefined);
    const sentMs = performance.now();
    const reply = await client.execute(
      {
        command: job.command,
        dataType: job.payload.dataType,
        format: job.payload.format,
        gzip: false,
        reference: jsonBytes(lease.reference),
        resultReference: offered && jsonBytes(offered.reference),
        data: undefined,
      },
      { signal: context.signal, timeoutMs: job.timeoutMs },
    );
    context.report({ transportUs: elapsedUs(sentMs), workerUs: reply.workerUs });
    this.#noteResult(job.command, reply);
    if (reply.resultLength > 0 && offered) {
      offered.refresh();
      // The slice is given back: what the caller keeps must be its own.
      return resultOf(reply, Buffer.from(offered.buffer.subarray(0, reply.resultLength)));
    }
    return resultOf(reply, reply.data);
  }

  /** Sends to the least loaded worker, and again if it dies and the command may run twice. */
  async #send(
    job: Job,
    context: LaneContext,
    send: (client: WorkerClient, worker: ReadyWorker) => Promise<unknown>,
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const taken: Taken = await this.#table.take(context.signal);
      try {
        return await send(taken.worker.client, taken.worker);
      } catch (error) {
        const lost = error instanceof TransportError && error.code === 'PITWALL_WORKER_LOST';
        if (!lost || !job.idempotent || attempt >= MAX_SENDS) throw error;
        this.#table.suspect(taken.worker);
        context.ignore();
      } finally {
        taken.release();
      }
    }
  }

  #offerResult(arena: Arena, command: string): Lease | undefined {
    const expected = this.#resultBytes.get(command);
    return expected === undefined ? undefined : arena.allocate(Math.ceil(expected * RESULT_SLACK));
  }

  #noteResult(command: string, reply: ReceivedReply): void {
    const bytes = reply.resultLength || (reply.data?.byteLength ?? 0);
    if (bytes < LARGE_RESULT) this.#resultBytes.delete(command);
    else if (this.#resultBytes.size < MAX_COMMANDS || this.#resultBytes.has(command))
      this.#resultBytes.set(command, bytes);
  }
}

/** Results below it travel as bytes, as the worker does it. */
const LARGE_RESULT = 64 * 1024;
const RESULT_SLACK = 1.25;
const MAX_COMMANDS = 1_024;

async function resultOf(reply: ReceivedReply, data: Uint8Array | undefined): Promise<unknown> {
  switch (reply.errorCode) {
    case '':
      return decodePayload(reply.dataType, reply.format, data);
    case 'PITWALL_PAYLOAD_UNREADABLE':
      // The handler has not run: the other lane may be tried.
      throw laneFailed(reply.errorCode, reply.errorMessage, undefined);
    default:
      throw handlerFailed(reply.errorCode, reply.errorMessage);
  }
}

function laneFailed(code: string, message: string, cause: unknown): TransportError {
  return new TransportError(code, message, { retryable: true, laneFault: true, cause });
}

/** An empty payload has no place in memory; the lane is not to blame. */
function nothingToShare(): TransportError {
  return new TransportError('PITWALL_SHM_EMPTY', 'an empty payload cannot lie in shared memory', {
    retryable: true,
    laneFault: false,
  });
}

function jsonBytes(reference: Reference): Buffer {
  return Buffer.from(JSON.stringify(reference), 'utf8');
}

function elapsedUs(sinceMs: number): number {
  return (performance.now() - sinceMs) * 1000;
}
