/** The options of `startWorkerPool`, checked. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '../errors.ts';
import { PYTHON } from './find-python.ts';
import { pythonWorkerProgram, workerProgram } from './worker-file.ts';

export interface WorkerPoolOptions {
  /** Name of the pool: of the runtime's policy, thresholds and statistics. */
  readonly pool: string;
  /** Worker processes. Default 1. */
  readonly size?: number | undefined;
  /** Script whose default export is `defineWorker({ … })`; or one whose name ends in `.py`, with a `pitwall_worker.Worker`. */
  readonly script?: string | URL | undefined;
  /**
   * Python for scripts whose name ends in `.py`: 3.10 or newer, with numpy and grpcio. Default: `PITWALL_PYTHON` of `env`, else the first that has both of
   * `/usr/bin/python3` and `python3`.
   */
  readonly python?: string | undefined;
  /**
   * Another program in place of a script, with arguments; `{address}` becomes the address to serve `proto/pitwall.proto` on, `{python}` the
   * Python that a script would have. It writes `{"ready":true}` and a newline to descriptor 3, and ends when its standard input does.
   */
  readonly command?: readonly string[] | undefined;
  /** Bound of the pool's shared memory, bytes; 0: gRPC only. Default 256 MiB. */
  readonly arenaBytes?: number | undefined;
  /** Where workers listen: Unix sockets in a folder that nobody else may enter, or ports on loopback with a token. Default `unix`, on Windows `tcp`. */
  readonly network?: 'unix' | 'tcp' | undefined;
  /**
   * Environment of the workers. Default: the host's. Workers with a script have their C library keep freed memory (`MALLOC_MMAP_THRESHOLD_` 128 MiB,
   * `MALLOC_TRIM_THRESHOLD_` 256 MiB; in Python `MALLOC_ARENA_MAX` 1) unless it says otherwise.
   */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Options of Node, or of Python, for workers with a script, such as `--max-old-space-size=4096`. */
  readonly execArgv?: readonly string[] | undefined;
  /** Commands that one worker has in flight at most. Default 64. */
  readonly maxInFlight?: number | undefined;
  /** Bytes of payload that the pool has in flight at most; a larger payload goes alone. Default 1 GiB. */
  readonly maxBytesInFlight?: number | undefined;
  /** Callers that may wait for a worker; one more gets `PITWALL_POOL_OVERLOADED`. Default 10 000. */
  readonly maxQueue?: number | undefined;
  /** Milliseconds that a worker may take to start. Default 30 000. */
  readonly startTimeoutMs?: number | undefined;
  /** Milliseconds between questions whether a worker is well; it has as long to answer, and at least a second. Default 5 000. */
  readonly healthEveryMs?: number | undefined;
  /** Restarts of its workers within a minute that the pool endures before it gives up. Default 60. */
  readonly maxRestarts?: number | undefined;
  /**
   * Bytes that probes may carry in idle time, per minute: the lane that recorded transfers did not take is tried with made-up payloads, to a command that
   * runs no handler. 0: none. Default 64 MiB for a `script`, 0 for a `command` of the host's own.
   */
  readonly probeBytesPerMinute?: number | undefined;
}

export interface CheckedPoolOptions {
  readonly pool: string;
  readonly size: number;
  readonly command: readonly string[];
  readonly python: string | undefined;
  readonly arenaBytes: number;
  readonly network: 'unix' | 'tcp';
  readonly env: NodeJS.ProcessEnv;
  readonly maxInFlight: number;
  readonly maxBytesInFlight: number;
  readonly maxQueue: number;
  readonly startTimeoutMs: number;
  readonly healthEveryMs: number;
  readonly maxRestarts: number;
  readonly probeBytesPerMinute: number;
}

const MEBIBYTE = 2 ** 20;
/**
 * For glibc; others take no notice. Else each large payload that comes by gRPC is received into pages that must be faulted in anew: the quickest of
 * four transfers of 100 MB took 520 to 1100 ms without, 130 to 280 ms with it.
 */
const KEEP_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: String(128 * MEBIBYTE),
  MALLOC_TRIM_THRESHOLD_: String(256 * MEBIBYTE),
} as const;
/**
 * Python receives in threads, each with a heap of its own that keeps nothing so large: with one for all, an array of 100 MB was written in 4 ms instead
 * of 13.
 */
