/**
 * Everything a store holds as JSON lines, one object a line, told apart by `type`: `export` (the first line), `record`, `entry` (a named
 * JSON value), `bytes` (a named value of bytes, base64) and `event` (a named value of the analyzer's log).
 */
import type { JsonValue } from '../../learning/types.ts';
import type { TransferRecord } from '../record.ts';
import type { MetricsStore, StoreKind } from '../store-types.ts';
import { notAnExport, recordFrom } from './record-columns.ts';

export const EXPORT_VERSION = 1;
/** Of `entry` and `bytes` lines. Events are a type of their own: a reader older than they are passes over it. */
export const KINDS: readonly StoreKind[] = ['thresholds', 'policies', 'baselines', 'experiments', 'models', 'machines'];

export type ExportItem =
  | { readonly type: 'record'; readonly record: TransferRecord }
  | { readonly type: 'entry'; readonly kind: StoreKind; readonly key: string; readonly value: JsonValue }
  | { readonly type: 'bytes'; readonly kind: StoreKind; readonly key: string; readonly value: Uint8Array };

export function headerLine(): string {
  return `${JSON.stringify({ type: 'export', of: 'pitwall', version: EXPORT_VERSION })}\n`;
}

export function recordLine(record: TransferRecord): string {
  return `${JSON.stringify({ type: 'record', ...record })}\n`;
}

export function* entryLines(store: MetricsStore): Generator<string> {
  for (const kind of KINDS) {
    for (const [key, value] of store.entries(kind)) yield `${JSON.stringify({ type: 'entry', kind, key, value })}\n`;
    for (const [key, value] of store.entriesOfBytes(kind)) {
      const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
      yield `${JSON.stringify({ type: 'bytes', kind, key, base64 })}\n`;
    }
  }
  for (const [key, value] of store.entries('events')) yield `${JSON.stringify({ type: 'event', key, value })}\n`;
}

/** Longest line that is taken, characters: a model of 256 MB in base64 fits. */
const MAX_LINE = 400_000_000;

/** Reads JSON lines in pieces of any length. */
export class JsonLinesReader {
  #rest = '';
  #started = false;

  *read(text: string, last: boolean): Generator<ExportItem> {
    const lines = (this.#rest + text).split('\n');
    this.#rest = last ? '' : (lines.pop() ?? '');
    if (this.#rest.length > MAX_LINE) throw notAnExport('a line is too long');
    for (const line of lines) {
      if (line.trim() === '') continue;
      const item = this.#item(parse(line));
      if (item !== undefined) yield item;
    }
  }

  #item(line: ReadonlyMap<string, unknown>): ExportItem | undefined {
    const type = line.get('type');
    if (!this.#started) {
      if (type !== 'export' || line.get('of') !== 'pitwall') throw notAnExport('its first line does not say so');
      if (line.get('version') !== EXPORT_VERSION)
        throw notAnExport(`version ${String(line.get('version'))} is not known`);
      this.#started = true;
      return undefined;
    }
    if (type === 'record') return { type, record: recordFrom((name) => line.get(name)) };
    if (type !== 'entry' && type !== 'bytes' && type !== 'event') return undefined; // a newer version's
    const kind = type === 'event' ? 'events' : KINDS.find((known) => known === line.get('kind'));
    const key = line.get('key');
    if (kind === undefined || typeof key !== 'string') throw notAnExport('an entry has no kind or key');
    if (type === 'bytes') {
      const base64 = line.get('base64');
      if (typeof base64 !== 'string') throw notAnExport('an entry has no bytes');
      return { type, kind, key, value: new Uint8Array(Buffer.from(base64, 'base64')) };
    }
    return { type: 'entry', kind, key, value: line.get('value') as JsonValue }; // it came out of JSON.parse
  }
}

function parse(line: string): ReadonlyMap<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw notAnExport('a line is no JSON');
  }
  if (typeof value !== 'object' || value === null) throw notAnExport('a line is no object');
  return new Map(Object.entries(value));
}
