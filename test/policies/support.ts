/** Runtimes of the tests of policies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { RuntimeOptions } from '../../src/config/types.ts';
import type { RuleContext } from '../../src/decision/types.ts';
import { type Runtime, startRuntime } from '../../src/runtime.ts';

export const MIB = 2 ** 20;
export const TENSOR = { pool: 'ml', dataSize: 20 * MIB, dataType: 'tensor', format: 'numpy' } as const;

/** A busy machine has no say in what these tests decide. */
export const CALM = { cpuPressureThreshold: 1, memoryPressureThreshold: 1 } as const;

/** A silent runtime from the sources, in memory unless a folder is given, shut down when the test ends. */
export async function testRuntime(options: RuntimeOptions<RuleContext> = {}): Promise<Runtime> {
  const runtime = await startRuntime({ dataDir: false, logger: false, ...CALM, ...options });
  onTestFinished(() => runtime.shutdown());
  return runtime;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pitwall policies '));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until `check` is true, looking at each turn of the event loop. */
export async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Decides and records transfers, and waits until they are stored. */
export async function transfer(
  runtime: Runtime,
  count: number,
  size: (index: number) => number,
  latencyUs: (method: string, size: number, index: number) => number,
  request: Readonly<Record<string, unknown>> = TENSOR,
): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const dataSize = size(index);
    const decision = runtime.decideTransferMethod({ ...request, dataSize });
    runtime.recordTransferMetrics(decision.transferId, { latencyUs: latencyUs(decision.method, dataSize, index) });
    if (index % 200 === 199) await runtime.flush();
  }
  await runtime.flush();
}
