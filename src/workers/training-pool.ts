/**
 * Owner of the training threads: one piscina pool, started with the first training and stopped when idle. Whatever happens in a thread (killed, hanging,
 * out of memory, a program that cannot load) costs that training and nothing else: `train` rejects with a code, the next one gets a new thread,
 * after a pause that doubles with each failure in a row.
 */
import { existsSync } from 'node:fs';
import type { Piscina } from 'piscina';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { trainingThreadFile } from './thread-file.ts';
import type { TrainingResult, TrainingTask } from './training-task.ts';

export interface TrainingPoolOptions {
  /** Milliseconds of a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Program of the threads. Default: pitwall's own. */
  readonly file?: string;
  /** Trainings at a time, one per thread. Default 1. */
  readonly maxThreads?: number;
  /** Trainings that may wait. Default 4; more are refused with `PITWALL_TRAINING_BUSY`. */
  readonly maxQueue?: number;
  /** Default 120 000: then the thread is ended. */
  readonly timeoutMs?: number;
  /** Heap of a thread, mebibytes. Default 512. A hundred thousand rows need about 150. */
  readonly memoryLimitMb?: number;
  /** Pause after a failure; doubles with each in a row. Default 1000, at most 300 000. */
  readonly backOffMs?: number;
  /** An idle thread is stopped after this. Default 10 000. */
  readonly idleTimeoutMs?: number;
  /** Told of errors that belong to no training. Never throws. */
  readonly onError?: (error: unknown) => void;
}

export interface TrainingPoolStatus {
  readonly running: number;
  readonly queued: number;
  readonly completed: number;
  readonly failed: number;
  /** Trainings refused because of the queue, the pause, or a closed pool. */
  readonly refused: number;
  readonly failuresInARow: number;
  /** Until then trainings are refused; undefined: now is fine. */
  readonly pausedUntilMs: number | undefined;
}

const MAX_BACK_OFF_MS = 300_000;

