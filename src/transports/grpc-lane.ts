/** The gRPC lane: the payload travels in messages. */

import { STREAM_FROM } from './chunks.ts';
import { encodableOf } from './encodable.ts';
import type { Job } from './job.ts';
import type { Lane } from './lane.ts';
import { compress } from './payload.ts';
import type { ResultSizes } from './result-sizes.ts';
import { resultOf } from './worker-answer.ts';

export function grpcLane(sizes: ResultSizes): Lane<Job, unknown> {
  return async (job, context) => {
    const { payload, command } = job;
    const compressStartedMs = performance.now();
    const data = job.compression ? await compress(payload.content) : payload.content;
    const serializeUs = job.encodeUs + elapsedUs(compressStartedMs);
    // A large result wants chunks as much as a large payload does.
    const streamed = Math.max(data.byteLength, sizes.expected(command) ?? 0) >= STREAM_FROM;
    return job.withWorker(async ({ client }) => {
      const sentMs = performance.now();
      const request = {
        command,
        dataType: payload.dataType,
        format: payload.format,
        gzip: job.compression,
        reference: undefined,
        resultReference: undefined,
        size: payload.content.byteLength,
        timeoutMs: finite(job.remainingMs()),
        data: data.byteLength === 0 ? encodableOf() : data,
      };
      const reply = await client.execute(request, { signal: context.signal, timeoutMs: job.remainingMs() }, streamed);
      sizes.note(command, reply);
      context.report({
        serializeUs,
        transportUs: elapsedUs(sentMs),
        workerUs: reply.workerUs,
        // In one message: ours, gRPC's copy of it, the worker's. In chunks: the worker's.
        memoryUsed: streamed ? data.byteLength : 3 * data.byteLength,
      });
      return resultOf(reply, reply.data);
    }, context.ignore);
  };
}

function finite(timeoutMs: number): number {
  return Number.isFinite(timeoutMs) ? timeoutMs : 0;
}

function elapsedUs(sinceMs: number): number {
  return (performance.now() - sinceMs) * 1000;
}
