/** One command on its way: what is sent, to which worker, and for how long. */
import { memoryGone, timedOut, WorkerLostError } from './errors.ts';
import type { Lease } from './memory/types.ts';
import type { EncodedPayload } from './payload.ts';
import type { Sent } from './sent.ts';
import type { ReadyWorker, Taken, TakeRequest, WorkerTable } from './worker-table.ts';

export interface JobOptions {
  readonly table: WorkerTable;
  readonly command: string;
  readonly payload: EncodedPayload;
  /** Holds the shared memory that the payload was built in; the job gives it back. */
  readonly inPlace?: Lease | undefined;
  /** The caller takes a large result where the worker wrote it, and gives it back. */
  readonly sharedResult?: boolean | undefined;
  readonly compression: boolean;
  readonly timeoutMs: number;
  /** May be sent again when its worker died half-way. */
  readonly idempotent: boolean;
  readonly signal: AbortSignal | undefined;
  /** Microseconds that encoding took so far. */
  readonly encodeUs: number;
  /** For measurements: zero-copy takes pages that are not there yet. Default false. */
  readonly cold?: boolean | undefined;
  /** When the caller called, by `performance.now()`. */
  readonly startedMs: number;
}

/** Workers that may die under one command before it is given up. */
const MAX_SENDS = 5;

/** The payload is encoded once, and one worker is taken, whichever lane, or both, it goes by. */
export class Job {
  readonly command: string;
  readonly payload: EncodedPayload;
  readonly compression: boolean;
  readonly encodeUs: number;
  readonly cold: boolean;
  readonly sharedResult: boolean;
  readonly #options: JobOptions;
  #taken: Taken | undefined;

  constructor(options: JobOptions) {
    this.#options = options;
    this.command = options.command;
    this.payload = options.payload;
    this.compression = options.compression;
    this.encodeUs = options.encodeUs;
    this.cold = options.cold ?? false;
    this.sharedResult = options.sharedResult ?? false;
  }

  /** Waits for a worker. */
  async take(): Promise<void> {
    this.#taken = await this.#options.table.take(this.#request(false));
  }

  /** What is left of the time that the whole transfer may take, milliseconds. @throws TransportError when nothing is */
  remainingMs(): number {
    const { timeoutMs, startedMs, command } = this.#options;
    const left = startedMs + timeoutMs - performance.now();
    if (left > 0) return left;
    throw timedOut(command, timeoutMs);
  }

  /**
   * Runs `send` with the worker, and again with another one if it dies and the command may run twice, or has not run. `onRepeat` is told of each
   * repetition.
   */
  async withWorker<T>(send: (worker: ReadyWorker) => Promise<T>, onRepeat: () => void): Promise<T> {
    const { table, idempotent } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      this.#taken ??= await table.take(this.#request(true));
      const { worker } = this.#taken;
      // What lay there is gone, and either lane would send zeros.
      if (this.#options.inPlace?.intact === false) throw memoryGone();
      try {
        return await send(worker);
      } catch (error) {
        if (!(error instanceof WorkerLostError)) throw error;
        table.suspect(worker.index, worker);
        this.#taken.release();
        this.#taken = undefined;
        if ((error.ran && !idempotent) || attempt >= MAX_SENDS) throw error;
        onRepeat();
      }
    }
  }

  /** The caller gave up: the worker's place is free when it is done with what was sent. */
  abandon(sent: Sent): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.abandon();
    sent.whenDone(() => taken?.release());
  }

  /** The memory that the payload lies in already, for one more holder; undefined where it has to be written. */
  shareInPlace(): Lease | undefined {
    return this.#options.inPlace?.share();
  }

  /** Gives the worker's place back. */
  end(): void {
    this.#options.inPlace?.release();
    this.#taken?.release();
    this.#taken = undefined;
  }

  #request(first: boolean): TakeRequest {
    const { command, payload, signal } = this.#options;
    return { command, bytes: payload.content.byteLength, signal, timeoutMs: this.remainingMs(), first };
  }
}
