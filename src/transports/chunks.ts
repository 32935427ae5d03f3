/** Large payloads and results in chunks over a gRPC stream, in both directions. */
import { chunksOf, type Encodable } from './encodable.ts';
import type { Chunk } from './messages.ts';

/**
 * From this size on a payload travels in chunks. Below, one message is as fast; above, its two more copies of the whole cost page faults: at 100 MB
 * chunks took 0.25 to 0.45 of the time of one message.
 */
export const STREAM_FROM = 2 * 2 ** 20;
/** 1 MiB was fastest of 64 KiB to 4 MiB: large enough for few messages, small enough to stay in the cache between copies. */
const CHUNK_BYTES = 2 ** 20;

/** What takes chunks: a gRPC stream of either side. */
export interface ChunkSink {
  write(chunk: Chunk): boolean;
  once(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
  off(event: 'drain' | 'close' | 'error', listener: () => void): unknown;
}

/** Writes head and data, as fast as the other side takes them. Resolves early when the stream closes. */
export async function writeChunks(sink: ChunkSink, head: Buffer, data: Encodable | undefined): Promise<void> {
  const flow = new Flow(sink);
  if (!sink.write({ head, total: data?.byteLength ?? 0, data: undefined })) await flow.drained();
  if (data === undefined) return;
  for (const piece of chunksOf(data, CHUNK_BYTES)) {
    if (flow.closed) return;
    if (!sink.write({ head: undefined, total: 0, data: piece })) await flow.drained();
  }
}

/** One listener for the whole stream, however often it is full. */
class Flow {
  closed = false;
  #wake: (() => void) | undefined;
  readonly #sink: ChunkSink;

  constructor(sink: ChunkSink) {
    this.#sink = sink;
    const close = (): void => {
      this.closed = true;
      this.#wake?.();
    };
    sink.once('close', close);
    sink.once('error', close);
  }

  drained(): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sink.off('drain', wake);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      this.#sink.once('drain', wake);
    });
  }
}

/** Puts what comes in chunks together, in one allocation made when the first one says how much it is. */
export class ChunkCollector {
  #head: Buffer | undefined;
  #data: Buffer | undefined;
  #filled = 0;

  /** @throws RangeError for chunks that do not make one message */
  add({ head, total, data }: Chunk): void {
    if (head !== undefined) {
      if (this.#head !== undefined) throw new RangeError('a second head');
      this.#head = head;
      if (total > 0) this.#data = Buffer.allocUnsafeSlow(total);
    }
    if (data === undefined) return;
    if (this.#data === undefined || this.#filled + data.byteLength > this.#data.length) {
      throw new RangeError('more data than was said');
    }
    this.#data.set(data, this.#filled);
    this.#filled += data.byteLength;
  }

  /** @throws RangeError when something is missing */
  finish(): { readonly head: Buffer; readonly data: Buffer | undefined } {
    if (this.#head === undefined) throw new RangeError('no head');
    if (this.#filled !== (this.#data?.length ?? 0)) throw new RangeError('less data than was said');
    return { head: this.#head, data: this.#data };
  }
}
