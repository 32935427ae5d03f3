/** The caller's end of the store's thread: starts it, numbers requests, and starts it again when it died. */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { PitwallError } from '../errors.ts';
import type { EncodedBlock } from './block-codec.ts';
import type { NamedEntry } from './engine.ts';
import { ExitGate } from './exit-gate.ts';
import type { RetainResult } from './store-types.ts';
import type { StoreThreadData, StoreThreadReply, StoreThreadRequest } from './thread-protocol.ts';
import type { UpkeepOptions } from './upkeep.ts';
import type { StoreWriter } from './writer.ts';

/** Starts of the thread within RESTART_WINDOW_MS before requests are refused instead. */
const MAX_STARTS = 5;
const RESTART_WINDOW_MS = 60_000;

/** The thread's file, where this module runs from files that have it beside them (a bundle may not). */
export function storeThreadFile(): URL | undefined {
  try {
    const file = new URL('./store-thread.js', import.meta.url);
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

interface Waiting {
  readonly resolve: (result: RetainResult | undefined) => void;
  readonly reject: (error: PitwallError) => void;
}

type Unnumbered<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;

export class ThreadWriter implements StoreWriter {
  readonly kind = 'thread';
  readonly #file: URL;
  readonly #data: StoreThreadData;
  readonly #gate = new ExitGate();
  readonly #onExit = () => this.#gate.shut(this.#waiting.size > 0);
  readonly #nowMs: () => number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #starts: number[] = [];
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(file: URL, data: Omit<StoreThreadData, 'gate'>, nowMs: () => number) {
    this.#file = file;
    this.#data = { ...data, gate: this.#gate.memory };
    this.#nowMs = nowMs;
  }

  async append(blocks: readonly EncodedBlock[]): Promise<void> {
    await this.#ask(
      { type: 'append', blocks },
      blocks.map((block) => transferable(block.bytes)),
    );
  }

  async putEntries(entries: readonly NamedEntry[]): Promise<void> {
    await this.#ask({ type: 'put_entries', entries }, []);
  }

  async upkeep(options: UpkeepOptions): Promise<RetainResult> {
    const result = await this.#ask({ type: 'upkeep', options }, []);
    if (result === undefined) throw new PitwallError('PITWALL_STORE_FAILED', "The store's thread gave no answer.");
    return result;
  }

  async close(): Promise<void> {
    process.removeListener('exit', this.#onExit);
    const worker = this.#worker;
    if (worker === undefined) return;
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    await this.#ask({ type: 'close' }, []).catch(() => undefined);
    worker.ref();
    await exited;
  }

  #ask(request: Unnumbered<StoreThreadRequest>, transfer: readonly ArrayBuffer[]): Promise<RetainResult | undefined> {
    return new Promise((resolve, reject) => {
      const worker = this.#start();
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve, reject });
      // While somebody waits for an answer the thread keeps the process alive; idle it does not.
      worker.ref();
      worker.postMessage({ ...request, id: this.#lastId } satisfies StoreThreadRequest, [...transfer]);
    });
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const nowMs = this.#nowMs();
    while ((this.#starts[0] ?? nowMs) < nowMs - RESTART_WINDOW_MS) this.#starts.shift();
    if (this.#starts.length >= MAX_STARTS) {
      throw new PitwallError('PITWALL_STORE_FAILED', `The store's thread died ${MAX_STARTS} times within a minute.`);
    }
    this.#starts.push(nowMs);
    const worker = new Worker(this.#file, { workerData: this.#data, name: 'pitwall-store' });
    worker.on('message', (reply: StoreThreadReply) => this.#settle(reply));
    worker.on('error', (error) =>
      this.#lost(worker, `failed: ${error instanceof Error ? error.message : String(error)}`),
    );
    worker.on('exit', (code) => this.#lost(worker, `exited with code ${code}`));
    process.removeListener('exit', this.#onExit);
    process.on('exit', this.#onExit);
    this.#worker = worker;
    return worker;
  }

  #settle(reply: StoreThreadReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (reply.type === 'done') waiting?.resolve(reply.result);
    else waiting?.reject(new PitwallError(reply.code, reply.message));
  }

  #lost(worker: Worker, how: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(new PitwallError('PITWALL_STORE_FAILED', `The store's thread ${how}.`));
  }
}

/** Blocks are encoded into memory of their own, so it can be handed over instead of copied. */
function transferable(bytes: Uint8Array): ArrayBuffer {
  if (bytes.buffer instanceof ArrayBuffer) return bytes.buffer;
  throw new PitwallError('PITWALL_STORE_FAILED', 'A block lies in shared memory.');
}
