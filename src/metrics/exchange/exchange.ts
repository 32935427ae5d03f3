/** Export and import of a store, streaming: neither holds more than a few thousand records at a time. */
import { InvalidArgumentError } from '../../errors.ts';
import type { TransferRecord } from '../record.ts';
import type { MetricsStore, RecordsQuery } from '../store-types.ts';
import { arrowStream, readArrow } from './arrow.ts';
import { CsvReader, csvHeader, csvLine } from './csv.ts';
import { type ExportItem, entryLines, headerLine, JsonLinesReader, recordLine } from './json-lines.ts';

/** `jsonl` holds everything (records, thresholds, policies, baselines, experiments, models); `csv` and `arrow` hold records. */
export type ExchangeFormat = 'jsonl' | 'csv' | 'arrow';

export interface ExchangeProgress {
  readonly records: number;
  readonly entries: number;
  readonly bytes: number;
}

export interface ExportOptions {
  readonly format: ExchangeFormat;
  /** Which records; default all. */
  readonly records?: Omit<RecordsQuery, 'reverse'>;
  readonly onProgress?: (progress: ExchangeProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ImportOptions {
  readonly format: ExchangeFormat;
  readonly onProgress?: (progress: ExchangeProgress) => void;
  readonly signal?: AbortSignal;
  /** Leaves out records whose id is stored already, at the price of a look-up each. Default false: a second import doubles them. */
  readonly skipExisting?: boolean;
}

const RECORDS_AT_ONCE = 4096;
const FORMATS: readonly string[] = ['jsonl', 'csv', 'arrow'] satisfies ExchangeFormat[];

/** The bytes of an export. Rejects with the signal's reason when aborted. */
export async function* exportStore(store: MetricsStore, options: ExportOptions): AsyncGenerator<Uint8Array> {
  checkFormat(options.format);
  const tally = new Tally(options.onProgress);
  const batches = recordBatches(store, options, tally);
  for await (const bytes of options.format === 'arrow'
    ? arrowStream(batches)
    : textStream(store, options, batches, tally)) {
    tally.bytes += bytes.length;
    tally.tell();
    yield bytes;
  }
}

/**
 * Takes an export in. Resolves with what was taken. Rejects with PITWALL_IMPORT_INVALID or InvalidArgumentError at the first thing that is
 * no record or entry (what came before it is stored), and with what the store says.
 */
export async function importStore(
  store: MetricsStore,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<ExchangeProgress> {
  checkFormat(options.format);
  const tally = new Tally(options.onProgress);
  const counted = countBytes(source, tally, options.signal);
  if (options.format === 'arrow') {
    for await (const records of readArrow(counted)) await appendRecords(store, records, options, tally);
  } else await importText(store, counted, options, tally);
  await store.flush();
  return tally.progress();
}

class Tally {
  records = 0;
  entries = 0;
  bytes = 0;
  readonly #onProgress: ((progress: ExchangeProgress) => void) | undefined;

  constructor(onProgress: ((progress: ExchangeProgress) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  progress(): ExchangeProgress {
    return { records: this.records, entries: this.entries, bytes: this.bytes };
  }

  tell(): void {
    this.#onProgress?.(this.progress());
  }
}

async function* recordBatches(
  store: MetricsStore,
  options: ExportOptions,
  tally: Tally,
): AsyncGenerator<readonly TransferRecord[]> {
  let batch: TransferRecord[] = [];
  for (const record of store.records(options.records)) {
    batch.push(record);
    if (batch.length < RECORDS_AT_ONCE) continue;
    options.signal?.throwIfAborted();
    tally.records += batch.length;
    yield batch;
    batch = [];
    // An export must not hold the event loop of a host that is at work.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (batch.length > 0) {
    tally.records += batch.length;
    yield batch;
  }
}

async function* textStream(
  store: MetricsStore,
  options: ExportOptions,
  batches: AsyncIterable<readonly TransferRecord[]>,
  tally: Tally,
): AsyncGenerator<Uint8Array> {
  const csv = options.format === 'csv';
  yield Buffer.from(csv ? csvHeader() : headerLine());
  for await (const batch of batches) yield Buffer.from(batch.map(csv ? csvLine : recordLine).join(''));
  if (csv) return;
  for (const line of entryLines(store)) {
    options.signal?.throwIfAborted();
    tally.entries += 1;
    yield Buffer.from(line);
  }
}

async function importText(
  store: MetricsStore,
  source: AsyncIterable<Uint8Array>,
  options: ImportOptions,
  tally: Tally,
): Promise<void> {
  const decoder = new TextDecoder();
  const csv = new CsvReader();
  const lines = new JsonLinesReader();
  let batch: TransferRecord[] = [];
  const take = async (text: string, last: boolean): Promise<void> => {
    const items = options.format === 'csv' ? asItems(csv.read(text, last)) : lines.read(text, last);
    for (const item of items) {
      if (item.type === 'record') batch.push(item.record);
      else await putEntry(store, item, tally);
      if (batch.length < RECORDS_AT_ONCE) continue;
      const full = batch;
      batch = [];
      await appendRecords(store, full, options, tally);
    }
  };
  for await (const bytes of source) await take(decoder.decode(bytes, { stream: true }), false);
  await take(decoder.decode(), true);
  await appendRecords(store, batch, options, tally);
}

function* asItems(records: Iterable<TransferRecord>): Generator<ExportItem> {
  for (const record of records) yield { type: 'record', record };
}

async function putEntry(
  store: MetricsStore,
  item: Exclude<ExportItem, { type: 'record' }>,
  tally: Tally,
): Promise<void> {
  if (item.type === 'entry') await store.put(item.kind, item.key, item.value);
  else await store.putBytes(item.kind, item.key, item.value);
  tally.entries += 1;
}

async function appendRecords(
  store: MetricsStore,
  records: readonly TransferRecord[],
  options: ImportOptions,
  tally: Tally,
): Promise<void> {
  options.signal?.throwIfAborted();
  const fresh =
    options.skipExisting === true
      ? records.filter(({ transferId, pool }) => store.find(transferId, { pool }) === undefined)
      : records;
  await store.append(fresh);
  tally.records += fresh.length;
  tally.tell();
}

async function* countBytes(
  source: AsyncIterable<Uint8Array>,
  tally: Tally,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    signal?.throwIfAborted();
    tally.bytes += bytes.length;
    yield bytes;
  }
}

function checkFormat(format: string): void {
  if (!FORMATS.includes(format)) throw new InvalidArgumentError('format', format, "'jsonl', 'csv' or 'arrow'");
}
