/** Whether this machine has a Python for workers; where it has none, the tests that need one are skipped, and say so. */
import { execFileSync } from 'node:child_process';
import { tableToIPC } from 'apache-arrow';
import type { WorkerKind } from '../transports/support.ts';

/** As a pool finds it (`src/transports/find-python.ts`); undefined where there is none. */
export const PYTHON = findPython();
if (PYTHON === undefined) {
  console.warn(
    'SKIPPED: no Python 3.10 with numpy and grpcio (Debian: python3-numpy, python3-grpcio), or PITWALL_PYTHON',
  );
}

export const PYTHON_WORKERS: WorkerKind = {
  name: 'Python',
  script: new URL('./fixtures/worker.py', import.meta.url),
  nothing: null,
  bytesOfTable: (table) => tableToIPC(table),
};

function findPython(): string | undefined {
  const chosen = process.env.PITWALL_PYTHON;
  for (const candidate of chosen ? [chosen] : ['/usr/bin/python3', 'python3']) {
    try {
      execFileSync(candidate, ['-c', 'import sys, numpy, grpc; sys.exit(sys.version_info < (3, 10))'], {
        stdio: 'ignore',
      });
      return candidate;
    } catch {
      // The next one.
    }
  }
  return undefined;
}
