/** A small runtime for the transports' tests: real OTP, real worker processes, real lanes, and the test says which lane. */
import { readFileSync } from 'node:fs';
import type { Table } from 'apache-arrow';
import {
  describeReason,
  type ServerRef,
  startChild,
  started,
  startSupervisor,
  startSystem,
  stopSystem,
  terminateChild,
} from 'pitwall/otp';
import { type RuntimePort, startWorkerPool, type WorkerPool, type WorkerPoolOptions } from 'pitwall/transports';
import { onTestFinished } from 'vitest';

export type LaneName = 'grpc' | 'zeroCopy';

/** What one leg of a transfer came to. */
export interface Leg {
  readonly lane: LaneName;
  readonly outcome: 'success' | 'ignored' | { readonly code: unknown; readonly laneFault: unknown };
  readonly cost: Record<string, unknown>;
}

export interface TestRuntime {
  readonly port: RuntimePort;
  /** Which lane the next transfers take. */
  lane: LaneName;
  readonly legs: Leg[];
  readonly published: Parameters<RuntimePort['publishTransport']>[1][];
  readonly warnings: string[];
}

export const SCRIPT = new URL('./fixtures/worker.mjs', import.meta.url);

/** In what the workers of a test are written: each kind has a script with the same handlers. */
export interface WorkerKind {
  readonly name: string;
  readonly script: URL;
  /** What a host gets of a handler that returns nothing. */
  readonly nothing: undefined | null;
  /** What the handler `describe` hashes of a table. */
  readonly bytesOfTable: (table: Table) => Uint8Array;
}

export const NODE: WorkerKind = {
  name: 'Node',
  script: SCRIPT,
  nothing: undefined,
  bytesOfTable: (table) => Buffer.from(JSON.stringify(table.toArray().map(String))),
};

/** Falls back as the runtime does: to gRPC, where the error says that it may. */
export async function testRuntime(options: Partial<RuntimePort> = {}): Promise<TestRuntime> {
  const warnings: string[] = [];
  const system = startSystem({ name: 'transports_test', onReport: () => undefined });
  const hosted = started(await startSupervisor(system, { strategy: 'one_for_one' }, []));
  onTestFinished(() => stopSystem(system, { timeoutMs: 10_000 }));
  const runtime: TestRuntime = { lane: 'grpc', legs: [], published: [], warnings, port: {} as RuntimePort }; // set below
  const port: RuntimePort = {
    system,
    logger: { debug() {}, info() {}, error() {}, warn: (message: string) => void warnings.push(message) },
    sharedMemoryDir: '/dev/shm',
    sharedMemoryLimit: undefined,
    nowMs: () => Date.now(),
    async transfer(_request, data, lanes, { signal }) {
      const leg = async (lane: LaneName) => {
        let cost = {};
        let ignored = false;
        const report = (part: object): void => {
          cost = { ...cost, ...part };
        };
        const ignore = (): void => {
          ignored = true;
        };
        try {
          const value = await lanes[lane](data, { signal, report, ignore });
          runtime.legs.push({ lane, outcome: ignored ? 'ignored' : 'success', cost });
          return value;
        } catch (error) {
          const { code, laneFault } = error as { code?: unknown; laneFault?: unknown }; // whatever it is
          runtime.legs.push({ lane, outcome: { code, laneFault }, cost });
          throw error;
        }
      };
      if (runtime.lane === 'grpc') return leg('grpc');
      try {
        return await leg('zeroCopy');
      } catch (error) {
        if (signal?.aborted || (error as { retryable?: unknown }).retryable === false) throw error;
        return leg('grpc');
      }
    },
    async startChild(spec): Promise<ServerRef> {
      const result = await startChild(hosted, spec);
      if (result.type === 'ok' && result.ref) return result.ref;
      throw new Error(`not started: ${result.type === 'error' ? describeReason(result.reason) : result.type}`, {
        cause: result,
      });
    },
    stopChild: async (id) => void (await terminateChild(hosted, id)),
    publishTransport: (_pool, transport) => void runtime.published.push(transport),
    publishMemory: () => undefined,
    ...options,
  };
  return Object.assign(runtime, { port });
}

/** A pool over the tests' worker script that is closed when the test ends. */
export async function testPool(
  runtime: Pick<TestRuntime, 'port'>,
  options: Partial<WorkerPoolOptions> = {},
): Promise<WorkerPool> {
  const program = options.command ? {} : { script: SCRIPT };
  const workers = await startWorkerPool(runtime, { pool: 'test', arenaBytes: 64 * 2 ** 20, ...program, ...options });
  onTestFinished(() => workers.close({ drainMs: 0 }));
  return workers;
}

/** Looks again at every turn of the event loop until `check` holds. */
export async function until(check: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!check()) {
    if (performance.now() > endMs) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** What a handler wrote down so far. */
export function notes(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie is dead; only its parent has not looked.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
