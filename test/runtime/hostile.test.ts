/** Any JavaScript value in any public call gets a decision or a clear error, and changes nothing else. */
import fc from 'fast-check';
import { PitwallError, startRuntime } from 'pitwall';
import { startWorkerPool } from 'pitwall/transports';
import { describe, expect, it } from 'vitest';
import { testRuntime } from './support.ts';

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
});

/** As a caller without types would. */
type Untyped = (...args: unknown[]) => unknown;

async function outcome(run: () => unknown): Promise<'ok' | PitwallError> {
  try {
    await run();
    return 'ok';
  } catch (error) {
    if (error instanceof PitwallError) {
      expect(error.code).toMatch(/^PITWALL_/);
      expect(error.message.length).toBeGreaterThan(10);
      return error;
    }
    throw error;
  }
}

describe('hostile input', () => {
  it('gets a decision or a clear error from every call of the runtime', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }], maxPools: 8 });
    const methods: readonly (readonly [object, string])[] = [
      [runtime, 'updatePolicy'],
      [runtime, 'getStatistics'],
      [runtime, 'explain'],
      [runtime, 'snapshot'],
      [runtime, 'whereis'],
      [runtime.thresholds, 'get'],
      [runtime.thresholds, 'all'],
      [runtime.thresholds, 'adjust'],
      [runtime.thresholds, 'reset'],
      [runtime.thresholds, 'history'],
      [runtime.analyzer, 'recordMetrics'],
      [runtime.analyzer, 'getStatistics'],
      [runtime.analyzer, 'series'],
      [runtime.analyzer, 'trends'],
    ];
    await fc.assert(
      fc.asyncProperty(anything, anything, async (a, b) => {
        const decision = runtime.decideTransferMethod(a);
        expect(decision.method === 'grpc' || decision.method === 'zero_copy').toBe(true);
        runtime.recordTransferMetrics(decision.transferId, b);
        for (const [owner, name] of methods) {
          const method: Untyped = Reflect.get(owner, name);
          await outcome(() => method.call(owner, a, b));
          await outcome(() => method.call(owner, 'ml', b));
        }
      }),
      { numRuns: 60 },
    );
    expect(runtime.status.state).toBe('running');
    expect(runtime.restarts).toBe(0);
    expect(runtime.decideTransferMethod({ pool: 'ml', dataSize: 20e6, dataType: 'tensor' }).fallback).toBe(false);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('in transfers and pools is refused before anything moves', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }], maxPools: 8 });
    const transfer: Untyped = (...args) => Reflect.apply(runtime.transfer, runtime, args);
    const pool: Untyped = startWorkerPool as Untyped; // a caller without types
    await fc.assert(
      fc.asyncProperty(anything, anything, async (a, b) => {
        await outcome(() => transfer(a, b));
        if (typeof a === 'object' && a !== null && 'script' in a) return;
        expect(await outcome(() => pool(runtime, a))).toBeInstanceOf(PitwallError);
      }),
      { numRuns: 60 },
    );
    expect(runtime.restarts).toBe(0);
  });

  it('as configuration is refused as a whole, or starts', async () => {
    const start: Untyped = startRuntime as Untyped; // a caller without types
    await fc.assert(
      fc.asyncProperty(anything, async (given) => {
        if (given === undefined) return;
        const silent =
          typeof given === 'object' && given !== null && !Array.isArray(given)
            ? { ...given, dataDir: false, logger: false }
            : given;
        await outcome(async () => {
          const runtime = await start(silent);
          await (runtime as { shutdown(): Promise<void> }).shutdown();
        });
      }),
      { numRuns: 40 },
    );
  });
});
