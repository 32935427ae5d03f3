/**
 * Keeps a process that exits from cutting a thread off in the middle of an LMDB transaction. Node ends a worker thread between two
 * JavaScript instructions; inside a transaction that leaves LMDB's lock taken, and the clean-up that follows waits for it for ever
 * (seen with lmdb 3.5 on Node 20: `process.exit` never returned). So the exit waits until the thread is between transactions, and the
 * thread begins no other. Nor may the compiler be at work on the thread's code when Node ends it: that ends the process with an assertion of Node's
 * (`NodePlatform::ForIsolate`, seen on Node 20 in one exit of sixty during writes). So the thread comes to rest, and the exit gives the compiler a moment.
 *
 *   shared memory   [0] 1 while a transaction runs    [1] 1 once the process is exiting
 */
import { PitwallError } from '../errors.ts';

const BUSY = 0;
const EXITING = 1;
/** Longest that an exit waits, milliseconds. A transaction of the largest batch takes a few hundred. */
const MAX_WAIT_MS = 900;
/** What the compiler, which runs beside the thread, needs for what it has begun. */
const COMPILER_MS = 30;

export class ExitGate {
  readonly memory: SharedArrayBuffer;
  readonly #flags: Int32Array;

  /** `memory`: what the other side's gate has; without one a new gate is made. */
  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#flags = new Int32Array(memory);
  }

  /** For the thread: runs a transaction, or throws PITWALL_STORE_CLOSED when the process is exiting. */
  pass<T>(transaction: () => T): T {
    Atomics.store(this.#flags, BUSY, 1);
    try {
      if (Atomics.load(this.#flags, EXITING) === 1) {
        throw new PitwallError('PITWALL_STORE_CLOSED', 'The process is exiting; nothing more is written.');
      }
      return transaction();
    } finally {
      Atomics.store(this.#flags, BUSY, 0);
      Atomics.notify(this.#flags, BUSY);
    }
  }

  /** For the thread, before it begins anything: when the process is exiting it does nothing more. */
  restWhenExiting(): void {
    if (Atomics.load(this.#flags, EXITING) === 1) Atomics.wait(this.#flags, EXITING, 1, MAX_WAIT_MS);
  }

  /** For the process, when it exits: returns once no transaction runs. `atWork`: the thread has not answered everything yet. */
  shut(atWork: boolean): void {
    Atomics.store(this.#flags, EXITING, 1);
    const endMs = performance.now() + MAX_WAIT_MS;
    while (Atomics.load(this.#flags, BUSY) === 1) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      Atomics.wait(this.#flags, BUSY, 1, leftMs);
    }
    if (atWork) Atomics.wait(this.#flags, EXITING, 1, COMPILER_MS);
  }
}
