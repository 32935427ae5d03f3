/** `startWorkerPool`: worker processes under supervision, two lanes to them, and pitwall in between. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { supervisorSpec, workerSpec } from '../otp/index.ts';
import { type Job, PoolLanes } from './lanes.ts';
import type { Arena, ArenaStats } from './memory/types.ts';
import { encodePayload } from './payload.ts';
import { openProcessFolder } from './process-folder.ts';
import type { RuntimePort } from './runtime-port.ts';
import { TransportPublisher } from './transport-publisher.ts';
import { workerProgram } from './worker-file.ts';
import { workerProcess } from './worker-process.ts';
import { type WorkerStatus, WorkerTable } from './worker-table.ts';

export interface WorkerPoolOptions {
  /** Name of the pool: of the runtime's policy, thresholds and statistics. */
  readonly pool: string;
  /** Worker processes. Default 1. */
  readonly size?: number | undefined;
  /** Script whose default export is `defineWorker({ … })`. */
  readonly script?: string | URL | undefined;
  /**
   * Another program in place of Node and a script, with arguments; `{address}` becomes the address to serve `proto/pitwall.proto` on. It writes
   * `{"ready":true}` and a newline to descriptor 3, and ends when its standard input does.
   */
  readonly command?: readonly string[] | undefined;
  /** Bound of the pool's shared memory, bytes; 0: gRPC only. Default 256 MiB. */
  readonly arenaBytes?: number | undefined;
  /** Environment of the workers. Default: the host's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Options of Node for workers with a script, such as `--max-old-space-size=4096`. */
  readonly execArgv?: readonly string[] | undefined;
  /** Commands that one worker has in flight at most. Default 64. */
  readonly maxInFlight?: number | undefined;
  /** Callers that may wait for a worker; one more gets `PITWALL_POOL_OVERLOADED`. Default 10 000. */
  readonly maxQueue?: number | undefined;
  /** Milliseconds that a worker may take to start. Default 30 000. */
  readonly startTimeoutMs?: number | undefined;
}

export interface ExecuteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that the worker may take. Default 120 000; Infinity for none. */
  readonly timeoutMs?: number | undefined;
  /** gzip on the gRPC lane. Default false. */
  readonly compression?: boolean | undefined;
  readonly sessionId?: string | undefined;
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Send it again when its worker dies half-way. Default false: at most once. */
  readonly idempotent?: boolean | undefined;
}

export interface WorkerPoolStatus {
  readonly pool: string;
  readonly workers: readonly WorkerStatus[];
  /** Callers that wait for a worker. */
  readonly waiting: number;
  /** undefined where the pool has no shared memory. */
  readonly arena: ArenaStats | undefined;
  /** Why there is no zero-copy lane, where there is none. */
  readonly zeroCopyProblem: string | undefined;
}

/** What `startWorkerPool` takes of a runtime. */
export interface PortHolder {
  readonly port: RuntimePort;
}

const MEBIBYTE = 2 ** 20;
const DEFAULT_ARENA = 256 * MEBIBYTE;
const DEFAULT_TIMEOUT_MS = 120_000;

/** A running pool. Made by `startWorkerPool`. */
export class WorkerPool {
  readonly pool: string;
  readonly #port: RuntimePort;
  readonly #childId: string;
  readonly #table: WorkerTable;
  readonly #arena: Arena | undefined;
  readonly #lanes: PoolLanes;
  readonly #publisher: TransportPublisher;
  #closed = false;

  /** Use `startWorkerPool`. */
  constructor(port: RuntimePort, pool: string, childId: string, parts: PoolParts) {
    this.#port = port;
    this.pool = pool;
    this.#childId = childId;
    this.#table = parts.table;
    this.#arena = parts.arena;
    this.#lanes = new PoolLanes(parts.table, parts.arena);
    this.#publisher = parts.publisher;
  }

  /**
   * Runs a command of the workers' script on a payload, which travels by the lane that pitwall chooses.
   *
   * @returns what the handler returned
   * @throws TransportError `PITWALL_HANDLER_FAILED` with the handler's message, `PITWALL_UNKNOWN_COMMAND`, `PITWALL_WORKER_LOST`,
   *   `PITWALL_TRANSFER_TIMEOUT`, `PITWALL_POOL_OVERLOADED`; InvalidArgumentError for a payload that cannot be sent; the signal's reason
   */
  async execute(command: string, payload: unknown, options: ExecuteOptions = {}): Promise<unknown> {
    if (typeof command !== 'string' || command === '')
      throw new InvalidArgumentError('command', command, 'the name of a handler');
    if (this.#closed) throw new PitwallError('PITWALL_POOL_CLOSED', `pool ${this.pool} is closed`);
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, compression = false, idempotent = false } = options;
    if (typeof timeoutMs !== 'number' || !(timeoutMs > 0))
      throw new InvalidArgumentError('timeoutMs', timeoutMs, 'a number > 0');
    const startedMs = performance.now();
    const encoded = await encodePayload(payload);
    const job: Job = {
      command,
      payload: encoded,
      compression,
      timeoutMs,
      idempotent,
      encodeUs: (performance.now() - startedMs) * 1000,
    };
    const request = {
      pool: this.pool,
      dataSize: encoded.byteLength,
      dataType: encoded.dataType,
      format: encoded.format,
      compression,
      sessionId: options.sessionId,
      attributes: options.attributes,
    };
    return this.#port.transfer(request, job, this.#lanes, { signal });
  }

  status(): WorkerPoolStatus {
    return {
      pool: this.pool,
      workers: this.#table.status(),
      waiting: this.#table.waiting,
      arena: this.#arena?.stats(),
      zeroCopyProblem: this.#publisher.problem,
    };
  }

