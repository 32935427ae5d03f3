/**
 * The worker process: `node worker-main.js <address> <script>`. It serves the script's handlers until its standard input ends, which is when its
 * host is gone, however that came about.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandRunner } from './command-runner.ts';
import { listenControl } from './control-server.ts';
import type { Handlers } from './define-worker.ts';
import { listenGrpc } from './grpc-server.ts';
import { type Leftovers, watchHost } from './host-watch.ts';

/** Descriptor on which the host awaits one line: ready, or why not. */
const READY_FD = 3;
const UNIX = 'unix:';

async function main(): Promise<void> {
  const [address, script] = process.argv.slice(2);
  if (address === undefined || script === undefined) throw new Error('usage: worker-main <address> <script>');
  const token = process.env.PITWALL_WORKER_TOKEN;
  // What the script starts in turn has no business with it.
  delete process.env.PITWALL_WORKER_TOKEN;
  const socketPath = address.startsWith(UNIX) ? address.slice(UNIX.length) : undefined;
  const controlPath = socketPath === undefined ? '' : controlPathOf(socketPath);
  endWithHost(socketPath);

  const module: { default?: unknown } = await import(script.includes('://') ? script : pathToFileURL(script).href);
  const runner = new CommandRunner(handlersOf(module.default));
  const grpc = await import('@grpc/grpc-js');
  let listening: Promise<void> | undefined;
  const attach = async (descriptor: string): Promise<string> => {
    await runner.attach(descriptor);
    if (controlPath === '') return '';
    listening ??= listenControl(controlPath, runner);
    await listening;
    return controlPath;
  };
  const port = await listenGrpc(grpc, address, { runner, attach, token });
  tellHost(socketPath === undefined ? { ready: true, port } : { ready: true });
}

function endWithHost(socketPath: string | undefined): void {
  process.on('SIGTERM', () => process.exit(0));
  // A terminal's interrupt is for the host; it ends its workers when it has finished.
  process.on('SIGINT', () => undefined);
  watchHost(leftoversOf(socketPath), () => process.exit(0));
}

/** A pool's sockets lie in a folder of the pool's, and that in one of the host's. */
function leftoversOf(socketPath: string | undefined): Leftovers {
  if (socketPath === undefined) return { files: [], folders: [] };
  const folder = path.dirname(socketPath);
  return { files: [socketPath, controlPathOf(socketPath)], folders: [folder, path.dirname(folder)] };
}

function controlPathOf(socketPath: string): string {
  return `${socketPath}.control`;
}

function handlersOf(exported: unknown): Handlers {
  // A CommonJS script's exports arrive one level down.
  const value =
    typeof exported === 'object' && exported !== null && 'default' in exported ? exported.default : exported;
  if (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).some((entry) => typeof entry === 'function')
  ) {
    return value as Handlers; // each entry is checked when it is used
  }
  throw new Error('the worker script has no default export of handlers: export default defineWorker({ … })');
}

function tellHost(message: { readonly ready: boolean; readonly port?: number; readonly problem?: string }): void {
  writeSync(READY_FD, `${JSON.stringify(message)}\n`);
}

function attempt(run: () => void): void {
  try {
    run();
  } catch {
    // It was not to be.
  }
}

main().catch((error: unknown) => {
  // Without a host that listens on the descriptor, standard error is what is left.
  attempt(() => tellHost({ ready: false, problem: error instanceof Error ? error.message : String(error) }));
  console.error(error);
  process.exit(1);
});
