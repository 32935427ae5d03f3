/** Traces for the learning benchmarks: the recorded ones, and regimes that change half-way, made of halves of different ones. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseTrace, type TraceRow } from '../../src/learning/trace.ts';

export function readTrace(path: string): TraceRow[] {
  const bytes = readFileSync(path);
  return parseTrace((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')).rows;
}

/** Single sends instead of medians of three: noisier, and closer to live traffic. */
export function readSingleSends(path: string): TraceRow[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row = JSON.parse(line);
      for (const lane of [row.grpc, row.zeroCopy]) lane.latencyUs = lane.sendsUs[0];
      return JSON.stringify(row);
    });
  return parseTrace(lines.join('\n')).rows;
}

/** A row as a line of a trace file. */
export function lineOf({ atMs, grpcUs, zeroCopyUs, grpcCpuUs, zeroCopyCpuUs, compression, ...row }: TraceRow): string {
  return JSON.stringify({
    t: atMs,
    ...row,
    compression: compression ? 'gzip' : 'none',
    grpc: { latencyUs: grpcUs, cpuUs: grpcCpuUs },
    zeroCopy: { latencyUs: zeroCopyUs, cpuUs: zeroCopyCpuUs },
  });
}

export function concatenated(first: readonly TraceRow[], second: readonly TraceRow[]): TraceRow[] {
  const offsetMs = (first.at(-1)?.atMs ?? 0) + 1000 - (second[0]?.atMs ?? 0);
  return [...first, ...second.map((row) => ({ ...row, atMs: row.atMs + offsetMs }))];
}

export const firstHalf = (rows: readonly TraceRow[]): TraceRow[] => rows.slice(0, rows.length >> 1);
export const secondHalf = (rows: readonly TraceRow[]): TraceRow[] => rows.slice(rows.length >> 1);
const unknownWarmth = (rows: readonly TraceRow[]): TraceRow[] => rows.map((row) => ({ ...row, warmBytes: undefined }));
const scaled = (
  rows: readonly TraceRow[],
  grpc: number,
  zeroCopy: number,
  byType: Record<string, number> = {},
): TraceRow[] =>
  rows.map((row) => {
    const factor = byType[row.dataType] ?? 1;
    return { ...row, grpcUs: row.grpcUs * grpc * factor, zeroCopyUs: row.zeroCopyUs * zeroCopy * factor };
  });

/** Every trace that the learner is judged on, by name. */
export function allTraces(directory: string): Map<string, TraceRow[]> {
  const path = (name: string): string => join(directory, name);
  const fresh = readTrace(path('fresh.jsonl.gz'));
  const arena = readTrace(path('arena.jsonl'));
  const mixed = readTrace(path('mixed.jsonl'));
  const tuned = readTrace(path('tuned.jsonl'));
  return new Map([
    ['fresh', fresh],
    ['arena', arena],
    ['mixed', mixed],
    ['tuned', tuned],
    ['fresh > arena', concatenated(firstHalf(fresh), secondHalf(arena))],
    ['arena > fresh', concatenated(firstHalf(arena), secondHalf(fresh))],
    ['tuned > fresh', concatenated(unknownWarmth(firstHalf(tuned)), secondHalf(fresh))],
    ['fresh > tuned', concatenated(firstHalf(fresh), unknownWarmth(secondHalf(tuned)))],
    ['mixed > tuned', concatenated(firstHalf(mixed), secondHalf(tuned))],
    ['fresh, single sends', readSingleSends(path('fresh.jsonl.gz'))],
    ['mixed, single sends', readSingleSends(path('mixed.jsonl'))],
    // Other machines: made, not recorded. A gRPC that is quicker, a zero-copy that is slower, a worker that is slow at some types.
    ['mixed, grpc x 0.8', scaled(mixed, 0.8, 1)],
    ['arena, zero-copy x 1.25', scaled(arena, 1, 1.25)],
    ['tuned, all x 3', scaled(tuned, 3, 3, { json: 2, dataframe: 3 })],
    ['mixed > all x 3, grpc x 0.7', concatenated(firstHalf(mixed), scaled(secondHalf(mixed), 2.1, 3))],
  ]);
}