  /** Stops the workers and gives the shared memory back. Commands that wait fail with `PITWALL_POOL_CLOSED`. Twice is as once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#table.close(new PitwallError('PITWALL_POOL_CLOSED', `pool ${this.pool} is closed`));
    this.#publisher.stop();
    await this.#port.stopChild(this.#childId);
    this.#arena?.close();
  }
}

interface PoolParts {
  readonly table: WorkerTable;
  readonly arena: Arena | undefined;
  readonly publisher: TransportPublisher;
}

/**
 * Starts worker processes below the runtime's supervision tree and resolves when all are ready.
 *
 * @throws InvalidArgumentError naming the option; PitwallError `PITWALL_CHILD_NOT_STARTED` with the reason when a worker does not start
 * @example
 * const workers = await startWorkerPool(runtime, { pool: 'ml', size: 2, script: new URL('./worker.js', import.meta.url) });
 * const result = await workers.execute('normalize', tensor(data, [1000, 16]));
 */
export async function startWorkerPool(runtime: PortHolder, options: WorkerPoolOptions): Promise<WorkerPool> {
  const { port } = runtime;
  const checked = checkOptions(options);
  const { pool, size } = checked;
  const publisher = new TransportPublisher(port, pool);
  const { arena, problem } = await openPoolArena(port, checked.arenaBytes);
  const table = new WorkerTable({ ...checked, onChange: () => publisher.publish() });
  publisher.start(table, arena, problem);
  const grpc = await import('@grpc/grpc-js');
  const folder = openProcessFolder();
  const childId = `worker_pool:${pool}`;
  const workers = Array.from({ length: size }, (_, index) =>
    workerSpec(
      `worker-${index}`,
      workerProcess,
      {
        index,
        grpc,
        table,
        command: checked.command,
        env: checked.env,
        socketPath: path.join(folder, `${socketName(pool)}-${index}.sock`),
        arenaDescriptor: arena && JSON.stringify(arena.descriptor),
        startTimeoutMs: checked.startTimeoutMs,
        onAttachFailed: (why) => port.logger.warn(`pool ${pool}: a worker could not map shared memory: ${why}`),
      },
      { shutdown: STOP_MS },
    ),
  );
  try {
    await port.startChild(supervisorSpec(childId, RESTARTS, workers));
  } catch (error) {
    publisher.stop();
    arena?.close();
    throw error;
  }
  return new WorkerPool(port, pool, childId, { table, arena, publisher });
}

const STOP_MS = 10_000;
/** A worker that dies at every command is given up after this many restarts within a minute; the pool's others with it. */
const RESTARTS = { strategy: 'one_for_one', intensity: 20, period: 60 } as const;

async function openPoolArena(
  port: RuntimePort,
  bytes: number,
): Promise<{ arena: Arena | undefined; problem: string | undefined }> {
  if (bytes === 0) return { arena: undefined, problem: undefined };
  const bound = Math.min(bytes, port.sharedMemoryLimit ?? Number.POSITIVE_INFINITY);
  try {
    const { openArena } = await import('./memory/open-arena.ts');
    const arena = await openArena({ bytes: bound, shmDir: port.sharedMemoryDir, nowMs: port.nowMs });
    return { arena, problem: undefined };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    port.logger.warn(`no shared memory, gRPC carries everything: ${problem}`);
    return { arena: undefined, problem };
  }
}

interface CheckedOptions {
  readonly pool: string;
  readonly size: number;
  readonly command: readonly string[];
  readonly arenaBytes: number;
  readonly env: NodeJS.ProcessEnv;
  readonly maxInFlight: number;
  readonly maxQueue: number;
  readonly startTimeoutMs: number;
}

function checkOptions(options: WorkerPoolOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', options, 'an object');
  const { pool } = options;
  if (typeof pool !== 'string' || pool === '' || pool.length > 256) {
    throw new InvalidArgumentError('pool', pool, 'a string of 1..256 characters');
  }
  return {
    pool,
    size: whole('size', options.size ?? 1, 1, 256),
    command: commandOf(options),
    arenaBytes: whole('arenaBytes', options.arenaBytes ?? DEFAULT_ARENA, 0, 2 ** 40),
    env: options.env ?? process.env,
    maxInFlight: whole('maxInFlight', options.maxInFlight ?? 64, 1, 100_000),
    maxQueue: whole('maxQueue', options.maxQueue ?? 10_000, 0, 10_000_000),
    startTimeoutMs: whole('startTimeoutMs', options.startTimeoutMs ?? 30_000, 1, 3_600_000),
  };
}

function whole(field: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new InvalidArgumentError(field, value, `a whole number in ${low}..${high}`);
}

function commandOf({ script, command, execArgv }: WorkerPoolOptions): readonly string[] {
  if (command !== undefined) {
    if (!Array.isArray(command) || command.length === 0 || command.some((part) => typeof part !== 'string')) {
      throw new InvalidArgumentError('command', command, 'a program and its arguments, as strings');
    }
    return command;
  }
  if (typeof script !== 'string' && !(script instanceof URL)) {
    throw new InvalidArgumentError('script', script, 'the path or file URL of a worker script (or give a command)');
  }
  const file = script instanceof URL ? fileURLToPath(script) : path.resolve(script);
  return [process.execPath, ...(execArgv ?? []), workerProgram(), '{address}', file];
}

/** Pool names are arbitrary; socket paths are short and plain. */
function socketName(pool: string): string {
  const plain = pool.replaceAll(/[^\w-]/g, '').slice(0, 16);
  let hash = 0;
  for (const character of pool) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `${plain}${hash.toString(36)}`;
}
