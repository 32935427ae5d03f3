/** `startWorkerPool`: worker processes under supervision, two lanes to them, and pitwall in between. */
import { randomBytes } from 'node:crypto';
import type * as Grpc from '@grpc/grpc-js';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { type ChildSpecInput, supervisorSpec, workerSpec } from '../otp/index.ts';
import { withPython } from './find-python.ts';
import { type ForcedLaneOptions, type ForcedLanes, forcedLanes } from './forced-lanes.ts';
import { grpcLane } from './grpc-lane.ts';
import { Job } from './job.ts';
import type { Lanes } from './lane.ts';
import type { ArenaStats } from './memory/types.ts';
import { encodePayload } from './payload.ts';
import {
  checkBytes,
  isSharedResult,
  type PoolBuffer,
  type PoolTensor,
  poolBuffer,
  sharedResult,
} from './pool-buffer.ts';
import { type CheckedPoolOptions, checkPoolOptions, type WorkerPoolOptions } from './pool-options.ts';
import { PoolResources, poolKeeper } from './pool-resources.ts';
import { PROBE_COMMAND } from './probe-offer.ts';
import { ResultSizes } from './result-sizes.ts';
import type { RuntimePort } from './runtime-port.ts';
import { type TensorArrays, tensorLayout } from './tensor.ts';
import { workerProcess } from './worker-process.ts';
import { type WorkerStatus, WorkerTable } from './worker-table.ts';
import { zeroCopyLane } from './zero-copy-lane.ts';

export interface ExecuteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that the whole of it may take, waiting for a worker included. Default 120 000; Infinity for none. */
  readonly timeoutMs?: number | undefined;
  /** gzip on the gRPC lane. Default false. */
  readonly compression?: boolean | undefined;
  /** Same session, same variant of an experiment. */
  readonly sessionId?: string | undefined;
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** What the bytes are, where the payload is bytes that are encoded already: `tensor`, `dataframe`, `json`, … Default: what `format` implies. */
  readonly dataType?: string | undefined;
  /** How they are encoded: `numpy`, `arrow`, `json`, `raw`, … Default `raw`. */
  readonly format?: string | undefined;
  /** Send it again when its worker dies half-way. Default false: at most once. */
  readonly idempotent?: boolean | undefined;
  /**
   * Resolves with a `SharedResult`: a large result then lies where the worker wrote it, uncopied, until `release()`. Default false: a copy of its own.
   */
  readonly sharedResult?: boolean | undefined;
}

export interface WorkerPoolStatus {
  readonly pool: string;
  readonly workers: readonly WorkerStatus[];
  /** Callers that wait for a worker. */
  readonly waiting: number;
  /** Callers that got `PITWALL_POOL_OVERLOADED`. */
  readonly refused: number;
  /** undefined where the pool has no shared memory. */
  readonly arena: ArenaStats | undefined;
  /** Why there is no zero-copy lane, where there is none. */
  readonly zeroCopyProblem: string | undefined;
}

export interface CloseOptions {
  /** Milliseconds that commands in flight may still take. Default 5 000. */
  readonly drainMs?: number | undefined;
}

/** What `startWorkerPool` takes of a runtime. */
export interface PortHolder {
  readonly port: RuntimePort;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_DRAIN_MS = 5_000;
const STOP_MS = 10_000;
const MINUTE_S = 60;

/** A running pool. Made by `startWorkerPool`. */
export class WorkerPool {
  readonly pool: string;
  readonly #port: RuntimePort;
  readonly #childId: string;
  readonly #resources: PoolResources;
  readonly #lanes: Lanes<Job, unknown>;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** Use `startWorkerPool`. */
  constructor(port: RuntimePort, pool: string, childId: string, resources: PoolResources, probeBytesPerMinute: number) {
    this.#port = port;
    this.pool = pool;
    this.#childId = childId;
    this.#resources = resources;
    const sizes = new ResultSizes();
    this.#lanes = { grpc: grpcLane(sizes), zeroCopy: zeroCopyLane(() => resources.arena, sizes) };
    port.publishMemory(pool, (bytes) => this.allocate(bytes));
    if (probeBytesPerMinute > 0) {
      port.publishProbes?.(pool, { lanes: this.lanes(PROBE_COMMAND), bytesPerMinute: probeBytesPerMinute });
    }
  }

