/** `pitwall export` and `pitwall import`: records, thresholds, policies, as JSON lines, CSV or Arrow. Streaming: any amount in constant memory. */
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { InvalidArgumentError } from '../errors.ts';
import { type ExchangeFormat, type ExchangeProgress, exportStore, importStore } from '../metrics/exchange/exchange.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';
import { grouped, ProgressLine } from './progress-line.ts';

const FORMATS: readonly ExchangeFormat[] = ['jsonl', 'csv', 'arrow'];

export async function runExport(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'data-dir': DATA_DIR,
      pool: { type: 'string' },
      format: { type: 'string', default: 'jsonl' },
      out: { type: 'string' },
    },
  });
  const format = readFormat(values.format);
  const store = await openDataFolder(values['data-dir'], 'existing');
  try {
    const line = new ProgressLine(process.stderr);
    const records = values.pool === undefined ? {} : { pool: values.pool };
    // A host beside this may store more meanwhile: the bar then stands at 100 % for the rest.
    const total = store.count(records);
    let last = NOTHING;
    const onProgress = (now: ExchangeProgress): void => {
      last = now;
      line.show({ done: now.records, total, unit: 'records', count: now.records });
    };
    const source = Readable.from(exportStore(store, { format, records, onProgress }));
    if (values.out === undefined) await pipeline(source, process.stdout, { end: false });
    else await pipeline(source, createWriteStream(values.out));
    line.end(`exported: ${textOf(last)}`);
    return 0;
  } finally {
    await store.close();
  }
}

export async function runImport(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'data-dir': DATA_DIR,
      format: { type: 'string', default: 'jsonl' },
      again: { type: 'boolean', default: false },
    },
  });
  const [file] = positionals;
  if (file === undefined) throw new InvalidArgumentError('FILE', file, 'the path of an export');
  const format = readFormat(values.format);
  const store = await openDataFolder(values['data-dir'], 'create');
  try {
    const line = new ProgressLine(process.stderr);
    const total = sizeOf(file);
    let last = NOTHING;
    const onProgress = (now: ExchangeProgress): void => {
      last = now;
      line.show({ done: now.bytes, total, unit: 'records', count: now.records });
    };
    await importStore(store, createReadStream(file), { format, onProgress, skipExisting: !values.again });
    await store.flush();
    line.end(`imported: ${textOf(last)}`);
    return 0;
  } finally {
    await store.close();
  }
}

function readFormat(text: string): ExchangeFormat {
  const format = FORMATS.find((candidate) => candidate === text);
  if (format === undefined) throw new InvalidArgumentError('--format', text, FORMATS.join(', '));
  return format;
}

const NOTHING: ExchangeProgress = { records: 0, entries: 0, bytes: 0 };

/** Bytes of a file; undefined for what is no file and has no size, such as a pipe. */
function sizeOf(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? stats.size : undefined;
}

function textOf({ records, entries, bytes }: ExchangeProgress): string {
  return `${grouped(records)} records, ${grouped(entries)} entries, ${(bytes / 1e6).toFixed(1)} MB`;
}
