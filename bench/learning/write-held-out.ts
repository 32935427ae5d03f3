/**
 * Traces that the learner was not chosen on, from recordings of this machine (bench/learning/held-out.sh makes those):
 * `node scripts/run-ts.js bench/learning/write-held-out.ts RECORDINGS OUT_DIRECTORY`. Each recording as it is, with single sends in place of the median of three,
 * and changes half-way from each state to the next, both ways.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TraceRow } from '../../src/learning/trace.ts';
import { concatenated, firstHalf, lineOf, readSingleSends, readTrace, secondHalf } from './traces.ts';

const [from = '.', to = '.'] = process.argv.slice(2);
mkdirSync(to, { recursive: true });
const write = (name: string, rows: readonly TraceRow[]): void => {
  writeFileSync(join(to, `${name}.jsonl.gz`), gzipSync(rows.map(lineOf).join('\n')));
  console.log(`${name}: ${rows.length} rows`);
};
const names = readdirSync(from)
  .filter((name) => name.endsWith('.jsonl.gz'))
  .map((name) => name.slice(0, -'.jsonl.gz'.length));
const traces = new Map(names.map((name) => [name, readTrace(join(from, `${name}.jsonl.gz`))]));
for (const [name, rows] of traces) {
  write(name, rows);
  write(`${name}-single-sends`, readSingleSends(join(from, `${name}.jsonl.gz`)));
}
for (const [index, name] of names.entries()) {
  const next = names[(index + 1) % names.length] ?? name;
  for (const [before, after] of [
    [name, next],
    [next, name],
  ] as const) {
    if (before !== after)
      write(
        `${before}-then-${after}`,
        concatenated(firstHalf(traces.get(before) ?? []), secondHalf(traces.get(after) ?? [])),
      );
  }
}
