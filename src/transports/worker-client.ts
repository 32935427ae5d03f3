/** The host's side of one worker's service. */
import type * as Grpc from '@grpc/grpc-js';
import { TransportError, timedOut, workerLost } from './errors.ts';
import type { ExecuteRequest, HealthReply, ReceivedReply } from './messages.ts';
import { MESSAGE_LIMITS, WINDOW_BYTES, WORKER_SERVICE } from './service.ts';

export interface CallOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

type Unary<Request, Reply> = (
  request: Request,
  options: Partial<Grpc.CallOptions>,
  done: (error: Grpc.ServiceError | null, reply: Reply) => void,
) => Grpc.ClientUnaryCall;

interface WorkerStub extends Grpc.Client {
  readonly execute: Unary<ExecuteRequest, ReceivedReply>;
  readonly attach: Unary<string, string>;
  readonly health: Unary<undefined, HealthReply>;
}

const ATTACH_TIMEOUT_MS = 10_000;
const HEALTH_TIMEOUT_MS = 5_000;

export class WorkerClient {
  readonly #grpc: typeof Grpc;
  readonly #stub: WorkerStub;

  constructor(grpc: typeof Grpc, address: string) {
    this.#grpc = grpc;
    const Client = grpc.makeGenericClientConstructor(WORKER_SERVICE, 'Worker');
    // The constructor makes one method per entry of the service; grpc-js cannot say so in types.
    this.#stub = new Client(address, grpc.credentials.createInsecure(), {
      ...MESSAGE_LIMITS,
      'grpc-node.flow_control_window': WINDOW_BYTES,
      // A worker's socket is its own: nothing to share, and a restart must not wait behind an old back-off.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 1_000,
    }) as unknown as WorkerStub;
  }

  /**
   * Runs a command. Rejects with a `TransportError`: `PITWALL_WORKER_LOST` where the worker died, `PITWALL_TRANSFER_TIMEOUT`, the handler's own
   * failure; with the signal's reason where the caller gave up.
   */
  async execute(request: ExecuteRequest, { signal, timeoutMs }: CallOptions): Promise<ReceivedReply> {
    const deadline = Number.isFinite(timeoutMs) ? { deadline: Date.now() + timeoutMs } : {};
    try {
      return await this.#unary((done) => this.#stub.execute(request, deadline, done), signal);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.#explain(error, request.command, timeoutMs);
    }
  }

  /** Has the worker map the pool's shared memory. @returns why it could not; empty when it did */
  attach(descriptor: string): Promise<string> {
    return this.#unary((done) => this.#stub.attach(descriptor, { deadline: Date.now() + ATTACH_TIMEOUT_MS }, done));
  }

  health(): Promise<HealthReply> {
    return this.#unary((done) => this.#stub.health(undefined, { deadline: Date.now() + HEALTH_TIMEOUT_MS }, done));
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

function messageOf(error: object): string {
  return 'message' in error && typeof error.message === 'string' ? error.message : 'no message';
}
