/** Records as an Arrow IPC stream: one record batch per few thousand records, nulls for undefined. Arrow is loaded when used. */
import { PitwallError } from '../../errors.ts';
import type { TransferRecord } from '../record.ts';
import { type ColumnType, notAnExport, RECORD_COLUMNS, recordFrom } from './record-columns.ts';

type Arrow = typeof import('apache-arrow');

/** Bytes of an IPC stream; `batches` are encoded as they come. */
export async function* arrowStream(batches: AsyncIterable<readonly TransferRecord[]>): AsyncGenerator<Uint8Array> {
  const arrow = await import('apache-arrow');
  const schema = schemaOf(arrow);
  const writer = new arrow.RecordBatchStreamWriter();
  const output = writer[Symbol.asyncIterator]();
  let failure: { readonly error: unknown } | undefined;
  // The writer ends its output when it is closed, and only then: a failure closes it first and is thrown after.
  const feeding = (async () => {
    try {
      writer.reset(undefined, schema);
      for await (const records of batches) writer.write(batchOf(arrow, schema, records));
    } catch (error) {
      failure = { error };
    }
    writer.close();
  })();
  for (let part = await output.next(); part.done !== true; part = await output.next()) yield part.value;
  await feeding;
  if (failure !== undefined) throw failure.error;
}

/** Records of an IPC stream, batch by batch. Throws PITWALL_IMPORT_INVALID. */
export async function* readArrow(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly TransferRecord[]> {
  const arrow = await import('apache-arrow');
  let sourceFailure: { readonly error: unknown } | undefined;
  const guarded = (async function* () {
    try {
      yield* source;
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  })();
  try {
    const reader = await arrow.RecordBatchReader.from(guarded);
    for await (const batch of reader) {
      const records: TransferRecord[] = [];
      for (let row = 0; row < batch.numRows; row += 1)
        records.push(recordFrom((name) => batch.getChild(name)?.get(row)));
      yield records;
    }
  } catch (error) {
    // What Arrow throws for bytes that are none of its own is of many kinds; the source's and our own errors pass as they are.
    if (sourceFailure !== undefined || error instanceof PitwallError) throw error;
    throw notAnExport(`it is no Arrow stream (${error instanceof Error ? error.message : String(error)})`);
  }
}

function schemaOf(arrow: Arrow) {
  return new arrow.Schema(RECORD_COLUMNS.map(([name, type]) => new arrow.Field(name, typeOf(arrow, type), true)));
}

function typeOf(arrow: Arrow, type: ColumnType) {
  if (type === 'string') return new arrow.Utf8();
  return type === 'boolean' ? new arrow.Bool() : new arrow.Float64();
}

function batchOf(arrow: Arrow, schema: ReturnType<typeof schemaOf>, records: readonly TransferRecord[]) {
  const children = RECORD_COLUMNS.map(([name, type]) => {
    const values = records.map((record) => record[name] ?? null);
    return arrow.vectorFromArray(values, typeOf(arrow, type)).data[0];
  });
  const data = arrow.makeData({
    type: new arrow.Struct(schema.fields),
    length: records.length,
    nullCount: 0,
    children: children.filter((child) => child !== undefined),
  });
  return new arrow.RecordBatch(schema, data);
}
