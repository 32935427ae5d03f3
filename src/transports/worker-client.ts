/** The host's side of one worker's service. */
import type * as Grpc from '@grpc/grpc-js';
import { ChunkCollector, STREAM_FROM, writeChunks } from './chunks.ts';
import type { Courier } from './control-client.ts';
import { TransportError, timedOut, workerLost } from './errors.ts';
import {
  type AttachReply,
  type Chunk,
  decodeReply,
  type ExecuteRequest,
  encodeRequest,
  type HealthReply,
  type ReceivedReply,
} from './messages.ts';
import { type CallOptions, Sent } from './sent.ts';
import { MESSAGE_LIMITS, WINDOW_BYTES, WORKER_SERVICE } from './service.ts';

type Unary<Request, Reply> = (
  request: Request,
  metadata: Grpc.Metadata,
  options: Partial<Grpc.CallOptions>,
  done: (error: Grpc.ServiceError | null, reply: Reply) => void,
) => Grpc.ClientUnaryCall;

interface WorkerStub extends Grpc.Client {
  readonly execute: Unary<ExecuteRequest, ReceivedReply>;
  readonly executeStream: (
    metadata: Grpc.Metadata,
    options: Partial<Grpc.CallOptions>,
  ) => Grpc.ClientDuplexStream<Chunk, Chunk>;
  readonly attach: Unary<string, AttachReply>;
  readonly health: Unary<undefined, HealthReply>;
}

const ATTACH_TIMEOUT_MS = 10_000;

export class WorkerClient implements Courier {
  readonly #grpc: typeof Grpc;
  readonly #stub: WorkerStub;
  readonly #metadata: Grpc.Metadata;

  constructor(grpc: typeof Grpc, address: string, token: string | undefined) {
    this.#grpc = grpc;
    this.#metadata = new grpc.Metadata();
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`);
    const Client = grpc.makeGenericClientConstructor(WORKER_SERVICE, 'Worker');
    // The constructor makes one method per entry of the service; grpc-js cannot say so in types.
    this.#stub = new Client(address, grpc.credentials.createInsecure(), {
      ...MESSAGE_LIMITS,
      'grpc-node.flow_control_window': WINDOW_BYTES,
      // A worker's socket is its own: nothing to share, and a restart must not wait behind an old back-off.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // Whatever lies between drops what is silent for long: a ping now and then, of no cost on a Unix socket.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 30_000,
      'grpc.keepalive_permit_without_calls': 1,
    }) as unknown as WorkerStub;
  }

  /**
   * Runs a command whose payload travels in messages. `streamed`: in chunks; by default where the payload is large.
   *
   * Rejects with a `TransportError`: `PITWALL_WORKER_LOST` where the worker died, `PITWALL_TRANSFER_TIMEOUT`, the handler's own failure; with the
   * signal's reason where the caller gave up.
   */
  async execute(request: ExecuteRequest, options: CallOptions, streamed?: boolean): Promise<ReceivedReply> {
    const { signal, timeoutMs } = options;
    const large = streamed ?? (request.data?.byteLength ?? 0) >= STREAM_FROM;
    const limits = deadlineIn(timeoutMs);
    try {
      return await (large
        ? this.#stream(request, limits, signal)
        : this.#unary((done) => this.#stub.execute(request, this.#metadata, limits, done), signal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#explain(error, request.command, timeoutMs);
    }
  }

  /** Runs a command whose payload lies in shared memory. Not cancelled with its caller: the answer tells when the memory is free. */
  send(request: ExecuteRequest, options: CallOptions): Sent {
    const sent = new Sent(request.command, options, () => undefined);
    this.#unary<ReceivedReply>((done) => this.#stub.execute(request, this.#metadata, {}, done)).then(
      (reply) => sent.finish(reply),
      (error) => sent.fail(this.#explain(error, request.command, options.timeoutMs)),
    );
    return sent;
  }

  /** Has the worker map the pool's shared memory. */
  attach(descriptor: string): Promise<AttachReply> {
    const limits = deadlineIn(ATTACH_TIMEOUT_MS);
    return this.#unary((done) => this.#stub.attach(descriptor, this.#metadata, limits, done));
  }

  health(timeoutMs: number): Promise<HealthReply> {
    const limits = deadlineIn(timeoutMs);
    return this.#unary((done) => this.#stub.health(undefined, this.#metadata, limits, done));
  }

  close(): void {
    this.#stub.close();
  }

  #unary<Reply>(
    start: (done: (error: Grpc.ServiceError | null, reply: Reply) => void) => Grpc.ClientUnaryCall,
    signal?: AbortSignal,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => call.cancel();
      const call = start((error, reply) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(error);
        else resolve(reply);
      });
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  #stream(
    { data, ...head }: ExecuteRequest,
    limits: Partial<Grpc.CallOptions>,
    signal: AbortSignal | undefined,
  ): Promise<ReceivedReply> {
    const call = this.#stub.executeStream(this.#metadata, limits);
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    const reply = new Promise<ReceivedReply>((resolve, reject) => {
      const collector = new ChunkCollector();
      const attempt = (run: () => void): void => {
        try {
          run();
        } catch (error) {
          reject(error);
          call.cancel();
        }
      };
      call.on('data', (chunk: Chunk) => attempt(() => collector.add(chunk)));
      // An error is told before the end.
      call.on('error', reject);
      call.on('end', () =>
        attempt(() => {
          const whole = collector.finish();
          resolve({ ...decodeReply(whole.head), data: whole.data });
        }),
      );
    });
    void writeChunks(call, encodeRequest({ ...head, data: undefined }), data).then(
      () => call.end(),
      () => call.cancel(),
    );
    return reply.finally(() => signal?.removeEventListener('abort', cancel));
  }

  #explain(error: unknown, command: string, timeoutMs: number): unknown {
    if (typeof error !== 'object' || error === null || !('code' in error)) return error;
    const { status } = this.#grpc;
    switch (error.code) {
      case status.DEADLINE_EXCEEDED:
        return timedOut(command, timeoutMs);
      case status.UNAVAILABLE:
      case status.CANCELLED:
        return workerLost(command, error);
      default:
        return new TransportError('PITWALL_GRPC_FAILED', `"${command}" over gRPC failed: ${messageOf(error)}`, {
          retryable: false,
          laneFault: true,
          cause: error,
        });
    }
  }
}

function deadlineIn(timeoutMs: number): Partial<Grpc.CallOptions> {
  return Number.isFinite(timeoutMs) ? { deadline: Date.now() + timeoutMs } : {};
}

function messageOf(error: object): string {
  return 'message' in error && typeof error.message === 'string' ? error.message : 'no message';
}