  /**
   * Runs a command of the workers' script on a payload, which travels by the lane that pitwall chooses. The payload must not change until the
   * answer is there.
   *
   * @returns what the handler returned
   * @throws TransportError `PITWALL_HANDLER_FAILED` with the handler's message, `PITWALL_UNKNOWN_COMMAND`, `PITWALL_WORKER_LOST`,
   *   `PITWALL_TRANSFER_TIMEOUT`, `PITWALL_POOL_OVERLOADED`; PitwallError `PITWALL_POOL_CLOSED`; InvalidArgumentError for a payload that cannot be
   *   sent; the signal's reason
   */
  async execute(command: string, payload: unknown, options: ExecuteOptions = {}): Promise<unknown> {
    checkExecute(command, options);
    return this.#track(() => {
      options.signal?.throwIfAborted();
      return this.#execute(command, payload, options);
    });
  }

  /**
   * Both lanes to a command, each taken whatever pitwall would choose, for `runtime.analyzer.runBenchmark`: nothing is decided, recorded or learned, and
   * nothing falls back.
   *
   * @throws InvalidArgumentError naming the argument
   * @example
   * const job = await runtime.analyzer.runBenchmark({ pool: 'ml', sizes: [65_536, 1_048_576] }, workers.lanes('normalize'));
   */
  lanes(command: string, options: ForcedLaneOptions = {}): ForcedLanes {
    checkExecute(command, options);
    const resources = this.#resources;
    return forcedLanes({ command, lanes: this.#lanes, resources, track: (run) => this.#track(run) }, options);
  }

  /**
   * Memory to build a payload in, where workers can read it: sent by zero-copy, nothing is copied, whatever its size. Where shared memory has no
   * room, or there is none, it is ordinary memory and `shared` says so; `execute` takes either.
   *
   * @throws InvalidArgumentError for a number of bytes that is none
   * @example
   * using buffer = workers.allocate(64 * 1024 * 1024);
   * fill(buffer.bytes);
   * await workers.execute('hash', buffer.bytes);
   */
  allocate(bytes: number): PoolBuffer {
    checkBytes(bytes);
    return poolBuffer(bytes, this.#resources.arena?.allocate(bytes));
  }

  /**
   * The same for a tensor, whose numbers are still to be written.
   *
   * @param dtype numpy's name of the type: `float32`, `int64`, …
   * @throws InvalidArgumentError for a type that there is not, or a shape of other than whole numbers
   */
  allocateTensor<Type extends keyof TensorArrays>(
    dtype: Type,
    shape: readonly number[],
  ): PoolTensor<TensorArrays[Type]> {
    const layout = tensorLayout(dtype, shape);
    const buffer = this.allocate(layout.byteLength);
    return { ...buffer, tensor: layout.over(buffer.bytes) };
  }

  status(): WorkerPoolStatus {
    const { table, arena, problem } = this.#resources;
    return {
      pool: this.pool,
      workers: table.status(),
      waiting: table.waiting,
      refused: table.refused,
      arena: arena?.stats(),
      zeroCopyProblem: problem,
    };
  }

  /**
   * Takes no more commands, lets those in flight end, stops the workers and gives the shared memory back. What has not ended after `drainMs` fails
   * with `PITWALL_POOL_CLOSED` or `PITWALL_WORKER_LOST`. Twice is as once.
   */
  close({ drainMs = DEFAULT_DRAIN_MS }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  /** What runs is waited for when the pool closes. */
  async #track<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing) throw poolClosed(this.pool);
    const running = run();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #close(drainMs: number): Promise<void> {
    this.#port.publishMemory(this.pool, undefined);
    this.#port.publishProbes?.(this.pool, undefined);
    await within(drainMs, Promise.allSettled(this.#running));
    this.#resources.table.close(poolClosed(this.pool));
    await this.#port.stopChild(this.#childId);
  }

  async #execute(command: string, payload: unknown, options: ExecuteOptions): Promise<unknown> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, compression = false, idempotent = false } = options;
    const { dataType, format, sessionId, attributes, sharedResult: wantsShared = false } = options;
    const startedMs = performance.now();
    const encoded = await encodePayload(payload, { dataType, format });
    const encodeUs = (performance.now() - startedMs) * 1000;
    const { table } = this.#resources;
    const inPlace = compression ? undefined : this.#resources.holding(encoded.content.place);
    const job = new Job({
      table,
      command,
      payload: encoded,
      inPlace,
      sharedResult: wantsShared,
      compression,
      timeoutMs,
      idempotent,
      signal,
      encodeUs,
      startedMs,
    });
    try {
      // Decided when a worker is there, with what holds then; the wait says nothing about a lane.
      await job.take();
      const request = {
        pool: this.pool,
        dataSize: encoded.content.byteLength,
        dataType: encoded.dataType,
        format: encoded.format,
        compression,
        sessionId,
        attributes,
        inPlace: inPlace !== undefined,
      };
      const result = await this.#port.transfer(request, job, this.#lanes, { signal });
      return !wantsShared || isSharedResult(result) ? result : sharedResult(result, undefined);
    } finally {
      job.end();
    }
  }
}

/**
 * Starts worker processes below the runtime's supervision tree and resolves when all are ready.
 *
 * @throws InvalidArgumentError naming the option; PitwallError `PITWALL_WORKER_NOT_STARTED` with what kept a worker from starting,
 *   `PITWALL_PYTHON_MISSING` where a script needs Python and none will do, `PITWALL_CHILD_NOT_STARTED` where the runtime has such a pool already, `PITWALL_RUNTIME_STOPPED`
 * @example
 * const workers = await startWorkerPool(runtime, { pool: 'ml', size: 2, script: new URL('./worker.js', import.meta.url) });
 * const result = await workers.execute('normalize', tensor(data, [1000, 16]));
 */
export async function startWorkerPool(runtime: PortHolder, options: WorkerPoolOptions): Promise<WorkerPool> {
  const port: RuntimePort | undefined = runtime?.port;
  if (port === undefined) throw new InvalidArgumentError('runtime', runtime, 'what startRuntime resolved with');
  const given = checkPoolOptions(options);
  const checked = { ...given, command: await withPython(given) };
  const { pool } = checked;
  const grpc = await import('@grpc/grpc-js');
  const table: WorkerTable = new WorkerTable({ ...checked, onChange: () => resources.changed() });
  const resources = new PoolResources(table, {
    port,
    pool,
    arenaBytes: checked.arenaBytes,
    sockets: checked.network === 'unix',
    onClosed: () => table.close(poolClosed(pool)),
  });
  const childId = `worker_pool:${pool}`;
  try {
    await port.startChild(poolSpec(childId, checked, resources, grpc));
  } catch (error) {
    throw resources.startFailure ?? error;
  }
  return new WorkerPool(port, pool, childId, resources, checked.probeBytesPerMinute);
}

/** The keeper first: when it fails, the workers map its new memory. A pool that gave up stays down, so that it takes no other with it. */
function poolSpec(
  childId: string,
  options: CheckedPoolOptions,
  resources: PoolResources,
  grpc: typeof Grpc,
): ChildSpecInput {
  const { size, network, command, env, startTimeoutMs, healthEveryMs, maxRestarts } = options;
  const times = { startTimeoutMs, healthEveryMs };
  const token = network === 'tcp' ? randomBytes(32).toString('hex') : undefined;
  const program = { command, env, token };
  const workers = Array.from({ length: size }, (_, index) =>
    workerSpec(`worker-${index}`, workerProcess, { index, grpc, resources, program, ...times }, { shutdown: STOP_MS }),
  );
  const limits = { intensity: maxRestarts, period: MINUTE_S };
  return supervisorSpec(
    childId,
    { strategy: 'rest_for_one', intensity: 1, period: MINUTE_S },
    [
      workerSpec('keeper', poolKeeper, resources),
      supervisorSpec('workers', { strategy: 'one_for_one', ...limits }, workers, { restart: 'permanent' }),
    ],
    { restart: 'temporary' },
  );
}

function checkExecute(command: unknown, options: ExecuteOptions): void {
  if (typeof command !== 'string' || command === '') {
    throw new InvalidArgumentError('command', command, 'the name of a handler');
  }
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', options, 'an object');
  const { timeoutMs, signal } = options;
  if (timeoutMs !== undefined && (typeof timeoutMs !== 'number' || !(timeoutMs > 0))) {
    throw new InvalidArgumentError('timeoutMs', timeoutMs, 'a number > 0');
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidArgumentError('signal', signal, 'an AbortSignal');
  }
}

function poolClosed(pool: string): PitwallError {
  return new PitwallError(
    'PITWALL_POOL_CLOSED',
    `pool ${pool} has no workers any more: it was closed, or they failed too often`,
  );
}

/** Resolves with the promise, or when the time is over. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
