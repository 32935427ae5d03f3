/** The gRPC service of `proto/pitwall.proto`, as grpc-js wants it: both sides pass messages of our own encoding. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import {
  type AttachReply,
  type Chunk,
  decodeAttach,
  decodeAttachReply,
  decodeChunk,
  decodeHealth,
  decodeReply,
  decodeRequest,
  type ExecuteReply,
  type ExecuteRequest,
  encodeAttach,
  encodeAttachReply,
  encodeChunk,
  encodeHealth,
  encodeReply,
  encodeRequest,
  type HealthReply,
} from './messages.ts';

const PREFIX = '/pitwall.v1.Worker';
const UNARY = { requestStream: false, responseStream: false } as const;

export const WORKER_SERVICE = {
  execute: {
    ...UNARY,
    path: `${PREFIX}/Execute`,
    requestSerialize: (request: ExecuteRequest) => encodeRequest(request),
    requestDeserialize: decodeRequest,
    responseSerialize: (reply: ExecuteReply) => encodeReply(reply),
    responseDeserialize: decodeReply,
  },
  executeStream: {
    requestStream: true,
    responseStream: true,
    path: `${PREFIX}/ExecuteStream`,
    requestSerialize: (chunk: Chunk) => encodeChunk(chunk),
    requestDeserialize: decodeChunk,
    responseSerialize: (chunk: Chunk) => encodeChunk(chunk),
    responseDeserialize: decodeChunk,
  },
  attach: {
    ...UNARY,
    path: `${PREFIX}/Attach`,
    requestSerialize: (descriptor: string) => encodeAttach(descriptor),
    requestDeserialize: decodeAttach,
    responseSerialize: (reply: AttachReply) => encodeAttachReply(reply),
    responseDeserialize: decodeAttachReply,
  },
  health: {
    ...UNARY,
    path: `${PREFIX}/Health`,
    requestSerialize: () => Buffer.alloc(0),
    // grpc-js takes undefined for "no message came".
    requestDeserialize: () => ({}),
    responseSerialize: (health: HealthReply) => encodeHealth(health),
    responseDeserialize: decodeHealth,
  },
} satisfies ServiceDefinition;

/**
 * HTTP/2's flow-control window: its default of 64 KiB has a sender wait for the receiver every 64 KiB, which costs 1.5 to 3 times the time of a
 * large transfer. 16 MiB keeps the socket busy; more gained nothing.
 */
export const WINDOW_BYTES = 16 * 2 ** 20;

/** No limit of gRPC's own: the payload's size is what the pool decides on, not what breaks it. */
export const MESSAGE_LIMITS = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
} as const;
