/**
 * Which workers of a pool can take a command now. Restarts come and go underneath; callers wait for a worker rather than fail, in the order in
 * which they came, as long as the queue has room.
 */
import { poolOverloaded } from './errors.ts';
import type { WorkerClient } from './worker-client.ts';

export interface ReadyWorker {
  readonly index: number;
  readonly pid: number;
  readonly client: WorkerClient;
  /** Whether it has mapped the pool's shared memory. */
  readonly attached: boolean;
}

interface Slot {
  worker: ReadyWorker | undefined;
  inFlight: number;
  /** Times a worker was put into this slot again. */
  restarts: number;
  /** A command was lost on it: it gets no more until it is known to live. */
  suspect: boolean;
}

interface Waiter {
  readonly resolve: (taken: Taken) => void;
  readonly reject: (reason: unknown) => void;
}

/** One worker, as `status()` shows it. */
export interface WorkerStatus {
  readonly index: number;
  readonly pid: number | undefined;
  readonly state: 'ready' | 'restarting';
  readonly inFlight: number;
  readonly restarts: number;
  readonly attached: boolean;
}

/** A worker taken for one command. */
export interface Taken {
  readonly worker: ReadyWorker;
  release(): void;
}

export interface WorkerTableOptions {
  readonly pool: string;
  readonly size: number;
  /** Commands that one worker has in flight at most. */
  readonly maxInFlight: number;
  /** Callers that wait for a worker at most. */
  readonly maxQueue: number;
  readonly onChange: () => void;
}

export class WorkerTable {
  readonly #options: WorkerTableOptions;
  readonly #slots: Slot[];
  readonly #waiting = new Set<Waiter>();

  constructor(options: WorkerTableOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.size }, () => ({
      worker: undefined,
      inFlight: 0,
      restarts: -1,
      suspect: false,
    }));
  }

  add(worker: ReadyWorker): void {
    const slot = this.#slots[worker.index];
    if (!slot) return;
    slot.worker = worker;
    slot.inFlight = 0;
    slot.restarts += 1;
    slot.suspect = false;
    this.#options.onChange();
    this.#serve();
  }

  remove(index: number): void {
    const slot = this.#slots[index];
    if (!slot) return;
    slot.worker = undefined;
    this.#options.onChange();
  }

  /** A command was lost on this worker: either its process is gone, of which there will be news, or the next health check clears it. */
  suspect(worker: ReadyWorker): void {
    const slot = this.#slots[worker.index];
    if (slot?.worker === worker) slot.suspect = true;
  }

  /** The worker answered a health check. */
  trust(index: number): void {
    const slot = this.#slots[index];
    if (!slot?.suspect) return;
    slot.suspect = false;
    this.#serve();
  }

  /** Whether every worker that runs has mapped the shared memory, and at least one runs. */
  get attached(): boolean {
    const running = this.#slots.filter((slot) => slot.worker !== undefined);
    return running.length > 0 && running.every((slot) => slot.worker?.attached);
  }

  get inFlight(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.inFlight, 0);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  status(): WorkerStatus[] {
    return this.#slots.map(({ worker, inFlight, restarts }, index) => ({
      index,
      pid: worker?.pid,
      state: worker ? 'ready' : 'restarting',
      inFlight,
      restarts: Math.max(0, restarts),
      attached: worker?.attached ?? false,
    }));
  }

  /**
   * The worker with the fewest commands in flight; waits while all are busy or restarting. Rejects with `PITWALL_POOL_OVERLOADED` when too
   * many wait already, with the signal's reason when the caller gives up.
   */
  async take(signal: AbortSignal | undefined): Promise<Taken> {
    // Who waits already comes first.
    const free = this.#waiting.size === 0 ? this.#leastLoaded() : undefined;
    return free ?? this.#wait(signal);
  }

  /** Fails everybody who waits: the pool closes. */
  close(reason: unknown): void {
    for (const waiter of this.#waiting) waiter.reject(reason);
    this.#waiting.clear();
  }

  #wait(signal: AbortSignal | undefined): Promise<Taken> {
    const { pool, maxQueue } = this.#options;
    if (this.#waiting.size >= maxQueue) return Promise.reject(poolOverloaded(pool, this.#waiting.size));
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#waiting.delete(waiter);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => waiter.reject(signal?.reason);
      const waiter: Waiter = {
        resolve: (taken) => {
          done();
          resolve(taken);
        },
        reject: (reason) => {
          done();
          reject(reason);
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      this.#serve();
    });
  }

  /** Hands free workers to those who wait. */
  #serve(): void {
    for (const waiter of this.#waiting) {
      const taken = this.#leastLoaded();
      if (!taken) return;
      waiter.resolve(taken);
    }
  }

  /** Takes a place with the worker that has the fewest commands; undefined while none has room. */
  #leastLoaded(): Taken | undefined {
    let best: Slot | undefined;
    for (const slot of this.#slots) {
      if (!slot.worker || slot.suspect || slot.inFlight >= this.#options.maxInFlight) continue;
      if (!best || slot.inFlight < best.inFlight) best = slot;
    }
    return best?.worker && this.#reserve(best, best.worker);
  }

  #reserve(slot: Slot, worker: ReadyWorker): Taken {
    slot.inFlight += 1;
    let taken = true;
    return {
      worker,
      release: () => {
        if (!taken) return;
        taken = false;
        // A restart in between began its own count.
        if (slot.worker === worker) slot.inFlight -= 1;
        this.#serve();
      },
    };
  }
}
