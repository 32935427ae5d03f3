/** The zero-copy lane: the payload is written into shared memory, a reference to it travels, a large result comes back the same way. */

import { laneFailed, laneUnsuited } from './errors.ts';
import type { Job } from './job.ts';
import type { Lane, LaneContext } from './lane.ts';
import type { Arena, Lease, Reference } from './memory/types.ts';
import type { ExecuteRequest } from './messages.ts';
import { sharedResult } from './pool-buffer.ts';
import type { ResultSizes } from './result-sizes.ts';
import type { Sent } from './sent.ts';
import { resultOf } from './worker-answer.ts';
import type { ReadyWorker } from './worker-table.ts';

export function zeroCopyLane(arenaNow: () => Arena | undefined, sizes: ResultSizes): Lane<Job, unknown> {
  return (job, context) =>
    job.withWorker(async (worker) => {
      const arena = arenaNow();
      if (!arena) throw laneFailed('PITWALL_SHM_UNAVAILABLE', 'the pool has no shared memory');
      return sendThrough(arena, worker, job, context, sizes);
    }, context.ignore);
}

async function sendThrough(
  arena: Arena,
  { courier }: ReadyWorker,
  job: Job,
  context: LaneContext,
  sizes: ResultSizes,
): Promise<unknown> {
  if (!courier) throw laneFailed('PITWALL_SHM_UNAVAILABLE', 'the worker has not mapped shared memory');
  const leases = leaseFor(arena, job, context, sizes);
  let sent: Sent | undefined;
  try {
    writeInto(leases, job, context);
    const sentMs = performance.now();
    sent = courier.send(requestFor(job, leases), { signal: context.signal, timeoutMs: job.remainingMs() });
    const reply = await sent.reply;
    context.report({ transportUs: elapsedUs(sentMs), workerUs: reply.workerUs });
    sizes.note(job.command, reply);
    if (reply.resultLength === 0) return await resultOf(reply, reply.data);
    const written = writtenResult(leases.result, reply.resultLength);
    if (!job.sharedResult) return await resultOf(reply, Buffer.from(written));
    const value = await resultOf(reply, written);
    return sharedResult(value, leases.result?.share());
  } catch (error) {
    // Before the worker is done, its place and the memory are not free.
    if (sent && !sent.done) job.abandon(sent);
    throw error;
  } finally {
    const cleanupMs = performance.now();
    const release = (): void => {
      leases.payload.release();
      leases.result?.release();
    };
    if (sent) sent.whenDone(release);
    else release();
    context.report({ cleanupUs: elapsedUs(cleanupMs) });
  }
}

interface Leases {
  readonly payload: Lease;
  /** It holds the payload already. */
  readonly inPlace: boolean;
  /** For the result, where the last one of the command was large. */
  readonly result: Lease | undefined;
}

/** What a result may be larger than the last one of its command. */
const RESULT_SLACK = 1.25;

/** @throws TransportError where there is no room: gRPC takes it, at once */
function leaseFor(arena: Arena, job: Job, context: LaneContext, sizes: ResultSizes): Leases {
  const { byteLength } = job.payload.content;
  if (byteLength === 0) throw laneUnsuited('PITWALL_SHM_EMPTY', 'an empty payload cannot lie in shared memory');
  const startedMs = performance.now();
  const shared = job.shareInPlace();
  const payload = shared ?? (job.cold ? arena.allocateFresh(byteLength) : arena.allocate(byteLength));
  if (!payload) throw laneUnsuited('PITWALL_SHM_EXHAUSTED', `shared memory has no room for ${byteLength} bytes`);
  const expected = sizes.expected(job.command);
  const result = expected === undefined ? undefined : arena.allocate(Math.ceil(expected * RESULT_SLACK));
  context.report({ setupUs: elapsedUs(startedMs), warm: payload.warm, memoryUsed: byteLength });
  return { payload, inPlace: shared !== undefined, result };
}

/** @throws TransportError where the memory cannot be written: nothing has run */
function writeInto({ payload, inPlace }: Leases, job: Job, context: LaneContext): void {
  const startedMs = performance.now();
  try {
    if (!inPlace) job.payload.content.writeTo(payload.buffer, 0);
    payload.commit();
  } catch (error) {
    throw laneFailed('PITWALL_SHM_UNAVAILABLE', 'shared memory could not be written', error);
  }
  context.report({ serializeUs: job.encodeUs + elapsedUs(startedMs) });
}

function requestFor(job: Job, leases: Leases): ExecuteRequest {
  const { payload, command } = job;
  const timeoutMs = job.remainingMs();
  return {
    command,
    dataType: payload.dataType,
    format: payload.format,
    gzip: false,
    reference: jsonBytes(leases.payload.reference),
    resultReference: leases.result && jsonBytes(leases.result.reference),
    size: payload.content.byteLength,
    timeoutMs: Number.isFinite(timeoutMs) ? timeoutMs : 0,
    data: undefined,
  };
}

/** What the worker wrote. The slice is given back: what the caller keeps must be its own, or hold the slice. */
function writtenResult(lease: Lease | undefined, bytes: number): Uint8Array {
  if (!lease || bytes > lease.buffer.byteLength) {
    throw laneFailed('PITWALL_RESULT_UNREADABLE', 'the worker wrote its result where it was offered no memory');
  }
  lease.refresh();
  return lease.buffer.subarray(0, bytes);
}

function jsonBytes(reference: Reference): Buffer {
  return Buffer.from(JSON.stringify(reference), 'utf8');
}

function elapsedUs(sinceMs: number): number {
  return (performance.now() - sinceMs) * 1000;
}
