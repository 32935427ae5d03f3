/** The worker's side of the service: unpack, run the handler, pack. Runs in the worker process. */

import type { ServerHttp2Session } from 'node:http2';
import type * as Grpc from '@grpc/grpc-js';
import { describeValue } from '../errors.ts';
import type { HandlerContext, Handlers } from './define-worker.ts';
import type { AttachedArena, Reference } from './memory/types.ts';
import type { ExecuteReply, ReceivedRequest } from './messages.ts';
import { decodePayload, decompress, encodePayload } from './payload.ts';
import { MESSAGE_LIMITS, WINDOW_BYTES, WORKER_SERVICE } from './service.ts';

/** Results of at least this size go into shared memory where the host offers some. */
const LARGE_RESULT = 64 * 1024;
/** What a compressed payload may grow to. */
const MAX_INFLATED = 4 * 2 ** 30;

const NOTHING: ExecuteReply = {
  dataType: '',
  format: '',
  workerUs: 0,
  handlerUs: 0,
  errorCode: '',
  errorMessage: '',
  resultLength: 0,
  data: undefined,
};

export class WorkerServer {
  readonly #handlers: ReadonlyMap<string, Handlers[string]>;
  #arena: AttachedArena | undefined;

  constructor(handlers: Handlers) {
    this.#handlers = new Map(Object.entries(handlers).filter(([, handler]) => typeof handler === 'function'));
  }

  /** Listens on `address` (`unix:/path` or `host:port`); resolves when calls are taken. */
  async listen(grpc: typeof Grpc, address: string): Promise<Grpc.Server> {
    const server = new grpc.Server({ ...MESSAGE_LIMITS, 'grpc-node.flow_control_window': WINDOW_BYTES });
    server.addService(WORKER_SERVICE, {
      execute: (call: Grpc.ServerUnaryCall<ReceivedRequest, ExecuteReply>, done: Grpc.sendUnaryData<ExecuteReply>) => {
        this.#execute(call.request, abortSignalOf(call)).then(
          (reply) => done(null, reply),
          (error) => done({ code: grpc.status.INTERNAL, details: messageOf(error) }),
        );
      },
      attach: (call: Grpc.ServerUnaryCall<string, string>, done: Grpc.sendUnaryData<string>) => {
        void this.#attach(call.request).then((error) => done(null, error));
      },
      health: (_call: unknown, done: Grpc.sendUnaryData<{ commands: string[]; pid: number }>) =>
        done(null, { commands: [...this.#handlers.keys()], pid: process.pid }),
    });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    widenWindows(server);
    return server;
  }

  async #attach(descriptor: string): Promise<string> {
    try {
      const { attachArena } = await import('./memory/attach-arena.ts');
      const attached = await attachArena(JSON.parse(descriptor), () => performance.timeOrigin + performance.now());
      this.#arena?.close();
      this.#arena = attached;
      return '';
    } catch (error) {
      return messageOf(error);
    }
  }

  async #execute(request: ReceivedRequest, signal: AbortSignal): Promise<ExecuteReply> {
    const startedMs = performance.now();
    const handler = this.#handlers.get(request.command);
    if (handler === undefined) {
      const known = [...this.#handlers.keys()].join(', ');
      return failed('PITWALL_UNKNOWN_COMMAND', `no handler "${request.command}" (there are: ${known})`);
    }
    const lane = request.reference === undefined ? 'grpc' : 'zero_copy';
    let payload: unknown;
    try {
      payload = await this.#unpack(request);
    } catch (error) {
      return failed('PITWALL_PAYLOAD_UNREADABLE', messageOf(error));
    }
    const handlerStartedMs = performance.now();
    let result: unknown;
    try {
      const context: HandlerContext = { command: request.command, lane, signal };
      // The host and its worker's script agree on what a command takes; here it is any payload.
      result = await (handler as (payload: unknown, context: HandlerContext) => unknown)(payload, context);
    } catch (error) {
      return failed('PITWALL_HANDLER_FAILED', `${request.command}: ${messageOf(error)}`);
    }
    const handlerUs = (performance.now() - handlerStartedMs) * 1000;
    try {
      const packed = await this.#pack(result, request);
      return { ...NOTHING, ...packed, handlerUs, workerUs: (performance.now() - startedMs) * 1000 };
    } catch (error) {
      return failed('PITWALL_RESULT_UNSENDABLE', `${request.command}: ${messageOf(error)}`);
    }
  }

  #unpack({ dataType, format, gzip, reference, data }: ReceivedRequest): Promise<unknown> {
    if (reference !== undefined)
      return decodePayload(dataType, format, this.#attached().view(parseReference(reference)));
    return decodePayload(dataType, format, gzip && data ? decompress(data, MAX_INFLATED) : data);
  }

  async #pack(
    result: unknown,
    request: ReceivedRequest,
  ): Promise<Pick<ExecuteReply, 'dataType' | 'format' | 'data' | 'resultLength'>> {
    if (result === undefined) return { dataType: 'json', format: 'json', data: undefined, resultLength: 0 };
    const { dataType, format, byteLength, writeTo } = await encodePayload(result);
    const offered = request.resultReference;
    if (offered !== undefined && byteLength >= LARGE_RESULT) {
      const reference = parseReference(offered);
      if (byteLength <= reference.length) {
        const arena = this.#attached();
        const slice = arena.view(reference);
        writeTo(slice, 0);
        arena.commit(reference, slice);
        return { dataType, format, data: undefined, resultLength: byteLength };
      }
    }
    return { dataType, format, data: { byteLength, writeTo }, resultLength: 0 };
  }

  #attached(): AttachedArena {
    if (this.#arena) return this.#arena;
    throw new Error('no shared memory is attached');
  }
}

function parseReference(bytes: Buffer): Reference {
  return JSON.parse(bytes.toString('utf8'));
}

function failed(errorCode: string, errorMessage: string): ExecuteReply {
  return { ...NOTHING, errorCode, errorMessage };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : describeValue(error);
}

function abortSignalOf(call: Grpc.ServerUnaryCall<ReceivedRequest, ExecuteReply>): AbortSignal {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  return controller.signal;
}

/**
 * grpc-js has an option for the client's window, none for the server's. Its HTTP/2 servers are there after `bindAsync`, though, and each session
 * takes a larger window before its first call. Should a later version keep them elsewhere, the lane works on with the small one.
 */
function widenWindows(server: Grpc.Server): void {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map)) return;
  for (const http2Server of http2Servers.keys()) {
    http2Server.on('session', (session: ServerHttp2Session) => {
      session.settings({ initialWindowSize: WINDOW_BYTES });
      session.setLocalWindowSize(WINDOW_BYTES);
    });
  }
}
