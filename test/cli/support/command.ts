/** Runs the built command as its user does, as a process of its own, and ends every process that it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** Resolves with the first line, past or to come, that satisfies the question; rejects when the process ends before. */
  line(question: (line: string) => boolean): Promise<string>;
  /** Everything it said so far. */
  readonly out: () => string;
  readonly ended: Promise<Ended>;
}

const running = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of [...running]) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  }
});

export function start(command: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  let out = '';
  let err = '';
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of [...listeners]) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    tell();
  });
  const ended = once(child, 'close').then(([code]: (number | null)[]): Ended => {
    running.delete(child);
    tell();
    return { code: code ?? null, out, err };
  });
  const line = (question: (line: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = lines.find(question);
        if (found === undefined && running.has(child)) return;
        listeners.delete(check);
        if (found === undefined) reject(new Error(`it ended before it said so: ${out}${err}`));
        else resolve(found);
      };
      listeners.add(check);
      check();
    });
  return { process: child, line, out: () => out, ended };
}

/** `pitwall …`, as it runs. */
export function startPitwall(args: readonly string[], env?: Record<string, string>): Running {
  return start(process.execPath, ['--unhandled-rejections=strict', 'dist/cli/main.js', ...args], env);
}

/** `pitwall …`, to its end. */
export function pitwall(...args: string[]): Promise<Ended> {
  return startPitwall(args).ended;
}
