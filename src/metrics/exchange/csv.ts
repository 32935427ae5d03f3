/** Records as CSV (RFC 4180): a header line, one line a record, undefined as nothing, the empty string as `""`. */

import type { TransferRecord } from '../record.ts';
import { type ColumnType, notAnExport, RECORD_COLUMNS, recordFrom } from './record-columns.ts';

export function csvHeader(): string {
  return `${RECORD_COLUMNS.map(([name]) => name).join(',')}\n`;
}

export function csvLine(record: TransferRecord): string {
  return `${RECORD_COLUMNS.map(([name]) => csvField(record[name])).join(',')}\n`;
}

function csvField(value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Longest line that is taken, characters: a file that is no CSV must not fill the memory. */
const MAX_LINE = 1 << 20;

/** Reads CSV in pieces of any length. Columns go by the header's names, in any order. */
export class CsvReader {
  #text = '';
  #header: readonly string[] | undefined;

  /** Records that the text so far completes; `last`: nothing follows. */
  *read(text: string, last: boolean): Generator<TransferRecord> {
    this.#text += text;
    let from = 0;
    for (;;) {
      const end = lineEnd(this.#text, from, last);
      if (end < 0) break;
      const fields = splitLine(this.#text.slice(from, end));
      from = end + 1;
      if (fields.length === 1 && fields[0] === undefined) continue;
      if (this.#header === undefined) this.#header = checkHeader(fields);
      else yield toRecord(this.#header, fields);
    }
    this.#text = this.#text.slice(from);
    if (this.#text.length > MAX_LINE) throw notAnExport('a line is longer than a megabyte');
  }
}

/** Position of the line break that ends a line, not one within quotes; the text's end counts where nothing follows. */
function lineEnd(text: string, from: number, last: boolean): number {
  let quoted = false;
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 34) quoted = !quoted;
    else if (code === 10 && !quoted) return index;
  }
  return last && from < text.length ? text.length : -1;
}

function splitLine(line: string): (string | undefined)[] {
  const fields: (string | undefined)[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\r]*))(?:,|\r?$)/gy;
  while (field.lastIndex <= line.length) {
    const match = field.exec(line);
    if (match === null) throw notAnExport('a line has a stray quote');
    const [whole, quoted, plain] = match;
    fields.push(quoted === undefined ? plain || undefined : quoted.replaceAll('""', '"'));
    if (!whole.endsWith(',')) return fields;
  }
  return fields;
}

function checkHeader(fields: readonly (string | undefined)[]): readonly string[] {
  const names = fields.map((field) => field ?? '');
  for (const required of ['transferId', 'timestampUs', 'pool', 'latencyUs']) {
    if (!names.includes(required)) throw notAnExport(`its header has no column ${required}`);
  }
  return names;
}

const TYPES = new Map<string, ColumnType>(RECORD_COLUMNS);

function toRecord(header: readonly string[], fields: readonly (string | undefined)[]): TransferRecord {
  return recordFrom((name) => {
    const text = fields[header.indexOf(name)];
    if (text === undefined) return undefined;
    const type = TYPES.get(name);
    if (type === 'number') return Number(text);
    return type === 'boolean' ? text === 'true' : text;
  });
}
