/**
 * One worker process, as a GenServer: starts it, attaches it to the pool's shared memory, asks after its health, stops it. When the process
 * ends, so does this, and its supervisor starts both again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import type * as Grpc from '@grpc/grpc-js';
import { PitwallError } from '../errors.ts';
import { type GenServer, next, type Self } from '../otp/index.ts';
import { WorkerClient } from './worker-client.ts';
import type { WorkerTable } from './worker-table.ts';

export interface WorkerProcessArgs {
  readonly index: number;
  readonly grpc: typeof Grpc;
  readonly table: WorkerTable;
  /** Program and arguments; `{address}` in an argument becomes the worker's address. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly socketPath: string;
  /** JSON of the arena's descriptor; undefined where the pool has no shared memory. */
  readonly arenaDescriptor: string | undefined;
  readonly startTimeoutMs: number;
  readonly onAttachFailed: (why: string) => void;
}

interface HealthCheck {
  readonly type: 'health_check';
}
interface Exited {
  readonly type: 'exited';
  readonly code: number | null;
  readonly signal: string | null;
}

interface State {
  readonly args: WorkerProcessArgs;
  readonly child: ChildProcess;
  readonly client: WorkerClient;
  readonly missed: number;
}

const HEALTH_EVERY_MS = 5_000;
/** Unanswered health checks until the process is taken for hung. A long handler that never yields misses some. */
const MISSES = 6;
const STOP_MS = 2_000;

export const workerProcess: GenServer<WorkerProcessArgs, State, never, never, HealthCheck | Exited> = {
  async init(args, self) {
    self.trapExit(true);
    rmSync(args.socketPath, { force: true });
    const child = spawnWorker(args);
    try {
      await ready(child, args.startTimeoutMs);
      const client = new WorkerClient(args.grpc, `unix:${args.socketPath}`);
      const attached = await attach(client, args);
      child.once('exit', (code, signal) => self.sendAfter({ type: 'exited', code, signal }, 0));
      if (child.exitCode !== null || child.signalCode !== null) throw exitedEarly(child);
      args.table.add({ index: args.index, pid: child.pid ?? 0, client, attached });
      self.sendAfter({ type: 'health_check' }, HEALTH_EVERY_MS);
      return next.ok({ args, child, client, missed: 0 });
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  },
  async handleInfo(message, state, self) {
    switch (message.type) {
      case 'health_check':
        return checkHealth(state, self);
      case 'exited':
        return next.stop({ type: 'worker_exited', code: message.code, signal: message.signal }, state);
      case 'EXIT':
        return next.stop(message.reason, state);
      case 'DOWN':
      case 'timeout':
        return next.noreply(state);
      default:
        return message satisfies never;
    }
  },
  async terminate(_reason, { args, child, client }) {
    args.table.remove(args.index);
    client.close();
    await stopWorker(child);
    rmSync(args.socketPath, { force: true });
  },
};

function spawnWorker({ command, env, socketPath }: WorkerProcessArgs): ChildProcess {
  const [program = process.execPath, ...rest] = command;
  const args = rest.map((argument) => argument.replaceAll('{address}', `unix:${socketPath}`));
  // Standard output would mix with the host's own: what a worker prints goes to standard error. Descriptor 3 says when it is ready.
  const child = spawn(program, args, { env, stdio: ['pipe', 2, 2, 'pipe'] });
  // A program that cannot be started says so here, and nowhere else.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.unref();
  for (const stream of child.stdio)
    if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  return child;
}

/** Waits for the worker's line on descriptor 3. */
function ready(child: ChildProcess, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (why: string): void => reject(new PitwallError('PITWALL_WORKER_NOT_STARTED', why));
    const timer = setTimeout(() => fail(`the worker was not ready within ${timeoutMs} ms`), timeoutMs);
    const channel = child.stdio[3];
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      done();
    };
    child.once('error', (error) => settle(() => fail(`the worker could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => settle(() => fail(`the worker ended at once (${signal ?? `code ${code}`})`)));
    channel?.on('error', () => undefined);
    channel?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const line = text.slice(0, text.indexOf('\n'));
      if (!text.includes('\n')) return;
      const answer: { ready?: unknown; problem?: unknown } = JSON.parse(line);
      settle(() => (answer.ready === true ? resolve() : fail(`the worker could not start: ${String(answer.problem)}`)));
    });
  });
}

/** A worker without shared memory still works: gRPC carries everything. */
async function attach(client: WorkerClient, { arenaDescriptor, onAttachFailed }: WorkerProcessArgs): Promise<boolean> {
  if (arenaDescriptor === undefined) {
    await client.health();
    return false;
  }
  const problem = await client.attach(arenaDescriptor);
  if (problem !== '') onAttachFailed(problem);
  return problem === '';
}

function exitedEarly(child: ChildProcess): PitwallError {
  return new PitwallError(
    'PITWALL_WORKER_NOT_STARTED',
    `the worker ended at once (${child.signalCode ?? `code ${child.exitCode}`})`,
  );
}

async function checkHealth(state: State, self: Self<never, never, HealthCheck | Exited>) {
  self.sendAfter({ type: 'health_check' }, HEALTH_EVERY_MS);
  try {
    await self.wait(state.client.health());
    state.args.table.trust(state.args.index);
    return next.noreply({ ...state, missed: 0 });
  } catch {
    const missed = state.missed + 1;
    return missed >= MISSES ? next.stop('worker_hangs', state) : next.noreply({ ...state, missed });
  }
}

/** Its input ends, then SIGTERM, then SIGKILL: each only if the one before did not help. */
function stopWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.ref();
    child.stdin?.end();
    child.kill('SIGTERM');
  });
}
