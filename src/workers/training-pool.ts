/**
 * Owner of the training processes, in each of which a piscina thread trains: started with the first training, stopped when idle. Whatever happens there
 * (killed, hanging, out of memory, a program that cannot load) costs that training and nothing else: `train` rejects with a code, the next one gets a
 * new process, after a pause that doubles with each failure in a row.
 *
 * Processes and not threads alone, since V8 ends the whole process in spite of `resourceLimits` where memory runs out inside some of its own functions
 * (`[...list.entries()]` of five million entries did so here, each time).
 */
import { existsSync } from 'node:fs';
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import { trainingProcessFile, trainingThreadFile } from './thread-file.ts';
import { TrainingChild } from './training-child.ts';
import type { TrainingResult, TrainingTask } from './training-task.ts';

export interface TrainingPoolOptions {
  /** Milliseconds of a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Program of the thread. Default: pitwall's own. */
  readonly file?: string;
  /** Trainings at a time, each in a process of its own. Default 1. */
  readonly maxProcesses?: number;
  /** Trainings that may wait. Default 4; more are refused with `PITWALL_TRAINING_BUSY`. */
  readonly maxQueue?: number;
  /** Default 120 000: then the process is killed. */
  readonly timeoutMs?: number;
  /** Heap of the thread, mebibytes. Default 512. A hundred thousand rows need about 150. */
  readonly memoryLimitMb?: number;
  /** Pause after a failure; doubles with each in a row. Default 1000, at most 300 000. */
  readonly backOffMs?: number;
  /** An idle process is stopped after this. Default 10 000. */
  readonly idleTimeoutMs?: number;
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
  /** Of the training processes that are there, idle ones included. */
  readonly pids: readonly number[];
}

const MAX_BACK_OFF_MS = 300_000;

/** A training that waits for a process. */
interface Queued {
  readonly start: (child: TrainingChild) => void;
  readonly fail: (error: unknown) => void;
}

export class TrainingPool {
  readonly #options: Required<TrainingPoolOptions>;
  readonly #closing = new AbortController();
  readonly #children = new Set<TrainingChild>();
  readonly #idle = new Map<TrainingChild, NodeJS.Timeout>();
  readonly #queue: Queued[] = [];
  /** Resolved when the last process is gone. */
  #onEmpty: (() => void) | undefined;
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
      maxProcesses: 1,
      maxQueue: 4,
      timeoutMs: 120_000,
      memoryLimitMb: 512,
      backOffMs: 1000,
      idleTimeoutMs: 10_000,
      ...options,
    };
    check('maxProcesses', this.#options.maxProcesses, 1, 64);
    check('maxQueue', this.#options.maxQueue, 0, 10_000);
    check('timeoutMs', this.#options.timeoutMs, 1, 2 ** 31 - 1);
    check('memoryLimitMb', this.#options.memoryLimitMb, 8, 65_536);
    check('backOffMs', this.#options.backOffMs, 0, MAX_BACK_OFF_MS);
    check('idleTimeoutMs', this.#options.idleTimeoutMs, 0, 2 ** 31 - 1);
  }

  get status(): TrainingPoolStatus {
    const paused = this.#pausedUntilMs > this.#options.nowMs();
    return {
      running: this.#inside - this.#queue.length,
      queued: this.#queue.length,
      completed: this.#completed,
      failed: this.#failed,
      refused: this.#refused,
      failuresInARow: this.#failuresInARow,
      pausedUntilMs: paused ? this.#pausedUntilMs : undefined,
      pids: [...this.#children].flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    };
  }

  /**
   * Trains in a process. The host is not kept alive for it.
   *
   * Rejects with a PitwallError: `PITWALL_TRAINING_BUSY`, `PITWALL_TRAINING_PAUSED` (back-off), `PITWALL_TRAINING_CLOSED`, `PITWALL_TRAINING_CANCELLED` (the
   * signal), `PITWALL_TRAINING_TIMEOUT`, `PITWALL_TRAINING_OUT_OF_MEMORY`, `PITWALL_TRAINING_FAILED` (the cause says why), `PITWALL_TRAINING_PROGRAM_MISSING`.
   */
  async train(task: TrainingTask, options: { readonly signal?: AbortSignal } = {}): Promise<TrainingResult> {
    this.#admit(options.signal);
    this.#inside += 1;
    const deadline = AbortSignal.timeout(this.#options.timeoutMs);
    const signals = [deadline, this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const signal = AbortSignal.any(signals);
    try {
      const child = await this.#child(signal);
      const result = await child.run(task, signal).finally(() => this.#release(child));
      this.#completed += 1;
      this.#failuresInARow = 0;
      return result;
    } catch (error) {
      throw this.#failure(error, deadline, options.signal);
    } finally {
      this.#inside -= 1;
    }
  }

  /** Ends running trainings and all processes. Resolves when they are gone. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    if (this.#children.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const child of this.#children) child.kill(true);
    await gone;
  }

  #admit(signal: AbortSignal | undefined): void {
    const { maxProcesses, maxQueue, nowMs } = this.#options;
    const refuse = (code: string, message: string): never => {
      this.#refused += 1;
      throw new PitwallError(code, message);
    };
    if (this.#closing.signal.aborted) refuse('PITWALL_TRAINING_CLOSED', 'the training pool is closed');
    if (signal?.aborted === true) refuse('PITWALL_TRAINING_CANCELLED', 'the training was cancelled before it began');
    if (this.#inside >= maxProcesses + maxQueue) {
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

  /** An idle process, a new one, or the first that becomes free. */
  async #child(signal: AbortSignal): Promise<TrainingChild> {
    const [idle] = this.#idle.keys();
    if (idle !== undefined) {
      clearTimeout(this.#idle.get(idle));
      this.#idle.delete(idle);
      return idle;
    }
    if (this.#children.size < this.#options.maxProcesses) return this.#start();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(queued), 1);
        reject(signal.reason);
      };
      const queued: Queued = {
        start: (child) => {
          signal.removeEventListener('abort', leave);
          resolve(child);
        },
        fail: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      this.#queue.push(queued);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #start(): TrainingChild {
    const { file, memoryLimitMb } = this.#options;
    const thread = file === '' ? trainingThreadFile() : file;
    if (!existsSync(thread)) {
      throw training('PITWALL_TRAINING_PROGRAM_MISSING', `${thread} does not exist`, undefined);
    }
    const child = new TrainingChild(trainingProcessFile(), { file: thread, memoryLimitMb }, () => this.#gone(child));
    this.#children.add(child);
    return child;
  }

  /** The next in the queue gets it, or it waits for a while. */
  #release(child: TrainingChild): void {
    if (!child.usable || this.#closing.signal.aborted) return;
    const next = this.#queue.shift();
    if (next !== undefined) {
      next.start(child);
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.delete(child);
      child.kill();
    }, this.#options.idleTimeoutMs);
    this.#idle.set(child, timer.unref());
  }

  #gone(child: TrainingChild): void {
    this.#children.delete(child);
    clearTimeout(this.#idle.get(child));
    this.#idle.delete(child);
    if (this.#children.size === 0) this.#onEmpty?.();
    const next = this.#closing.signal.aborted ? undefined : this.#queue.shift();
    if (next === undefined) return;
    try {
      next.start(this.#start());
    } catch (error) {
      next.fail(error);
    }
  }

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
