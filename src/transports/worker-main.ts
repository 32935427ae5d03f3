/**
 * The worker process: `node worker-main.js <address> <script>`. It serves the script's handlers until its standard input ends, which is when its
 * host is gone, however that came about.
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Handlers } from './define-worker.ts';
import { WorkerServer } from './worker-server.ts';

/** Descriptor on which the host awaits one line: ready, or why not. */
const READY_FD = 3;

async function main(): Promise<void> {
  const [address, script] = process.argv.slice(2);
  if (address === undefined || script === undefined) throw new Error('usage: worker-main <address> <script>');
  // The host's end of the pipe closes with the host, also when it was killed.
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.resume();
  process.on('SIGTERM', () => process.exit(0));
  // A terminal's interrupt is for the host; it ends its workers when it has finished.
  process.on('SIGINT', () => undefined);

  const module: { default?: unknown } = await import(script.includes('://') ? script : pathToFileURL(script).href);
  const handlers = handlersOf(module.default);
  const grpc = await import('@grpc/grpc-js');
  await new WorkerServer(handlers).listen(grpc, address);
  tellHost({ ready: true });
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

function tellHost(message: { ready: boolean; problem?: string }): void {
  writeSync(READY_FD, `${JSON.stringify(message)}\n`);
}

main().catch((error: unknown) => {
  try {
    tellHost({ ready: false, problem: error instanceof Error ? error.message : String(error) });
  } catch {
    // No host listens on the descriptor: standard error is what is left.
  }
  console.error(error);
  process.exit(1);
});
