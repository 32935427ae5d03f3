/**
 * Which workers of a pool can take a command now. Restarts come and go underneath; callers wait for a worker rather than fail, in the order in
 * which they came, as long as the queue has room.
 */
import type { Courier } from './control-client.ts';
import { poolOverloaded, timedOut } from './errors.ts';
import type { WorkerClient } from './worker-client.ts';

export interface ReadyWorker {
  readonly index: number;
  readonly pid: number;
  readonly client: WorkerClient;
  /** Takes requests whose payload lies in shared memory; undefined where the worker has not mapped it. */
  readonly courier: Courier | undefined;
}

/** One worker, as `status()` shows it. */
export interface WorkerStatus {
  readonly index: number;
  readonly pid: number | undefined;
  readonly state: 'ready' | 'restarting';
  /** Commands that it has, those included whose caller gave up and that it has not ended yet. */
  readonly inFlight: number;
  readonly restarts: number;
  /** Whether it has mapped the pool's shared memory. */
  readonly attached: boolean;
}

/** A worker taken for one command. */
export interface Taken {
  readonly worker: ReadyWorker;
  /** The caller gave up, the worker has not: its place stays taken until `release`. */
  abandon(): void;
  /** Twice is as once. */
  release(): void;
}

export interface WorkerTableOptions {
  readonly pool: string;
  readonly size: number;
  /** Commands that one worker has in flight at most. */
  readonly maxInFlight: number;
  /** Bytes of payload that all of them have in flight at most; one larger payload goes alone. */
  readonly maxBytesInFlight: number;
  /** Callers that wait for a worker at most. */
  readonly maxQueue: number;
  readonly onChange: () => void;
}

export interface TakeRequest {
  readonly command: string;
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds that it may wait; Infinity for as long as it takes. */
  readonly timeoutMs: number;
  /** Before all who wait: it was served before, and lost its worker. */
  readonly first?: boolean;
}

/** A place of a worker, taken by one command. */
interface Place {
  readonly takenMs: number;
  /** Nobody waits for its answer any more. */
  abandoned: boolean;
}

interface Slot {
  worker: ReadyWorker | undefined;
  /** Renewed with the worker: places of the one before are not given back to the one after. */
  places: Set<Place>;
  /** Times a worker was put into this slot again. */
  restarts: number;
  /** A command was lost on it: it gets no more until it is known to live. */
  suspect: boolean;
}

interface Waiter {
  readonly bytes: number;
  readonly resolve: (taken: Taken) => void;
  readonly reject: (reason: unknown) => void;
}

