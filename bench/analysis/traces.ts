/** Recorded transfers as weeks without change: blocks of one kind's rows in the order they were measured, drawn again and again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sizeBand } from '../../src/metrics/size-band.ts';
import type { Random, Source, Transfer } from './sources.ts';

const FILES = ['fresh.jsonl.gz', 'arena.jsonl', 'mixed.jsonl', 'tuned.jsonl'];
/** Kinds of fewer rows say too little. */
const MIN_ROWS = 80;

/** Rows of each kind (trace, lane, type, compression, size band), first sends: single, as live traffic is. */
export function recordedKinds(directory: string): Transfer[][] {
  const kinds = new Map<string, Transfer[]>();
  for (const file of FILES) {
    const bytes = readFileSync(join(directory, file));
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const row = JSON.parse(line);
      for (const lane of ['grpc', 'zeroCopy']) {
        const key = [file, lane, row.dataType, row.compression, sizeBand(row.dataSize)].join();
        const { dataSize, inFlight, systemLoad } = row;
        const transfer: Transfer = { latencyUs: row[lane].sendsUs[0], dataSize, inFlight, systemLoad };
        const rows = kinds.get(key);
        if (rows === undefined) kinds.set(key, [transfer]);
        else rows.push(transfer);
      }
    }
  }
  return [...kinds.values()].filter((rows) => rows.length >= MIN_ROWS);
}

/** @param given whether size, transfers in flight and load are told */
export function bootstrap(random: Random, rows: readonly Transfer[], block: number, given: boolean): Source {
  let at = 0;
  let left = 0;
  return (transfer, factor) => {
    if (left === 0) {
      at = Math.floor(random.uniform() * rows.length);
      left = block;
    }
    left -= 1;
    const row = rows[at % rows.length];
    at += 1;
    if (row === undefined) return;
    transfer.latencyUs = row.latencyUs * factor;
    if (given) Object.assign(transfer, { dataSize: row.dataSize, inFlight: row.inFlight, systemLoad: row.systemLoad });
  };
}
