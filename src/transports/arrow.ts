/** Arrow tables as IPC streams. apache-arrow is loaded when the first table travels. */
import { type Encodable, encodableOf } from './encodable.ts';

/** By its shape, so that a table of another copy of apache-arrow is one too. */
export function isTable(value: object): boolean {
  return 'schema' in value && 'batches' in value && 'numRows' in value;
}

/** Messages and buffers of the stream in pieces, the buffers as they lie in the table. */
export async function encodeTable(table: object): Promise<Encodable> {
  const { RecordBatchStreamWriter } = await import('apache-arrow');
  // The shape was checked; apache-arrow cannot say so in types.
  const writer = RecordBatchStreamWriter.writeAll(table as Parameters<typeof RecordBatchStreamWriter.writeAll>[0]);
  const pieces: Uint8Array[] = [];
  for await (const piece of await writer) if (piece.byteLength > 0) pieces.push(piece);
  return encodableOf(...pieces);
}

/** A table over the bytes, without a copy. */
export async function decodeTable(bytes: Uint8Array): Promise<unknown> {
  const { tableFromIPC } = await import('apache-arrow');
  return tableFromIPC(bytes);
}

/** A table of columns: typed arrays, or texts (which become a dictionary). */
export async function tableOf(
  columns: Readonly<Record<string, Float64Array | Int32Array | readonly string[]>>,
): Promise<object> {
  const { tableFromArrays } = await import('apache-arrow');
  return tableFromArrays(columns);
}
