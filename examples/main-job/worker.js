// What the worker processes do. Each handler reads its whole payload, whichever lane it came through.
import { createHash } from 'node:crypto';
import { defineWorker } from 'pitwall/transports';

export default defineWorker({
  /** Mean and standard deviation of a tensor. @param {any} tensor */
  normalize(tensor) {
    const { data } = tensor;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < data.length; i += 1) {
      sum += data[i];
      squares += data[i] * data[i];
    }
    const mean = sum / data.length;
    return { mean, deviation: Math.sqrt(Math.max(0, squares / data.length - mean * mean)), count: data.length };
  },

  /** Rows and the sum of every numeric column of a table. @param {any} table */
  summarize(table) {
    const sums = {};
    for (const field of table.schema.fields) {
      let sum = 0;
      for (const value of table.getChild(field.name)?.toArray() ?? []) sum += Number(value) || 0;
      sums[field.name] = sum;
    }
    return { rows: table.numRows, sums };
  },

  /** How often each field occurs in a document of rows. @param {any} rows */
  countFields(rows) {
    const counts = {};
    for (const row of rows) for (const key of Object.keys(row ?? {})) counts[key] = (counts[key] ?? 0) + 1;
    return { rows: rows.length, counts };
  },

  /** SHA-1 of raw bytes. @param {any} bytes */
  digest(bytes) {
    return createHash('sha1').update(bytes).digest('hex');
  },
});
