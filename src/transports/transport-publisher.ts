/** Keeps the pool's published snapshot in step with its arena and workers, and warms memory up in idle time. */
import type { Arena } from './memory/types.ts';
import type { RuntimePort } from './runtime-port.ts';
import type { WorkerTable } from './worker-table.ts';

/** How much is warmed up at a time: a few milliseconds of page faults. */
const PREFAULT_STEP = 4 * 2 ** 20;
const PREFAULT_EVERY_MS = 50;
/** What is warmed up in all; the rest warms up by use. */
const PREFAULT_BOUND = 64 * 2 ** 20;

export class TransportPublisher {
  readonly #port: RuntimePort;
  readonly #pool: string;
  readonly #table: WorkerTable;
  readonly #arena: Arena | undefined;
  readonly #problem: string | undefined;
  readonly #warming: NodeJS.Timeout | undefined;
  #warmed = 0;
  #stopped = false;

  constructor(
    port: RuntimePort,
    pool: string,
    table: WorkerTable,
    arena: Arena | undefined,
    problem: string | undefined,
  ) {
    this.#port = port;
    this.#pool = pool;
    this.#table = table;
    this.#arena = arena;
    this.#problem = problem;
    arena?.onChange(() => this.publish());
    if (arena) this.#warming = setInterval(() => this.#warm(arena), PREFAULT_EVERY_MS).unref();
    this.publish();
  }

  publish(): void {
    if (this.#stopped) return;
    const arena = this.#arena;
    const ready = arena !== undefined && this.#table.attached;
    this.#port.publishTransport(this.#pool, {
      zeroCopyReady: ready,
      reason: this.#reason(ready),
      warmBytes: arena?.warmBytes ?? 0,
      roomBytes: arena?.roomBytes ?? 0,
    });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#warming);
    this.#port.publishTransport(this.#pool, undefined);
  }

  #reason(ready: boolean): string | undefined {
    if (ready) return undefined;
    if (this.#problem !== undefined) return `no shared memory: ${this.#problem}`;
    return this.#arena === undefined ? 'the pool has no shared memory' : 'a worker has not mapped shared memory';
  }

  #warm(arena: Arena): void {
    // Only while nothing else happens: page faults stop the event loop.
    if (this.#table.inFlight > 0) return;
    const done = arena.prefault(Math.min(PREFAULT_STEP, PREFAULT_BOUND - this.#warmed));
    this.#warmed += done;
    if (done === 0 || this.#warmed >= PREFAULT_BOUND) clearInterval(this.#warming);
  }
}
