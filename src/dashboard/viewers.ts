/** Those who look: one stream of server-sent events each. What is read is read once for all of them, and only while there are any. */
import type { ServerResponse } from 'node:http';
import { PitwallError } from '../errors.ts';
import type { HostState, PoolKnowledge } from './frames.ts';
import type { DashboardSource, LiveReading } from './source.ts';

const MAX_VIEWERS = 16;
const LIVE_EVERY_MS = 400;
/** What changes slowly is asked of actors, and worked out. */
const SLOW_EVERY_MS = 2_000;
/** Who has not taken what was sent for so long is let go; the browser comes back by itself. */
const SLOW_VIEWER_MS = 10_000;

interface Viewer {
  readonly response: ServerResponse;
  readonly pool: string | undefined;
  /** Undefined while everything sent was taken. */
  stuckSinceMs: number | undefined;
  host: string;
  knowledge: string;
}

export class Viewers {
  readonly #source: DashboardSource;
  readonly #readOnly: boolean;
  readonly #viewers = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;
  #awake = false;
  #reading: Promise<void> | undefined;
  #slow: Promise<void> | undefined;
  #slowAtMs = Number.NEGATIVE_INFINITY;
  #latest: LiveReading | undefined;
  #host: HostState | undefined;
  readonly #knowledge = new Map<string, PoolKnowledge>();
  #closed = false;
  /** Who came when there was no room, and who was let go. */
  refused = 0;
  dropped = 0;

  constructor(source: DashboardSource, readOnly: boolean) {
    this.#source = source;
    this.#readOnly = readOnly;
  }

  get count(): number {
    return this.#viewers.size;
  }

  /** @returns false where there is no room */
  add(response: ServerResponse, pool: string | undefined): boolean {
    if (this.#closed || this.#viewers.size >= MAX_VIEWERS) {
      this.refused += 1;
      return false;
    }
    const viewer: Viewer = { response, pool, stuckSinceMs: undefined, host: '', knowledge: '' };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    response.on('close', () => this.#leave(viewer));
    response.on('error', () => this.#leave(viewer));
    this.#viewers.add(viewer);
    // Nobody waits for the answer of the first look: it goes on in the ticks.
    response.write('retry: 1000\n\n');
    this.#timer ??= setInterval(() => this.#tick(), LIVE_EVERY_MS).unref();
    this.hurry();
    return true;
  }

  /** What changes slowly has just changed. */
  hurry(): void {
    this.#slowAtMs = Number.NEGATIVE_INFINITY;
    if (this.#viewers.size > 0) this.#tick();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { response } of this.#viewers) response.destroy();
    this.#viewers.clear();
    this.#stop();
    await Promise.allSettled([this.#reading, this.#slow]);
    await this.#rest();
  }

  #leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    this.#stop();
    void this.#rest();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #rest(): Promise<void> {
    await Promise.allSettled([this.#reading, this.#slow]);
    // Somebody may have come meanwhile.
    if (!this.#awake || this.#viewers.size > 0) return;
    this.#awake = false;
    this.#latest = undefined;
    this.#knowledge.clear();
    await this.#source.rest().catch(() => undefined);
  }

  #tick(): void {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    const nowMs = performance.now();
    if (this.#slow === undefined && nowMs - this.#slowAtMs >= SLOW_EVERY_MS) {
      this.#slowAtMs = nowMs;
      this.#slow = this.#readSlow().finally(() => {
        this.#slow = undefined;
      });
    }
    this.#dropStuck(nowMs);
  }

  async #read(): Promise<void> {
    try {
      if (!this.#awake) {
        this.#awake = true;
        await this.#source.wake();
      }
      this.#latest = await this.#source.read(this.#watched());
      this.#sendLive(this.#latest);
    } catch (error) {
      this.#send('trouble', { message: messageOf(error) });
    }
  }

  async #readSlow(): Promise<void> {
    // The first live reading wakes the source, and says what kinds of payload there are.
    await this.#reading;
    try {
      this.#host = await this.#source.state();
      const watched = this.#watched();
      for (const pool of this.#knowledge.keys()) if (!watched.includes(pool)) this.#knowledge.delete(pool);
      for (const pool of watched) {
        const knowledge = await this.#source.knowledge(pool);
        if (knowledge) this.#knowledge.set(pool, knowledge);
      }
      this.#sendSlow();
    } catch (error) {
      this.#send('trouble', { message: messageOf(error) });
    }
  }

  #watched(): string[] {
    return [...new Set([...this.#viewers].map((viewer) => this.#poolOf(viewer)).filter((pool) => pool !== undefined))];
  }

  /** The pool that someone chose, or the first one there is. */
  #poolOf({ pool }: Viewer): string | undefined {
    return pool ?? this.#latest?.pools[0]?.pool;
  }

  #sendLive({ status, pools, morePools, live }: LiveReading): void {
    const common = { atMs: Date.now(), status, pools, morePools };
    const texts = new Map<string | undefined, string>();
    for (const viewer of this.#viewers) {
      const pool = this.#poolOf(viewer);
      let text = texts.get(pool);
      if (text === undefined) {
        text = JSON.stringify({ ...common, live: pool === undefined ? undefined : live.get(pool) });
        texts.set(pool, text);
      }
      write(viewer, 'live', text);
    }
  }

  /** Only what has changed. */
  #sendSlow(): void {
    const host = JSON.stringify({ ...this.#host, title: this.#source.title, readOnly: this.#readOnly });
    for (const viewer of this.#viewers) {
      if (viewer.host !== host && write(viewer, 'host', host)) viewer.host = host;
      const pool = this.#poolOf(viewer);
      const known = pool === undefined ? undefined : this.#knowledge.get(pool);
      const knowledge = known === undefined ? '' : JSON.stringify(known);
      if (knowledge !== '' && viewer.knowledge !== knowledge && write(viewer, 'knowledge', knowledge)) {
        viewer.knowledge = knowledge;
      }
    }
  }

  #send(event: string, value: object): void {
    const text = JSON.stringify(value);
    for (const viewer of this.#viewers) write(viewer, event, text);
  }

  #dropStuck(nowMs: number): void {
    for (const viewer of this.#viewers) {
      if (!viewer.response.writableNeedDrain) viewer.stuckSinceMs = undefined;
      else viewer.stuckSinceMs ??= nowMs;
      if (viewer.stuckSinceMs === undefined || nowMs - viewer.stuckSinceMs < SLOW_VIEWER_MS) continue;
      this.dropped += 1;
      viewer.response.destroy();
    }
  }
}

/** Who is behind misses a frame: what waits never piles up. @returns whether it was sent */
function write({ response }: Viewer, event: string, text: string): boolean {
  if (response.writableNeedDrain || response.destroyed) return false;
  response.write(`event: ${event}\ndata: ${text}\n\n`);
  return true;
}

function messageOf(error: unknown): string {
  return error instanceof PitwallError ? error.message : 'the figures could not be read';
}