export class WorkerTable {
  readonly #options: WorkerTableOptions;
  readonly #slots: Slot[];
  readonly #urgent = new Set<Waiter>();
  readonly #waiting = new Set<Waiter>();
  #bytesInFlight = 0;
  #refused = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(options: WorkerTableOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.size }, () => ({
      worker: undefined,
      places: new Set(),
      restarts: -1,
      suspect: false,
    }));
  }

  add(worker: ReadyWorker): void {
    const slot = this.#slots[worker.index];
    if (!slot) return;
    slot.worker = worker;
    slot.places = new Set();
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

  /**
   * A command was lost on this worker, or it did not answer: it gets no more until it is heard of. Either its process is gone, of which there will
   * be news, or the next health check clears it. `worker`: only if it is still that one.
   */
  suspect(index: number, worker?: ReadyWorker): void {
    const slot = this.#slots[index];
    if (slot && (worker === undefined || slot.worker === worker)) slot.suspect = true;
  }

  /** The worker answered a health check. */
  trust(index: number): void {
    const slot = this.#slots[index];
    if (!slot?.suspect) return;
    slot.suspect = false;
    this.#serve();
  }

  /**
   * Whether somebody still waits for a command that this worker had before `silentSinceMs` (by `performance.now()`): then it may be at work on that
   * one, and its silence is no sign that it hangs. Commands that came later only wait behind it.
   */
  isAwaited(index: number, silentSinceMs: number): boolean {
    for (const { takenMs, abandoned } of this.#slots[index]?.places ?? []) {
      if (!abandoned && takenMs <= silentSinceMs) return true;
    }
    return false;
  }

  /** Whether every place of this worker is taken by a command that nobody waits for any more. */
  isStuck(index: number): boolean {
    let abandoned = 0;
    for (const place of this.#slots[index]?.places ?? []) if (place.abandoned) abandoned += 1;
    return abandoned >= this.#options.maxInFlight;
  }

  /** Whether every worker that runs has mapped the shared memory, and at least one runs. */
  get attached(): boolean {
    const running = this.#slots.filter((slot) => slot.worker !== undefined);
    return running.length > 0 && running.every((slot) => slot.worker?.courier !== undefined);
  }

  get inFlight(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.places.size, 0);
  }

  get waiting(): number {
    return this.#waiting.size + this.#urgent.size;
  }

  /** Callers that found the queue full. */
  get refused(): number {
    return this.#refused;
  }

  status(): WorkerStatus[] {
    return this.#slots.map(({ worker, places, restarts }, index) => ({
      index,
      pid: worker?.pid,
      state: worker ? 'ready' : 'restarting',
      inFlight: worker ? places.size : 0,
      restarts: Math.max(0, restarts),
      attached: worker?.courier !== undefined,
    }));
  }

  /**
   * The worker with the fewest commands in flight; waits while all are busy or restarting. Rejects with `PITWALL_POOL_OVERLOADED` when too
   * many wait already, `PITWALL_TRANSFER_TIMEOUT`, with the signal's reason when the caller gives up, with the reason of `close`.
   */
  async take(request: TakeRequest): Promise<Taken> {
    if (this.#closed) throw this.#closed.reason;
    request.signal?.throwIfAborted();
    // Who waits already comes first.
    const free = this.waiting === 0 || request.first ? this.#leastLoaded(request.bytes) : undefined;
    return free ?? this.#wait(request);
  }

  /** Takes callers again after `close`. */
  open(): void {
    this.#closed = undefined;
  }

  /** Fails everybody who waits or comes from now on. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (const queue of [this.#urgent, this.#waiting]) for (const waiter of queue) waiter.reject(reason);
  }

  #wait({ command, bytes, signal, timeoutMs, first = false }: TakeRequest): Promise<Taken> {
    const { pool, maxQueue } = this.#options;
    if (!first && this.#waiting.size >= maxQueue) {
      this.#refused += 1;
      throw poolOverloaded(pool, this.#waiting.size);
    }
    const queue = first ? this.#urgent : this.#waiting;
    return new Promise((resolve, reject) => {
      const expire = (): void => waiter.reject(timedOut(command, timeoutMs));
      const timer = timeoutMs <= MAX_TIMER_MS ? setTimeout(expire, timeoutMs) : undefined;
      const abort = (): void => waiter.reject(signal?.reason);
      const done = (): void => {
        queue.delete(waiter);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        bytes,
        resolve: (taken) => {
          done();
          resolve(taken);
        },
        reject: (reason) => {
          done();
          reject(reason);
        },
      };
      queue.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      this.#serve();
    });
  }

  /** Hands free workers to those who wait, in their order: a large payload is not overtaken by small ones for ever. */
  #serve(): void {
    for (const queue of [this.#urgent, this.#waiting]) {
      for (const waiter of queue) {
        const taken = this.#leastLoaded(waiter.bytes);
        if (!taken) return;
        waiter.resolve(taken);
      }
    }
  }

  /** Takes a place with the worker that has the fewest commands; undefined while none has room. */
  #leastLoaded(bytes: number): Taken | undefined {
    const { maxInFlight, maxBytesInFlight } = this.#options;
    if (this.#bytesInFlight > 0 && this.#bytesInFlight + bytes > maxBytesInFlight) return undefined;
    let best: Slot | undefined;
    for (const slot of this.#slots) {
      if (!slot.worker || slot.suspect || slot.places.size >= maxInFlight) continue;
      if (!best || slot.places.size < best.places.size) best = slot;
    }
    return best?.worker && this.#reserve(best, best.worker, bytes);
  }

  #reserve(slot: Slot, worker: ReadyWorker, bytes: number): Taken {
    const { places } = slot;
    const place: Place = { takenMs: performance.now(), abandoned: false };
    places.add(place);
    this.#bytesInFlight += bytes;
    return {
      worker,
      abandon: () => {
        place.abandoned = true;
      },
      release: () => {
        if (!places.delete(place)) return;
        this.#bytesInFlight -= bytes;
        this.#serve();
      },
    };
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1;
