/** What the tests of the running package have in common: a runtime in a folder of its own, and ways to take parts of it down. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Runtime, type RuntimeOptions, startRuntime } from 'pitwall';
import { type ProcessRef, restartChild, type SupervisorRef, terminateChild } from 'pitwall/otp';
import { onTestFinished } from 'vitest';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pitwall test '));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A busy machine has no say in lanes: tests run side by side. */
const CALM = { cpuPressureThreshold: 1, memoryPressureThreshold: 1 };

/** A silent runtime that is shut down when the test ends. In memory, unless a folder is given. */
export async function testRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = await startRuntime({ dataDir: false, logger: false, ...CALM, ...options });
  onTestFinished(() => runtime.shutdown());
  return runtime;
}

/** A supervisor of the runtime's tree. */
export function supervisor(runtime: Runtime, name: string): SupervisorRef {
  const ref: ProcessRef | undefined = runtime.whereis(name);
  if (!ref) throw new Error(`no supervisor ${name}`);
  return ref as SupervisorRef; // names of the tree: what is registered under them is a supervisor
}

/** Takes a child down for good, until `up` is called. */
export async function down(runtime: Runtime, name: string, child: string | ProcessRef): Promise<() => Promise<void>> {
  const parent = supervisor(runtime, name);
  await terminateChild(parent, child);
  return async () => {
    await restartChild(parent, child);
  };
}

/** Waits until `check` is true, looking at each turn of the event loop. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const TENSOR = { pool: 'ml', dataSize: 20 * 2 ** 20, dataType: 'tensor', format: 'numpy' } as const;

/** Decides and records `count` transfers whose lanes cost what `latencyUs` says. */
export async function teach(
  runtime: Runtime,
  count: number,
  size: (index: number) => number,
  latencyUs: (method: string, size: number) => number,
  pool = 'ml',
): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const dataSize = size(i);
    const decision = runtime.decideTransferMethod({ ...TENSOR, pool, dataSize });
    runtime.recordTransferMetrics(decision.transferId, { latencyUs: latencyUs(decision.method, dataSize) });
    // Learning is off the hot path: it is given its turn, as between transfers of a host.
    if (i % 50 === 49) await runtime.flush();
  }
  await runtime.flush();
}
