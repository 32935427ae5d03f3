/** The least that a handler does which reads its payload: it looks at every page, or walks through it. */

const EVERY_PAGE = 4096;

/** @returns a number that depends on what was read, so that reading is not left out */
export function readPayload(payload: unknown): number {
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
