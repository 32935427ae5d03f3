/** Starts a worker's program and awaits its word that it is ready; ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { PitwallError } from '../errors.ts';

export interface WorkerProgram {
  /** Program and arguments; `{address}` in an argument becomes the address to listen on. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Unix socket; undefined: a port on loopback that the worker chooses. */
  readonly socketPath: string | undefined;
  /** What callers must show, where there is no folder that keeps them out; the worker finds it in its environment. */
  readonly token: string | undefined;
}

const LOOPBACK = '127.0.0.1';
const STOP_MS = 2_000;
/** The ready line is short; what never ends is none. */
const MAX_LINE = 65_536;

export function spawnWorker({ command, env, socketPath, token }: WorkerProgram): ChildProcess {
  const [program = process.execPath, ...rest] = command;
  const address = socketPath === undefined ? `${LOOPBACK}:0` : `unix:${socketPath}`;
  const args = rest.map((argument) => argument.replaceAll('{address}', address));
  // Standard output would mix with the host's own: what a worker prints goes to standard error. Descriptor 3 says when it is ready.
  const child = spawn(program, args, {
    env: { ...env, ...(token !== undefined && { PITWALL_WORKER_TOKEN: token }) },
    stdio: ['pipe', 2, 2, 'pipe'],
    windowsHide: true,
  });
  // A program that cannot be started says so here, and nowhere else.
  child.on('error', () => undefined);
  child.unref();
  for (const stream of child.stdio) {
    stream?.on('error', () => undefined);
    if (stream && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
  return child;
}

/** Waits for the worker's line on descriptor 3. @returns the address that it serves */
export function whenReady(child: ChildProcess, program: WorkerProgram, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const channel = child.stdio[3];
    const settle = (answer: string | PitwallError): void => {
      clearTimeout(timer);
      child.off('error', onError);
      child.off('exit', onExit);
      channel?.removeAllListeners('data');
      if (typeof answer === 'string') resolve(answer);
      else reject(answer);
    };
    const onError = (error: Error): void => settle(notStarted(`could not be started: ${error.message}`));
    const onExit = (): void => settle(exitedEarly(child));
    const timer = setTimeout(() => settle(notStarted(`was not ready within ${timeoutMs} ms`)), timeoutMs);
    child.on('error', onError);
    child.on('exit', onExit);
    channel?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) settle(addressIn(text.slice(0, text.indexOf('\n')), program));
      else if (text.length > MAX_LINE) settle(notStarted('said something else than that it is ready'));
    });
  });
}

/** SIGTERM, then SIGKILL if that did not help. Its input stays open: the end of that means that the host is gone, and clears up after it. */
export function stopWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.ref();
    child.kill('SIGTERM');
  });
}

export function exitedEarly({ signalCode, exitCode }: ChildProcess): PitwallError {
  return notStarted(`ended at once (${signalCode ?? `code ${exitCode}`})`);
}

function notStarted(why: string): PitwallError {
  return new PitwallError('PITWALL_WORKER_NOT_STARTED', `the worker ${why}`);
}

function addressIn(line: string, { socketPath }: WorkerProgram): string | PitwallError {
  let answer: { readonly ready?: unknown; readonly problem?: unknown; readonly port?: unknown };
  try {
    answer = JSON.parse(line) ?? {};
  } catch {
    return notStarted(`said something else than that it is ready: ${line.slice(0, 80)}`);
  }
  if (answer.ready !== true) return notStarted(`could not start: ${String(answer.problem)}`);
  if (socketPath !== undefined) return `unix:${socketPath}`;
  const { port } = answer;
  return typeof port === 'number' ? `${LOOPBACK}:${port}` : notStarted('did not say which port it serves');
}
