/**
 * A training process as its host sees it: one training at a time; killed where that is not wanted any more, since nothing else surely ends it. It
 * neither keeps the host alive nor outlives it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { ProcessAnswer, ProcessSettings } from './process-protocol.ts';
import type { TrainingResult, TrainingTask } from './training-task.ts';

/** A training that ended without a result. `code` is that of what went wrong inside, where there is one. */
export class TrainingEnded extends Error {
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.name = 'TrainingEnded';
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: (result: TrainingResult) => void;
  readonly reject: (error: unknown) => void;
}

export class TrainingChild {
  readonly #process: ChildProcess;
  #waiting: Waiting | undefined;
  #alive = true;
  #killed = false;

  /** @param onGone told when the process is gone, however that came about; before that `run` has rejected */
  constructor(program: string, settings: ProcessSettings, onGone: () => void) {
    this.#process = fork(program, [JSON.stringify(settings)], {
      // Buffers travel as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // A training must not take the host's flags along: --inspect would fight for its port.
      execArgv: [],
      env: withoutNodeOptions(process.env),
    });
    this.#process.unref();
    this.#process.channel?.unref();
    this.#process.on('message', (answer: ProcessAnswer) => this.#answered(answer));
    const gone = (problem: TrainingEnded): void => {
      if (!this.#alive) return;
      this.#alive = false;
      this.#settle()?.reject(problem);
      onGone();
    };
    this.#process.on('error', (error) => gone(new TrainingEnded(error.message, 'ERR_TRAINING_PROCESS')));
    this.#process.on('exit', (code, signal) => gone(endOf(code, signal)));
  }

  /** Can take another training. */
  get usable(): boolean {
    return this.#alive && !this.#killed;
  }

  /** Process id, to be looked up by an operator; undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Rejects with `TrainingEnded`, or with the signal's reason: then the process is killed. */
  run(task: TrainingTask, signal: AbortSignal): Promise<TrainingResult> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#settle()?.reject(signal.reason);
        this.kill();
      };
      const forget = (): void => signal.removeEventListener('abort', abort);
      this.#waiting = {
        resolve: (result) => {
          forget();
          resolve(result);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#process.send({ task }, (error) => {
        if (error !== null) this.#settle()?.reject(new TrainingEnded(error.message, 'ERR_TRAINING_PROCESS'));
      });
    });
  }

  /** @param awaited the host stays until it is gone */
  kill(awaited = false): void {
    this.#killed = true;
    if (awaited) this.#process.ref();
    this.#process.kill('SIGKILL');
  }

  #answered(answer: ProcessAnswer): void {
    const waiting = this.#settle();
    if (answer.type === 'trained') waiting?.resolve(answer.result);
    else waiting?.reject(new TrainingEnded(answer.message, answer.code));
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

/** What V8 ends a process with when it cannot go on. */
const ABORTED = 134;

function endOf(code: number | null, signal: NodeJS.Signals | null): TrainingEnded {
  // It was out of memory: nothing else makes V8 abort that is known here.
  if (signal === 'SIGABRT' || code === ABORTED) {
    return new TrainingEnded('V8 aborted the training process', 'ERR_WORKER_OUT_OF_MEMORY');
  }
  return new TrainingEnded(`the training process ended (${signal ?? `exit code ${code}`})`, undefined);
}

function withoutNodeOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _ignored, ...rest } = env;
  return rest;
}
