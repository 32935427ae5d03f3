/** Runs an example as its reader does, as a process of its own, and leaves nothing of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface RunningExample {
  readonly process: ChildProcess;
  /** Its data and temporary files are here. */
  readonly folder: string;
  /** The first line that matches; rejects when it ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

export function runExample(path: string, env: Record<string, string> = {}): RunningExample {
  const folder = mkdtempSync(join(tmpdir(), 'pitwall-example-'));
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', 'scripts/run-ts.js', path], {
    env: { ...process.env, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, out, err }));
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const lines = createInterface({ input: child.stdout });
  return {
    process: child,
    folder,
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          const found = pattern.exec(line);
          if (found) resolve(found);
        });
        void ended.then(({ code }) => reject(new Error(`ended with ${code} before it said ${pattern}: ${out}${err}`)));
      }),
  };
}

/** Processes below one, all the way down. Linux. */
export function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [...children, ...children.flatMap(descendants)];
}

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Files of a folder, with all below it. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

export async function until(check: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