export class TrainingPool {
  readonly #options: Required<TrainingPoolOptions>;
  readonly #closing = new AbortController();
  #pool: Promise<Piscina<TrainingTask, TrainingResult>> | undefined;
  #inside = 0;
  #completed = 0;
  #failed = 0;
  #refused = 0;
  #failuresInARow = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** @throws InvalidArgumentError */
  constructor(options: TrainingPoolOptions) {
    this.#options = {
      file: '',
      maxThreads: 1,
      maxQueue: 4,
      timeoutMs: 120_000,
      memoryLimitMb: 512,
      backOffMs: 1000,
      idleTimeoutMs: 10_000,
      onError: () => {},
      ...options,
    };
    check('maxThreads', this.#options.maxThreads, 1, 64);
    check('maxQueue', this.#options.maxQueue, 0, 10_000);
    check('timeoutMs', this.#options.timeoutMs, 1, 2 ** 31 - 1);
    check('memoryLimitMb', this.#options.memoryLimitMb, 8, 65_536);
    check('backOffMs', this.#options.backOffMs, 0, MAX_BACK_OFF_MS);
    check('idleTimeoutMs', this.#options.idleTimeoutMs, 0, 2 ** 31 - 1);
  }

  get status(): TrainingPoolStatus {
    const paused = this.#pausedUntilMs > this.#options.nowMs();
    return {
      running: Math.min(this.#inside, this.#options.maxThreads),
      queued: Math.max(0, this.#inside - this.#options.maxThreads),
      completed: this.#completed,
      failed: this.#failed,
      refused: this.#refused,
      failuresInARow: this.#failuresInARow,
      pausedUntilMs: paused ? this.#pausedUntilMs : undefined,
    };
  }

  /**
   * Trains in a thread. Buffers of the task are moved there.
   *
   * Rejects with a PitwallError: `PITWALL_TRAINING_BUSY`, `PITWALL_TRAINING_PAUSED` (back-off), `PITWALL_TRAINING_CLOSED`, `PITWALL_TRAINING_CANCELLED` (the
   * signal), `PITWALL_TRAINING_TIMEOUT`, `PITWALL_TRAINING_OUT_OF_MEMORY`, `PITWALL_TRAINING_FAILED` (the cause says why), `PITWALL_TRAINING_PROGRAM_MISSING`.
   */
  async train(task: TrainingTask, options: { readonly signal?: AbortSignal } = {}): Promise<TrainingResult> {
    this.#admit(options.signal);
    this.#inside += 1;
    const deadline = AbortSignal.timeout(this.#options.timeoutMs);
    const signals = [deadline, this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    try {
      const pool = await this.#started();
      const transferList = task.type === 'train_given' ? [task.columns.buffer] : [];
      const result = await pool.run(task, { signal: AbortSignal.any(signals), transferList });
      this.#completed += 1;
      this.#failuresInARow = 0;
      return result;
    } catch (error) {
      throw this.#failure(error, deadline, options.signal);
    } finally {
      this.#inside -= 1;
    }
  }

  /** Ends running trainings and all threads. Resolves when they are gone. */
  async close(): Promise<void> {
    this.#closing.abort();
    const pool = await this.#pool?.catch(() => undefined);
    await pool?.destroy();
  }

  #admit(signal: AbortSignal | undefined): void {
    const { maxThreads, maxQueue, nowMs } = this.#options;
    const refuse = (code: string, message: string): never => {
      this.#refused += 1;
      throw new PitwallError(code, message);
    };
    if (this.#closing.signal.aborted) refuse('PITWALL_TRAINING_CLOSED', 'the training pool is closed');
    if (signal?.aborted === true) refuse('PITWALL_TRAINING_CANCELLED', 'the training was cancelled before it began');
    if (this.#inside >= maxThreads + maxQueue) {
      refuse('PITWALL_TRAINING_BUSY', `${this.#inside} trainings are running or waiting, no more than that`);
    }
    const pauseMs = this.#pausedUntilMs - nowMs();
    if (pauseMs > 0) {
      refuse(
        'PITWALL_TRAINING_PAUSED',
        `after ${this.#failuresInARow} failures in a row: again in ${Math.ceil(pauseMs)} ms`,
      );
    }
  }

  #started(): Promise<Piscina<TrainingTask, TrainingResult>> {
    this.#pool ??= this.#start().catch((error: unknown) => {
      this.#pool = undefined;
      throw error;
    });
    return this.#pool;
  }

  async #start(): Promise<Piscina<TrainingTask, TrainingResult>> {
    const { file, maxThreads, maxQueue, memoryLimitMb, idleTimeoutMs, onError } = this.#options;
    const filename = file === '' ? trainingThreadFile() : file;
    // piscina starts a thread again and again whose program is not there.
    if (!existsSync(filename))
      throw training('PITWALL_TRAINING_PROGRAM_MISSING', `${filename} does not exist`, undefined);
    const { Piscina } = await import('piscina');
    const pool = new Piscina<TrainingTask, TrainingResult>({
      filename,
      minThreads: 0,
      maxThreads,
      maxQueue: Math.max(1, maxQueue + maxThreads),
      concurrentTasksPerWorker: 1,
      idleTimeout: idleTimeoutMs,
      // Waiting with Atomics keeps a thread from noticing that it is told to stop.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: memoryLimitMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
      recordTiming: false,
      // A training must not take the host's flags along: --inspect would fight for its port.
      execArgv: [],
    });
    // Without a listener an error between two tasks ends the process. One that comes while a task waits means that threads die before they
    // take it (a program that cannot load): piscina would start them for ever.
    pool.on('error', (error: unknown) => {
      onError(error);
      if (this.#inside > 0) this.#recycle(pool);
    });
    return pool;
  }

  /** Gives a pool up; its trainings reject, the next one starts a new pool. */
  #recycle(pool: Piscina<TrainingTask, TrainingResult>): void {
    this.#pool = undefined;
    pool.destroy().catch(this.#options.onError);
  }

  /** Counts a failure, sets the pause, and gives it a code. What was cancelled from outside is no failure. */
  #failure(error: unknown, deadline: AbortSignal, signal: AbortSignal | undefined): PitwallError {
    if (signal?.aborted === true) return training('PITWALL_TRAINING_CANCELLED', 'the training was cancelled', error);
    if (this.#closing.signal.aborted) return training('PITWALL_TRAINING_CLOSED', 'the training pool was closed', error);
    this.#failed += 1;
    this.#failuresInARow += 1;
    const pauseMs = Math.min(MAX_BACK_OFF_MS, this.#options.backOffMs * 2 ** (this.#failuresInARow - 1));
    this.#pausedUntilMs = this.#options.nowMs() + pauseMs;
    if (error instanceof PitwallError) return error;
    if (deadline.aborted)
      return training('PITWALL_TRAINING_TIMEOUT', `the training took longer than ${this.#options.timeoutMs} ms`, error);
    if (isOutOfMemory(error)) {
      return training(
        'PITWALL_TRAINING_OUT_OF_MEMORY',
        `the training needed more than ${this.#options.memoryLimitMb} MiB`,
        error,
      );
    }
    return training('PITWALL_TRAINING_FAILED', error instanceof Error ? error.message : 'the training failed', error);
  }
}

function training(code: string, message: string, cause: unknown): PitwallError {
  return new PitwallError(code, message, { cause });
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

function check(field: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) throw new InvalidArgumentError(field, value, `a number in ${low}..${high}`);
}