const ONE_HEAP = { MALLOC_ARENA_MAX: '1' } as const;
const MAX_NAME = 256;

/** @throws InvalidArgumentError naming the option */
export function checkPoolOptions(options: WorkerPoolOptions): CheckedPoolOptions {
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options', options, 'an object');
  const { pool, env = process.env, network = process.platform === 'win32' ? 'tcp' : 'unix' } = options;
  if (typeof pool !== 'string' || pool === '' || pool.length > MAX_NAME) {
    throw new InvalidArgumentError('pool', pool, `a string of 1..${MAX_NAME} characters`);
  }
  if (network !== 'unix' && network !== 'tcp') throw new InvalidArgumentError('network', network, "'unix' or 'tcp'");
  if (typeof env !== 'object' || env === null) throw new InvalidArgumentError('env', env, 'an object of strings');
  const command = commandOf(options);
  return {
    pool,
    env: options.command === undefined ? { ...memoryHabits(command), ...env } : env,
    network,
    size: whole('size', options.size, 1, 1, 256),
    command,
    python: pythonOf(options, env),
    arenaBytes: whole('arenaBytes', options.arenaBytes, 256 * MEBIBYTE, 0, 2 ** 40),
    maxInFlight: whole('maxInFlight', options.maxInFlight, 64, 1, 100_000),
    maxBytesInFlight: whole('maxBytesInFlight', options.maxBytesInFlight, 1024 * MEBIBYTE, 1, 2 ** 50),
    maxQueue: whole('maxQueue', options.maxQueue, 10_000, 0, 10_000_000),
    startTimeoutMs: whole('startTimeoutMs', options.startTimeoutMs, 30_000, 1, 3_600_000),
    healthEveryMs: whole('healthEveryMs', options.healthEveryMs, 5_000, 50, 3_600_000),
    maxRestarts: whole('maxRestarts', options.maxRestarts, 60, 0, 1_000_000),
    probeBytesPerMinute: whole('probeBytesPerMinute', options.probeBytesPerMinute, probeBytesOf(options), 0, 2 ** 40),
  };
}

function memoryHabits([program]: readonly string[]): NodeJS.ProcessEnv {
  return program === PYTHON ? { ...KEEP_MEMORY, ...ONE_HEAP } : KEEP_MEMORY;
}

/** A program that is not pitwall's may do anything with a command that it does not know. */
function probeBytesOf({ command }: WorkerPoolOptions): number {
  return command === undefined ? 64 * MEBIBYTE : 0;
}

function whole(field: string, given: unknown, byDefault: number, low: number, high: number): number {
  const value = given ?? byDefault;
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  throw new InvalidArgumentError(field, value, `a whole number in ${low}..${high}`);
}

function commandOf({ script, command, execArgv = [] }: WorkerPoolOptions): readonly string[] {
  if (command !== undefined) return strings('command', command, 'a program and its arguments, as strings', 1);
  if (typeof script !== 'string' && !(script instanceof URL)) {
    throw new InvalidArgumentError('script', script, 'the path or file URL of a worker script (or give a command)');
  }
  const flags = strings('execArgv', execArgv, 'options of Node, as strings', 0);
  const file = script instanceof URL || script.startsWith('file:') ? fileURLToPath(script) : path.resolve(script);
  if (file.endsWith('.py')) return [PYTHON, ...flags, pythonWorkerProgram(), '{address}', file];
  return [process.execPath, ...flags, workerProgram(), '{address}', file];
}

function pythonOf({ python }: WorkerPoolOptions, env: NodeJS.ProcessEnv): string | undefined {
  if (python === undefined) return env.PITWALL_PYTHON || undefined;
  if (typeof python === 'string' && python !== '') return python;
  throw new InvalidArgumentError('python', python, 'the name or path of a Python');
}

function strings(field: string, value: unknown, accepted: string, atLeast: number): readonly string[] {
  const good = Array.isArray(value) && value.length >= atLeast && value.every((part) => typeof part === 'string');
  if (good) return value;
  throw new InvalidArgumentError(field, value, accepted);
}
