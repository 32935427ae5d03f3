/** Long reads on behalf of a `metrics_store`: in slices, so that neither its mailbox nor the host's event loop waits for them. */
import { InvalidArgumentError, PitwallError } from '../errors.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { MetricsStore, RecordsQuery } from '../metrics/store-types.ts';

/** Records that one answer may hold. */
export const MAX_RECORDS_PER_CALL = 20_000;
/** Reads under way at once; the next ones wait. */
export const MAX_READS = 4;
/** Reads that may wait. */
export const MAX_WAITING_READS = 1024;
/** Time that one slice takes at most, but for the block it opens, milliseconds. */
const SLICE_MS = 2;
/** Records between two looks at the clock. */
const STRIDE = 32;

export class StoreReads {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Runs a read when it is its turn. Rejects as it does, and with PITWALL_STORE_BUSY where too many wait already. */
  async run<T>(read: () => Promise<T>): Promise<T> {
    if (this.#running >= MAX_READS) {
      if (this.#waiting.length >= MAX_WAITING_READS) {
        throw new PitwallError('PITWALL_STORE_BUSY', `${MAX_WAITING_READS} reads wait already; ask later.`);
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await read();
    } finally {
      // The turn is handed over: who waits takes this place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** Records of a query. Rejects with InvalidArgumentError, and with what the store says. */
export async function readRecords(store: MetricsStore, query: RecordsQuery): Promise<readonly TransferRecord[]> {
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
