/**
 * Writes the traces that the learner is chosen on as files, so that every program judges the same rows:
 * `node scripts/run-ts.js bench/learning/write-traces.ts TRACE_DIRECTORY OUT_DIRECTORY`. They are the recorded ones, and regimes that change half-way.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { allTraces, lineOf } from './traces.ts';

const [from = '.', to = '.'] = process.argv.slice(2);
mkdirSync(to, { recursive: true });
for (const [name, rows] of allTraces(from)) {
  const file = `${name.replaceAll(' > ', '-then-').replaceAll(/[ ,]+/g, '-')}.jsonl.gz`;
  writeFileSync(join(to, file), gzipSync(rows.map(lineOf).join('\n')));
  console.log(`${file}: ${rows.length} rows`);
}
