/** Starts processes that use the built store (fixtures/child.js), and ends every one of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

export interface ChildEvent {
  readonly durable?: number;
  readonly warning?: string;
  readonly held?: number;
  readonly readers?: number;
  readonly refusal?: string;
  readonly status?: { readonly kind: string; readonly reason?: string };
  readonly code?: number;
  readonly before?: number;
  readonly after?: number;
  readonly total?: number;
  readonly here?: number;
}

export interface StoreChild {
  readonly process: ChildProcess;
  readonly events: ChildEvent[];
  /** Resolves with the first event, past or to come, that satisfies the question; rejects when the process ends before. */
  until(question: (event: ChildEvent) => boolean): Promise<ChildEvent>;
  /** Resolves with exit code and signal. */
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;
  kill(): Promise<void>;
}

const file = fileURLToPath(new URL('../fixtures/child.js', import.meta.url));

export function children() {
  const running: StoreChild[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) await child.kill();
  });
  return (...args: string[]): StoreChild => {
    const child = startChild(args);
    running.push(child);
    return child;
  };
}

function startChild(args: readonly string[]): StoreChild {
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: ChildEvent[] = [];
  const listeners = new Set<() => void>();
  const ended = once(child, 'close').then(([code, signal]) => {
    for (const listener of listeners) listener();
    return [code, signal] as const;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line));
    for (const listener of listeners) listener();
  });
  return {
    process: child,
    events,
    ended,
    until: (question) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = events.find(question);
          if (found !== undefined) resolve(found);
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(new Error(`the process ended: ${child.exitCode} ${child.signalCode}`));
          else return;
          listeners.delete(check);
        };
        listeners.add(check);
        check();
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
