// Real payloads of a wanted size, cut from the files of vega-datasets: tensors and tables of flights, documents, raw files.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { tensor } from 'pitwall/transports';

const DATA = path.join(path.dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data');
const DOCUMENTS = ['movies.json', 'earthquakes.json', 'football.json', 'jobs.json', 'flights-20k.json'];
const FILES = ['flights-3m.parquet', 'zipcodes.csv', 'birdstrikes.csv', 'species.csv', 'gimp.png', '7zip.png'];

/** Above these sizes a kind would no longer look like what people send. */
const LARGEST = { json: 4 * 2 ** 20, dataframe: 16 * 2 ** 20 };

/**
 * @typedef {{ command: string, dataType: string, size: number, payload: unknown }} Job
 * @typedef {{ make(kind: string, size: number): Job }} PayloadSource
 */

/**
 * Loads the files once. `largest` bounds the tensors and blobs, bytes.
 * @param {number} largest
 * @returns {Promise<PayloadSource>}
 */
export async function loadPayloads(largest) {
  const arrow = tableFromIPC(await readFile(path.join(DATA, 'flights-200k.arrow')));
  const documents = await Promise.all(DOCUMENTS.map(loadRows));
  const blob = tile(Buffer.concat(await Promise.all(FILES.map((name) => readFile(path.join(DATA, name))))), largest);
  const numbers = numbersOf(arrow, largest);
  return {
    make(kind, size) {
      if (kind === 'tensor') return tensorJob(numbers, size);
      if (kind === 'dataframe') return dataframeJob(arrow, Math.min(size, LARGEST.dataframe));
      if (kind === 'json') return jsonJob(documents, Math.min(size, LARGEST.json));
      return { command: 'digest', dataType: 'binary', size, payload: blob.subarray(0, size) };
    },
  };
}

/** @param {string} name */
async function loadRows(name) {
  const parsed = JSON.parse(await readFile(path.join(DATA, name), 'utf8'));
  const rows = Array.isArray(parsed) ? parsed : (Object.values(parsed).find(Array.isArray) ?? [parsed]);
  return { rows, bytesPerRow: JSON.stringify(rows).length / rows.length };
}

/**
 * Every numeric column of the table, one after the other, repeated up to `largest` bytes with a factor near one per tile, so that
 * no tile is the copy of another.
 * @param {import('apache-arrow').Table} table
 * @param {number} largest
 */
function numbersOf(table, largest) {
  const columns = table.schema.fields.map((field) => table.getChild(field.name)?.toArray() ?? []);
  const source = Float32Array.from(columns.flatMap((column) => Array.from(column, Number)));
  const numbers = new Float32Array(Math.floor(largest / 4));
  for (let start = 0, tileNumber = 0; start < numbers.length; start += source.length, tileNumber += 1) {
    const factor = 1 + (tileNumber % 97) / 1000;
    const end = Math.min(numbers.length, start + source.length);
    for (let i = start; i < end; i += 1) numbers[i] = (source[i - start] ?? 0) * factor;
  }
  return numbers;
}

/**
 * @param {Buffer} bytes
 * @param {number} size
 */
function tile(bytes, size) {
  const tiled = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += bytes.length) bytes.copy(tiled, at, 0, Math.min(bytes.length, size - at));
  return tiled;
}

/**
 * @param {Float32Array} numbers
 * @param {number} size
 * @returns {Job}
 */
function tensorJob(numbers, size) {
  const rows = Math.max(1, Math.floor(size / 4 / 16));
  return {
    command: 'normalize',
    dataType: 'tensor',
    size,
    payload: tensor(numbers.subarray(0, rows * 16), [rows, 16]),
  };
}

/**
 * @param {import('apache-arrow').Table} table
 * @param {number} size
 * @returns {Job}
 */
function dataframeJob(table, size) {
  const bytesPerRow = 8;
  const rows = Math.max(1, Math.floor(size / bytesPerRow));
  let payload = table.slice(0, Math.min(rows, table.numRows));
  while (payload.numRows < rows) payload = payload.concat(table.slice(0, rows - payload.numRows));
  return { command: 'summarize', dataType: 'dataframe', size, payload };
}

/**
 * @param {{ rows: unknown[], bytesPerRow: number }[]} documents
 * @param {number} size
 * @returns {Job}
 */
function jsonJob(documents, size) {
  const document = documents[size % documents.length] ?? documents[0];
  if (!document) throw new Error('no documents were loaded');
  const wanted = Math.max(1, Math.round(size / document.bytesPerRow));
  const payload = [];
  while (payload.length < wanted) payload.push(...document.rows.slice(0, wanted - payload.length));
  return { command: 'countFields', dataType: 'json', size, payload };
}
