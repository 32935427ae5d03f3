/** The messages of `proto/pitwall.proto`, typed. */
import type { Encodable } from './encodable.ts';
import { Decoded, encodeMessage } from './wire.ts';

export interface ExecuteRequest {
  readonly command: string;
  readonly dataType: string;
  readonly format: string;
  readonly gzip: boolean;
  /** JSON of the reference to the payload, where it lies in shared memory. */
  readonly reference: Uint8Array | undefined;
  readonly resultReference: Uint8Array | undefined;
  /** Bytes of the payload before compression. */
  readonly size: number;
  /** Milliseconds after which the caller waits no longer; 0: no limit. */
  readonly timeoutMs: number;
  readonly data: Encodable | undefined;
}

export interface ReceivedRequest extends Omit<ExecuteRequest, 'reference' | 'resultReference' | 'data'> {
  readonly reference: Buffer | undefined;
  readonly resultReference: Buffer | undefined;
  readonly data: Buffer | undefined;
}

export function encodeRequest(request: ExecuteRequest): Buffer {
  return encodeMessage([
    { number: 1, kind: 'string', value: request.command },
    { number: 2, kind: 'string', value: request.dataType },
    { number: 3, kind: 'string', value: request.format },
    { number: 4, kind: 'bool', value: request.gzip },
    { number: 5, kind: 'bytes', value: request.reference },
    { number: 6, kind: 'bytes', value: request.resultReference },
    { number: 8, kind: 'uint64', value: request.size },
    { number: 9, kind: 'double', value: request.timeoutMs },
    { number: 7, kind: 'bytes', value: request.data },
  ]);
}

export function decodeRequest(message: Buffer): ReceivedRequest {
  const fields = new Decoded(message);
  return {
    command: fields.text(1),
    dataType: fields.text(2),
    format: fields.text(3),
    gzip: fields.number(4) === 1,
    reference: fields.bytes(5),
    resultReference: fields.bytes(6),
    data: fields.bytes(7),
    size: fields.number(8),
    timeoutMs: fields.number(9),
  };
}

export interface ExecuteReply {
  readonly dataType: string;
  readonly format: string;
  readonly workerUs: number;
  readonly handlerUs: number;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly resultLength: number;
  readonly data: Encodable | undefined;
}

export interface ReceivedReply extends Omit<ExecuteReply, 'data'> {
  readonly data: Buffer | undefined;
}

export function encodeReply(reply: ExecuteReply): Buffer {
  return encodeMessage([
    { number: 1, kind: 'string', value: reply.dataType },
    { number: 2, kind: 'string', value: reply.format },
    { number: 3, kind: 'double', value: reply.workerUs },
    { number: 4, kind: 'double', value: reply.handlerUs },
    { number: 5, kind: 'string', value: reply.errorCode },
    { number: 6, kind: 'string', value: reply.errorMessage },
    { number: 7, kind: 'uint64', value: reply.resultLength },
    { number: 8, kind: 'bytes', value: reply.data },
  ]);
}

export function decodeReply(message: Buffer): ReceivedReply {
  const fields = new Decoded(message);
  return {
    dataType: fields.text(1),
    format: fields.text(2),
    workerUs: fields.number(3),
    handlerUs: fields.number(4),
    errorCode: fields.text(5),
    errorMessage: fields.text(6),
    resultLength: fields.number(7),
    data: fields.bytes(8),
  };
}

/** One piece of a message that travels in chunks: the first has the head, those that follow the data. */
export interface Chunk {
  readonly head: Buffer | undefined;
  /** Bytes of data in all chunks. */
  readonly total: number;
  readonly data: Uint8Array | undefined;
}

export function encodeChunk({ head, total, data }: Chunk): Buffer {
  return encodeMessage([
    { number: 1, kind: 'bytes', value: head },
    { number: 2, kind: 'uint64', value: total },
    { number: 3, kind: 'bytes', value: data },
  ]);
}

export function decodeChunk(message: Buffer): Chunk {
  const fields = new Decoded(message);
  return { head: fields.bytes(1), total: fields.number(2), data: fields.bytes(3) };
}

export function encodeAttach(descriptor: string): Buffer {
  return encodeMessage([{ number: 1, kind: 'string', value: descriptor }]);
}

export function decodeAttach(message: Buffer): string {
  return new Decoded(message).text(1);
}

export interface AttachReply {
  /** Empty: attached; else why not. */
  readonly error: string;
  /** Unix socket that takes references; empty: they come by `Execute`. */
  readonly controlPath: string;
}

export function encodeAttachReply({ error, controlPath }: AttachReply): Buffer {
  return encodeMessage([
    { number: 1, kind: 'string', value: error },
    { number: 2, kind: 'string', value: controlPath },
  ]);
}

export function decodeAttachReply(message: Buffer): AttachReply {
  const fields = new Decoded(message);
  return { error: fields.text(1), controlPath: fields.text(2) };
}

export interface HealthReply {
  readonly commands: readonly string[];
  readonly pid: number;
}

export function encodeHealth(health: HealthReply): Buffer {
  return encodeMessage([
    ...health.commands.map((value) => ({ number: 1, kind: 'string', value }) as const),
    { number: 2, kind: 'uint64', value: health.pid },
  ]);
}

export function decodeHealth(message: Buffer): HealthReply {
  const fields = new Decoded(message);
  return { commands: fields.texts(1), pid: fields.number(2) };
}
