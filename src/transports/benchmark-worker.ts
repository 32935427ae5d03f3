/** The worker script of benchmarks that bring none of their own. Shipped with the package; started by its file's name. */
import { createHash } from 'node:crypto';
import { defineWorker } from './define-worker.ts';
import { readPayload } from './read-payload.ts';

export default defineWorker({
  /** Looks at every page of the payload, or walks through it, and says what it came to: the least that a handler does which reads its payload. */
  read: (payload: unknown) => readPayload(payload),
  /** SHA-256 of the payload's bytes: a handler that works. */
  hash: (payload: unknown) => createHash('sha256').update(bytesOf(payload)).digest('hex'),
  /** The payload, back. */
  echo: (payload: unknown) => payload,
});

function bytesOf(payload: unknown): Uint8Array | string {
  if (payload instanceof Uint8Array || typeof payload === 'string') return payload;
  if (typeof payload === 'object' && payload !== null && 'data' in payload && ArrayBuffer.isView(payload.data)) {
    const { buffer, byteOffset, byteLength } = payload.data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  return JSON.stringify(payload) ?? '';
}
