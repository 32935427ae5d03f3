/**
 * What the workers of a pool share: memory, sockets' folder, table. Opened and closed by a GenServer of its own, the keeper, which starts before
 * the workers and stops after them, so that nothing is left however the pool ends.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { type GenServer, next } from '../otp/index.ts';
import { memoryGone } from './errors.ts';
import type { Arena, Lease } from './memory/types.ts';
import { openProcessFolder, removeInside } from './process-folder.ts';
import type { RuntimePort } from './runtime-port.ts';
import { TransportPublisher } from './transport-publisher.ts';
import type { WorkerTable } from './worker-table.ts';

export interface PoolResourcesOptions {
  readonly port: RuntimePort;
  readonly pool: string;
  readonly arenaBytes: number;
  /** Whether workers listen on Unix sockets. */
  readonly sockets: boolean;
  /** What callers hear that still wait when the keeper ends. */
  readonly onClosed: () => void;
}

/** `bind` of a Unix socket takes no longer paths: 104 bytes on macOS, 108 on Linux, the final 0 included. */
const MAX_SOCKET_PATH = 103;
const SHORT_BASE = '/tmp';

export class PoolResources {
  readonly table: WorkerTable;
  readonly #options: PoolResourcesOptions;
  #arena: Arena | undefined;
  /** Memory of arenas that were closed: what lay there is gone. */
  readonly #gone = new WeakSet<ArrayBufferLike>();
  #problem: string | undefined;
  #folder: string | undefined;
  #publisher: TransportPublisher | undefined;
  #startFailure: unknown;

  constructor(table: WorkerTable, options: PoolResourcesOptions) {
    this.table = table;
    this.#options = options;
  }

  get arena(): Arena | undefined {
    return this.#arena;
  }

  /**
   * A holder of the shared memory that `bytes` were built in; undefined where they lie elsewhere.
   * @throws PitwallError `PITWALL_SHM_RELEASED` where that memory was released, or went with its arena
   */
  holding(bytes: Uint8Array | undefined): Lease | undefined {
    if (bytes === undefined) return undefined;
    if (this.#gone.has(bytes.buffer)) throw memoryGone();
    return this.#arena?.holding(bytes);
  }

  /** Why there is no zero-copy lane, where there is none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** What a worker needs to map the memory. */
  get descriptor(): string | undefined {
    return this.#arena && JSON.stringify(this.#arena.descriptor);
  }

  /** Where a worker is to listen; its folder is there, whatever cleared it away since. */
  socketPath(index: number): string | undefined {
    if (this.#folder === undefined) return undefined;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    return path.join(this.#folder, `${index}.sock`);
  }

  /** Why a worker last failed to start; undefined where none did. */
  get startFailure(): unknown {
    return this.#startFailure;
  }

  /** A supervisor's reasons say which child failed, not what it said: that is kept, and logged. */
  noteStartFailure(error: unknown): void {
    this.#startFailure = error;
    this.warn(`a worker did not start: ${error instanceof Error ? error.message : String(error)}`);
  }

  warn(message: string): void {
    this.#options.port.logger.warn(`pool ${this.#options.pool}: ${message}`);
  }

  /** The table changed. */
  changed(): void {
    this.#publisher?.publish();
  }

  async open(): Promise<void> {
    const { port, pool, sockets } = this.#options;
    this.table.open();
    if (sockets) this.#folder = makeFolder();
    await this.#openArena();
    this.#publisher = new TransportPublisher(port, pool, this.table, this.#arena, this.#problem);
  }

  close(): void {
    this.#options.onClosed();
    this.#publisher?.stop();
    this.#publisher = undefined;
    if (this.#arena) this.#gone.add(this.#arena.memory);
    this.#arena?.close();
    this.#arena = undefined;
    if (this.#folder !== undefined) removeInside(this.#folder);
    this.#folder = undefined;
  }

  async #openArena(): Promise<void> {
    const { port, arenaBytes } = this.#options;
    if (arenaBytes === 0) return;
    const bytes = Math.min(arenaBytes, port.sharedMemoryLimit ?? Number.POSITIVE_INFINITY);
    try {
      const { openArena } = await import('./memory/open-arena.ts');
      this.#arena = await openArena({ bytes, shmDir: port.sharedMemoryDir, nowMs: port.nowMs });
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.warn(`no shared memory, gRPC carries everything: ${this.#problem}`);
    }
  }
}

export const poolKeeper: GenServer<PoolResources, PoolResources> = {
  async init(resources, self) {
    self.trapExit(true);
    await resources.open();
    return next.ok(resources);
  },
  terminate: (_reason, resources) => resources.close(),
};

/** Short names: pools' are arbitrary, socket paths are not. */
function makeFolder(): string {
  const folder = mkdtempSync(path.join(openProcessFolder(), 'pool-'));
  const longest = path.join(folder, '999.sock.control');
  if (Buffer.byteLength(longest) <= MAX_SOCKET_PATH) return folder;
  removeInside(folder);
  return mkdtempSync(path.join(openProcessFolder(SHORT_BASE), 'pool-'));
}
