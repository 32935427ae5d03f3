/** `pitwall export` and `pitwall import`: records, thresholds, policies, as JSON lines, CSV or Arrow. Streaming: any amount in constant memory. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { InvalidArgumentError } from '../errors.ts';
import { type ExchangeFormat, type ExchangeProgress, exportStore, importStore } from '../metrics/exchange/exchange.ts';
import { DATA_DIR, openDataFolder } from './data-folder.ts';

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
    const progress = new Progress();
    const records = values.pool === undefined ? {} : { pool: values.pool };
    const source = Readable.from(exportStore(store, { format, records, onProgress: (now) => progress.show(now) }));
    if (values.out === undefined) await pipeline(source, process.stdout, { end: false });
    else await pipeline(source, createWriteStream(values.out));
    progress.end('exported');
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
    const progress = new Progress();
    const onProgress = (now: ExchangeProgress): void => progress.show(now);
    await importStore(store, createReadStream(file), { format, onProgress, skipExisting: !values.again });
    await store.flush();
    progress.end('imported');
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

/** One line on standard error that counts up; nothing but the last word where nobody watches. */
class Progress {
  #last: ExchangeProgress = { records: 0, entries: 0, bytes: 0 };

  show(now: ExchangeProgress): void {
    this.#last = now;
    if (process.stderr.isTTY) process.stderr.write(`\r${this.#text()}`);
  }

  end(what: string): void {
    process.stderr.write(`${process.stderr.isTTY ? '\r' : ''}${what}: ${this.#text()}\n`);
  }

  #text(): string {
    const { records, entries, bytes } = this.#last;
    return `${records} records, ${entries} entries, ${(bytes / 1e6).toFixed(1)} MB`;
  }
}
