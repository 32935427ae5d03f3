/** The gRPC face of a worker. Runs in the worker process. */
import { timingSafeEqual } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import type * as Grpc from '@grpc/grpc-js';
import { ChunkCollector, writeChunks } from './chunks.ts';
import { type CommandRunner, failed, messageOf } from './command-runner.ts';
import {
  type AttachReply,
  type Chunk,
  decodeRequest,
  type ExecuteReply,
  encodeReply,
  type HealthReply,
  type ReceivedRequest,
} from './messages.ts';
import { MESSAGE_LIMITS, WINDOW_BYTES, WORKER_SERVICE } from './service.ts';

export interface GrpcServerOptions {
  readonly runner: CommandRunner;
  /** Maps the shared memory; resolves with the path of the control channel, or empty. */
  readonly attach: (descriptor: string) => Promise<string>;
  /** Callers must show it; undefined where the socket's folder keeps others out. */
  readonly token: string | undefined;
}

/** Listens on `address` (`unix:/path` or `host:port`); resolves with the port (of a Unix socket: some number) when calls are taken. */
export async function listenGrpc(grpc: typeof Grpc, address: string, options: GrpcServerOptions): Promise<number> {
  const server = new grpc.Server({ ...MESSAGE_LIMITS });
  const { runner } = options;
  const guard = tokenGuard(grpc, options.token);
  server.addService(WORKER_SERVICE, {
    execute: guard.unary((call: Grpc.ServerUnaryCall<ReceivedRequest, ExecuteReply>, done: Done<ExecuteReply>) => {
      answer(grpc, runner.run(call.request, abortSignalOf(call)), done);
    }),
    executeStream: guard.stream((call) => {
      void runStream(runner, call);
    }),
    attach: guard.unary((call: Grpc.ServerUnaryCall<string, AttachReply>, done: Done<AttachReply>) => {
      const attached = options.attach(call.request).then(
        (controlPath) => ({ error: '', controlPath }),
        (error) => ({ error: messageOf(error), controlPath: '' }),
      );
      answer(grpc, attached, done);
    }),
    health: guard.unary((_call: unknown, done: Done<HealthReply>) => {
      done(null, { commands: runner.commands, pid: process.pid });
    }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  widenWindows(server);
  return port;
}

type Done<Reply> = Grpc.sendUnaryData<Reply>;

function answer<Reply>(grpc: typeof Grpc, reply: Promise<Reply>, done: Done<Reply>): void {
  reply.then(
    (value) => done(null, value),
    (error) => done({ code: grpc.status.INTERNAL, details: messageOf(error) }),
  );
}

type ChunkCall = Grpc.ServerDuplexStream<Chunk, Chunk>;

async function runStream(runner: CommandRunner, call: ChunkCall): Promise<void> {
  // A caller that went away is an error here; there is nobody left to tell.
  call.on('error', () => undefined);
  const signal = abortSignalOf(call);
  let reply: ExecuteReply;
  try {
    reply = await runner.run(await collect(call), signal);
  } catch (error) {
    reply = failed('PITWALL_PAYLOAD_UNREADABLE', messageOf(error));
  }
  const { data, ...rest } = reply;
  await writeChunks(call, encodeReply({ ...rest, data: undefined }), data);
  call.end();
}

function collect(call: ChunkCall): Promise<ReceivedRequest> {
  return new Promise((resolve, reject) => {
    const collector = new ChunkCollector();
    call.on('data', (chunk: Chunk) => {
      try {
        collector.add(chunk);
      } catch (error) {
        reject(error);
      }
    });
    call.on('end', () => {
      try {
        const { head, data } = collector.finish();
        resolve({ ...decodeRequest(head), data });
      } catch (error) {
        reject(error);
      }
    });
    call.on('error', reject);
    call.on('cancelled', () => reject(new Error('the caller gave up')));
  });
}

function abortSignalOf(call: Pick<ChunkCall, 'cancelled'> & { on(event: 'cancelled', listener: () => void): unknown }) {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  call.on('cancelled', () => controller.abort());
  return controller.signal;
}

/** Wraps handlers so that a call without the token gets `UNAUTHENTICATED`, and nothing else. */
function tokenGuard(grpc: typeof Grpc, token: string | undefined) {
  const expected = token === undefined ? undefined : Buffer.from(`Bearer ${token}`);
  const allowed = ({ metadata }: { readonly metadata: Grpc.Metadata }): boolean => {
    if (expected === undefined) return true;
    const given = Buffer.from(String(metadata.get('authorization')[0] ?? ''));
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  const refusal = { code: grpc.status.UNAUTHENTICATED, details: 'the token is missing or wrong' };
  return {
    unary:
      <Request, Reply>(handler: Grpc.handleUnaryCall<Request, Reply>): Grpc.handleUnaryCall<Request, Reply> =>
      (call, done) => {
        if (allowed(call)) handler(call, done);
        else done(refusal);
      },
    stream:
      (handler: (call: ChunkCall) => void): ((call: ChunkCall) => void) =>
      (call) => {
        if (allowed(call)) handler(call);
        else call.emit('error', refusal);
      },
  };
}

/**
 * grpc-js has an option for the client's window, none for the server's. Its HTTP/2 servers are there after `bindAsync`, though, and each session
 * takes a larger window before its first call. Should a later version keep them elsewhere, the lane works on with the small one; a test tells.
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
