/** The worker script of benchmarks that bring none of their own. Shipped with the package; started by its file's name. */
import { createHash } from 'node:crypto';
import { defineWorker } from './define-worker.ts';

const EVERY_PAGE = 4096;

export default defineWorker({
  /** Looks at every page of the payload, or walks through it, and says what it came to: the least that a handler does which reads its payload. */
  read: (payload: unknown) => read(payload),
  /** SHA-256 of the payload's bytes: a handler that works. */
  hash: (payload: unknown) => createHash('sha256').update(bytesOf(payload)).digest('hex'),
  /** The payload, back. */
  echo: (payload: unknown) => payload,
});

function read(payload: unknown): number {
  if (payload instanceof Uint8Array) return sumOfPages(payload);
  if (typeof payload === 'string') return payload.length;
  if (typeof payload !== 'object' || payload === null) return 0;
  if ('data' in payload && ArrayBuffer.isView(payload.data)) {
    const { buffer, byteOffset, byteLength } = payload.data;
    return sumOfPages(new Uint8Array(buffer, byteOffset, byteLength));
  }
  if ('batches' in payload && Array.isArray(payload.batches)) return sumOfBatches(payload.batches);
  return Array.isArray(payload) ? payload.length : Object.keys(payload).length;
}

function sumOfPages(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += EVERY_PAGE) sum += bytes[at] ?? 0;
  return sum;
}

/** An Arrow table's buffers. */
function sumOfBatches(batches: readonly unknown[]): number {
  let sum = 0;
  for (const batch of batches) {
    const { data }: { data?: { children?: readonly { values?: unknown }[] } } = Object(batch);
    for (const { values } of data?.children ?? []) {
      if (!ArrayBuffer.isView(values)) continue;
      sum += sumOfPages(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  }
  return sum;
}

function bytesOf(payload: unknown): Uint8Array | string {
  if (payload instanceof Uint8Array || typeof payload === 'string') return payload;
  if (typeof payload === 'object' && payload !== null && 'data' in payload && ArrayBuffer.isView(payload.data)) {
    const { buffer, byteOffset, byteLength } = payload.data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }
  return JSON.stringify(payload) ?? '';
}
