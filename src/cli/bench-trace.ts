/** `pitwall bench --trace FILE`: payloads sent by both lanes, one line each, as they are measured. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { BenchmarkLanes } from '../actors/benchmark-burst.ts';
import { sendPaired } from '../actors/paired-row.ts';
import { createResourceSampler } from '../actors/resource-sampler.ts';
import { Throttle } from '../metrics/analysis/benchmark/throttle.ts';
import { TraceMix } from '../metrics/analysis/benchmark/trace-mix.ts';
import { EXIT } from './command.ts';
import { ProgressLine } from './progress-line.ts';

export interface TraceOptions {
  readonly lanes: BenchmarkLanes;
  readonly file: string;
  readonly rows: number;
  readonly seed: number;
  readonly share: number;
  /** Aborted: the rows so far are kept. */
  readonly signal: AbortSignal;
}

/** Sends of each payload by each lane: a single one is luck as much as it is lane. */
const ROUNDS = 3;
/** Runs before the first that is written; of a trace that is shorter, as many as it has. */
const WARM_UP_RUNS = 40;
/** Runs without a single row after which there is nothing to wait for. */
const FAILING_AFTER = 20;

/** @returns the exit code */
export async function recordTrace(options: TraceOptions): Promise<number> {
  const { file, rows, seed, share, signal, lanes } = options;
  const output = openLines(file);
  const sampler = createResourceSampler({ shmDir: undefined, clock: { now: () => Date.now() } });
  const line = new ProgressLine(process.stderr);
  const throttle = new Throttle(share);
  let written = 0;
  let failed = 0;
  let lost = 0;
  const measure = async (mix: TraceMix, startedMs: number, most: number, rounds: number): Promise<number> => {
    const atMs = (): number => performance.now() - startedMs;
    const run = await sendPaired(mix.next(), mix, {
      lanes,
      seed,
      rounds,
      signal,
      atMs,
      sample: () => sampler.sample(),
    });
    failed += run.failed;
    lost = run.rows.length === 0 ? lost + 1 : 0;
    for (const row of run.rows.slice(0, most)) await output.write(JSON.stringify(row));
    await rest(throttle.worked(run.busyMs), signal);
    return Math.min(most, run.rows.length);
  };
  try {
    const warmUp = new TraceMix(seed + 1);
    for (let run = 0; run < Math.min(rows, WARM_UP_RUNS) && lost < FAILING_AFTER; run += 1)
      await measure(warmUp, performance.now(), 0, 1);
    const mix = new TraceMix(seed);
    const startedMs = performance.now();
    while (written < rows && lost < FAILING_AFTER) {
      written += await measure(mix, startedMs, rows - written, ROUNDS);
      line.show({ done: written, total: rows, unit: 'rows', count: written });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    sampler.stop();
    await output.end();
  }
  line.end(`${written} rows in ${file}${failed > 0 ? `, ${failed} transfers failed` : ''}`);
  return lost < FAILING_AFTER ? EXIT.ok : EXIT.no;
}

interface Lines {
  /** Resolves when there is room for the next. */
  write(line: string): Promise<void>;
  /** Resolves when all of it is in the file. @throws what kept it from being written */
  end(): Promise<void>;
}

function openLines(file: string): Lines {
  const sink = createWriteStream(file);
  const done = finished(sink);
  // Told where it is awaited; a disk that fails in between must not end the process.
  done.catch(() => undefined);
  const gzip = file.endsWith('.gz') ? createGzip() : undefined;
  gzip?.pipe(sink);
  const target = gzip ?? sink;
  return {
    async write(line) {
      if (sink.errored) throw sink.errored;
      if (!target.write(`${line}\n`)) await Promise.race([once(target, 'drain'), done]);
    },
    async end() {
      target.end();
      await done;
    },
  };
}

/** Ends early when it is interrupted. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over, { once: true });
  });
}
