import { describe, expect, it } from 'vitest';
import { TENSOR, testRuntime } from './support.ts';

const REQUEST = { ...TENSOR, data: 'payload' };

describe('runtime.transfer', () => {
  it('moves by the decided lane, measures and records', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0 }] });
    const seen: unknown[] = [];
    const value = await runtime.transfer(REQUEST, {
      zeroCopy: (data, context) => {
        context.report({ setupUs: 3, warm: true });
        seen.push(data, context.decision.method);
        return 'by shm';
      },
      grpc: () => 'by grpc',
    });
    expect([value, ...seen]).toEqual(['by shm', 'payload', 'zero_copy']);
    await runtime.flush();
    const statistics = await runtime.analyzer.getStatistics({ pool: 'ml' });
    expect(statistics).toMatchObject({ count: 1, success: 1, zeroCopy: 1 });
    expect(statistics.quantities.setupUs?.mean).toBe(3);
  });

  it('falls back to gRPC where zero-copy fails, and closes the lane after three failures in a row', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0 }] });
    const lanes = { zeroCopy: () => Promise.reject(new Error('no memory')), grpc: () => 'by grpc' };
    for (let i = 0; i < 3; i += 1) expect(await runtime.transfer(REQUEST, lanes)).toBe('by grpc');
    expect(runtime.decideTransferMethod(TENSOR)).toMatchObject({ method: 'grpc', reason: 'circuit_open' });
    await runtime.flush();
    expect(await runtime.analyzer.getStatistics({ pool: 'ml' })).toMatchObject({
      count: 6,
      success: 3,
      failed: 3,
      fallback: 3,
    });
    expect((await runtime.alerts()).map((alert) => alert.kind)).toEqual(['zero_copy_circuit_open']);
    expect(runtime.getStatistics('ml')).toMatchObject({ fallbacks: 3, failures: 3, breaker: 'open', inFlight: 0 });
  });

  it('does not repeat what may have run, and does not blame the lane for it', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0 }] });
    const failure = Object.assign(new Error('handler'), { code: 'E_HANDLER', retryable: false, laneFault: false });
    let grpcCalls = 0;
    const lanes = {
      zeroCopy: () => Promise.reject(failure),
      grpc: () => {
        grpcCalls += 1;
      },
    };
    for (let i = 0; i < 5; i += 1) await expect(runtime.transfer(REQUEST, lanes)).rejects.toBe(failure);
    expect(grpcCalls).toBe(0);
    await runtime.flush();
    expect(await runtime.analyzer.getStatistics({ pool: 'ml' })).toMatchObject({ ignored: 5, failed: 0 });
    expect(runtime.snapshot('ml')?.breaker).toBe('closed');
  });

  it('ends with the signal of a caller that gives up, and teaches nothing', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml', explorationRate: 0 }] });
    const controller = new AbortController();
    const lanes = {
      zeroCopy: () =>
        new Promise((_resolve, reject) => {
          controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
          controller.abort(new Error('enough'));
        }),
      grpc: () => 'by grpc',
    };
    await expect(runtime.transfer(REQUEST, lanes, { signal: controller.signal })).rejects.toThrow('enough');
    await expect(runtime.transfer(REQUEST, lanes, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
    await runtime.flush();
    expect(await runtime.analyzer.getStatistics({ pool: 'ml' })).toMatchObject({ count: 1, ignored: 1 });
  });

  it('rejects with what gRPC rejects with', async () => {
    const runtime = await testRuntime();
    const lanes = {
      zeroCopy: () => Promise.reject(new Error('shm')),
      grpc: () => Promise.reject(new Error('grpc down')),
    };
    await expect(runtime.transfer(REQUEST, lanes)).rejects.toThrow('grpc down');
  });

  it('carries 2 000 at a time', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const lanes = { zeroCopy: async () => 1, grpc: async () => 1 };
    const all = await Promise.all(Array.from({ length: 2_000 }, () => runtime.transfer(REQUEST, lanes)));
    expect(all.reduce((sum, each) => sum + each, 0)).toBe(2_000);
    await runtime.flush();
    expect((await runtime.analyzer.getStatistics({ pool: 'ml' })).count).toBe(2_000);
  });
});
