/**
 * Ends a worker whose host is gone. The host holds the other end of standard input and never writes to it: its end is the host's, however that came
 * about. A thread watches, so that a handler which never yields does not keep the worker alive.
 */
import { Worker } from 'node:worker_threads';

/** How long the main thread may take to end by itself. */
const GRACE_MS = 1_000;

/** Runs in the thread. A string, so that there is no file to be found from inside a bundle. */
const WATCH = `
const { parentPort, workerData } = require('node:worker_threads');
const { rmdirSync, rmSync } = require('node:fs');
const gone = () => {
  for (const path of workerData.files) rmSync(path, { force: true });
  // The last worker closes the door: a folder that is not empty stays.
  try {
    for (const path of workerData.folders) rmdirSync(path);
  } catch {}
  parentPort.postMessage('gone');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), workerData.graceMs);
};
const input = new (require('node:net').Socket)({ fd: 0, readable: true, writable: false });
input.on('error', gone);
input.on('close', gone);
input.resume();
`;

/** What nobody else removes when the host was killed: files, then the folders that are empty without them, the inner one first. */
export interface Leftovers {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** `onGone` is called on the main thread, if that ever yields. */
export function watchHost(leftovers: Leftovers, onGone: () => void): void {
  const thread = new Worker(WATCH, {
    eval: true,
    workerData: { ...leftovers, graceMs: GRACE_MS },
    // The host's flags for its worker are for its handlers.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  thread.on('message', onGone);
  // Without the thread, what the main thread sees must do.
  thread.on('error', () => {
    process.stdin.on('end', onGone);
    process.stdin.on('error', onGone);
    process.stdin.resume();
  });
  thread.unref();
}
