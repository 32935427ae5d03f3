/** Reads of many records on behalf of a `metrics_store`: in slices, so that neither its mailbox nor the host's event loop waits for them. */
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { MetricsStore, RecordsQuery } from '../metrics/store-types.ts';

/** Records that one answer may hold. */
export const MAX_RECORDS_PER_CALL = 20_000;
/** Reads that may be under way at once. */
export const MAX_RECORD_READS = 16;
/** Time that one slice takes at most, but for the block it opens, milliseconds. */
const SLICE_MS = 2;
/** Records between two looks at the clock. */
const STRIDE = 32;

export class RecordReads {
  #running = 0;

  /** Rejects with InvalidArgumentError, with PITWALL_STORE_BUSY beyond the bound, and with what the store says. */
  async read(store: MetricsStore, query: RecordsQuery): Promise<readonly TransferRecord[]> {
    if (this.#running >= MAX_RECORD_READS) {
      throw new PitwallError('PITWALL_STORE_BUSY', `${MAX_RECORD_READS} reads of records are under way; ask later.`);
    }
    this.#running += 1;
    try {
      return await readInSlices(store, query);
    } finally {
      this.#running -= 1;
    }
  }
}

async function readInSlices(store: MetricsStore, query: RecordsQuery): Promise<readonly TransferRecord[]> {
  const records: TransferRecord[] = [];
  const found = store.records({ ...query, limit: limitOf(query) });
  let sliceEndMs = performance.now() + SLICE_MS;
  for (const record of found) {
    records.push(record);
    if (records.length % STRIDE !== 0 || performance.now() < sliceEndMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sliceEndMs = performance.now() + SLICE_MS;
  }
  return records;
}

function limitOf({ limit = MAX_RECORDS_PER_CALL }: RecordsQuery): number {
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_RECORDS_PER_CALL) {
    throw new InvalidArgumentError('limit', limit, `an integer in 0..${MAX_RECORDS_PER_CALL}`);
  }
  return limit;
}
