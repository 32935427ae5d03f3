/** Reads a paired trace from a file, plain or gzipped. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InvalidArgumentError } from '../../errors.ts';
import { parseTraceLine, type TraceProblem, type TraceRow } from '../../learning/trace.ts';

export interface TraceFile {
  /** In the order of the file. */
  readonly rows: readonly TraceRow[];
  /** Lines that are no rows, by their number; at most the first 1 000. */
  readonly problems: readonly TraceProblem[];
}

const MAX_PROBLEMS = 1_000;

/** Rejects with InvalidArgumentError naming the file where it cannot be read, or is no gzip although its name ends so. */
export async function readTraceFile(path: string): Promise<TraceFile> {
  const rows: TraceRow[] = [];
  const problems: TraceProblem[] = [];
  let line = 0;
  try {
    for await (const text of createInterface({ input: open(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      line += 1;
      if (text.trim() === '') continue;
      const parsed = parseTraceLine(text);
      if (typeof parsed !== 'string') rows.push(parsed);
      else if (problems.length < MAX_PROBLEMS) problems.push({ line, problem: parsed });
    }
  } catch (error) {
    throw new InvalidArgumentError('trace', path, `a readable file of JSON lines (${describe(error)})`);
  }
  return { rows, problems };
}

function open(path: string): Readable {
  const file = createReadStream(path);
  // What goes wrong is told by the stream that is read.
  return path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
