/** Payloads that are built where workers read them, and results that stay where workers wrote them. */
import { createHash } from 'node:crypto';
import { startRuntime } from 'pitwall';
import { type PoolBuffer, type SharedResult, startWorkerPool, tensor } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SCRIPT, testPool, testRuntime, until } from './support.ts';

const MIB = 2 ** 20;
const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

interface Description {
  readonly lane: string;
  readonly bytes: number;
  readonly sha1: string;
  readonly shape?: readonly number[];
}

async function pool(arenaBytes = 64 * MIB) {
  const runtime = await testRuntime();
  runtime.lane = 'zeroCopy';
  const workers = await testPool(runtime, { size: 1, arenaBytes });
  const describePayload = async (payload: unknown) => (await workers.execute('describe', payload)) as Description; // the fixture's answer
  return { runtime, workers, describePayload };
}

/** Bytes that differ everywhere. */
function fill(bytes: Uint8Array, seed = 1): void {
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = (index * 31 + (index >> 8) * 17 + seed) & 255;
}

describe('a payload built in place', () => {
  it('travels without a copy: as bytes, in part, as a tensor', async () => {
    const { runtime, workers, describePayload } = await pool();
    const buffer = workers.allocate(3 * MIB);
    expect(buffer.shared).toBe(true);
    expect(buffer.bytes.byteLength).toBe(3 * MIB);
    fill(buffer.bytes);
    expect(await describePayload(buffer.bytes)).toMatchObject({ lane: 'zero_copy', sha1: sha1(buffer.bytes) });
    const part = buffer.bytes.subarray(0, 1000);
    expect(await describePayload(part)).toMatchObject({ bytes: 1000, sha1: sha1(part) });
    const floats = workers.allocateTensor('float32', [1000, 64]);
    expect(floats.shared).toBe(true);
    const numbers = floats.tensor.data;
    for (let index = 0; index < numbers.length; index += 1) numbers[index] = Math.sin(index);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    expect(await describePayload(floats.tensor)).toMatchObject({ sha1: sha1(bytes), shape: [1000, 64] });
    // Nothing was written for any of them: no copy, no second slice.
    expect(runtime.legs.every(({ lane }) => lane === 'zeroCopy')).toBe(true);
    const { arena } = workers.status();
    expect(arena?.leases).toBe(2);
    expect(arena?.highWaterBytes).toBeLessThan(4 * MIB);
    buffer.release();
    floats.release();
    buffer.release();
    await until(() => workers.status().arena?.leases === 0, 'its memory given back');
  });

  it('is measured in place by a benchmark, too', async () => {
    const { workers } = await pool();
    using buffer = workers.allocate(3 * MIB);
    fill(buffer.bytes);
    const context = { signal: undefined, report: () => undefined, ignore: () => undefined };
    const { zeroCopy, grpc } = workers.lanes('describe');
    for (const lane of [zeroCopy, grpc])
      expect(await lane(buffer.bytes, context)).toMatchObject({ sha1: sha1(buffer.bytes) });
    expect(workers.status().arena).toMatchObject({ leases: 1 });
    expect(workers.status().arena?.highWaterBytes).toBeLessThan(4 * MIB);
  });

  it('is sent as often as its host likes, changed in between, and by gRPC too', async () => {
    const { runtime, workers, describePayload } = await pool();
    const { bytes } = workers.allocate(200_000);
    for (const seed of [1, 2, 3]) {
      fill(bytes, seed);
      expect((await describePayload(bytes)).sha1).toBe(sha1(bytes));
    }
    runtime.lane = 'grpc';
    expect(await describePayload(bytes)).toMatchObject({ lane: 'grpc', sha1: sha1(bytes) });
    const answers = await Promise.all(Array.from({ length: 20 }, () => describePayload(bytes)));
    expect(new Set(answers.map((answer) => answer.sha1)).size).toBe(1);
  });

  it('that begins within a buffer is copied, as any other bytes', async () => {
    const { workers, describePayload } = await pool();
    const { bytes } = workers.allocate(1 * MIB);
    fill(bytes);
    const middle = bytes.subarray(1000, 500_000);
    expect((await describePayload(middle)).sha1).toBe(sha1(middle));
    const numbers = new Float64Array(bytes.buffer, bytes.byteOffset, 1000);
    expect((await describePayload(tensor(numbers))).sha1).toBe(sha1(bytes.subarray(0, 8000)));
  });

  it('is refused, not read, once its memory was released or has gone with its arena', async () => {
    const { workers } = await pool();
    const released = workers.allocate(1 * MIB);
    released.release();
    await expect(workers.execute('describe', released.bytes)).rejects.toMatchObject({
      code: 'PITWALL_SHM_RELEASED',
      retryable: false,
    });
    const kept = workers.allocate(1 * MIB);
    fill(kept.bytes);
    await workers.close();
    // Still readable, as ordinary memory: nothing ends the process.
    expect(kept.bytes[5]).toBeTypeOf('number');
    kept.release();
  });

  it('keeps its memory while a worker may still read it, although the host has released it', async () => {
    const { workers } = await pool();
    const buffer: PoolBuffer = workers.allocate(1 * MIB);
    buffer.bytes.fill(0);
    buffer.bytes.set(Buffer.from(JSON.stringify({ ms: 150 })));
    const running = workers.execute('waitBytes', buffer.bytes);
    await until(() => (workers.status().workers[0]?.inFlight ?? 0) > 0, 'it is under way');
    buffer.release();
    expect(workers.status().arena?.leases).toBe(1);
    await running;
    await until(() => workers.status().arena?.leases === 0, 'its memory given back');
  });

  it('is ordinary memory where shared memory has no room, and goes all the same', async () => {
    const { workers, describePayload } = await pool(2 * MIB);
    const buffer = workers.allocate(8 * MIB);
    expect(buffer.shared).toBe(false);
    fill(buffer.bytes);
    expect((await describePayload(buffer.bytes)).sha1).toBe(sha1(buffer.bytes));
    buffer.release();
    expect(() => workers.allocate(0)).toThrow(/bytes/);
    expect(() => workers.allocate(1.5)).toThrow(/bytes/);
    expect(() => workers.allocateTensor('complex64' as never, [1])).toThrow(/dtype/);
    expect(() => workers.allocateTensor('int8', [-1])).toThrow(/shape/);
  });
});

describe('a shared result', () => {
  it('stays where the worker wrote it until it is released', async () => {
    const { workers } = await pool();
    const payload = new Uint8Array(2 * MIB);
    fill(payload);
    // The first answer shows how large results of this command are.
    await workers.execute('echo', payload);
    const result = (await workers.execute('echo', payload, { sharedResult: true })) as SharedResult; // as asked for
    expect(result.shared).toBe(true);
    const value = result.value as Uint8Array; // bytes come back as bytes
    expect(sha1(value)).toBe(sha1(payload));
    expect(workers.status().arena?.leases).toBe(1);
    result.release();
    result.release();
    expect(workers.status().arena?.leases).toBe(0);
    const small = (await workers.execute('describe', payload, { sharedResult: true })) as SharedResult; // as asked for
    expect(small).toMatchObject({ shared: false, value: { bytes: 2 * MIB } });
    small.release();
  });
});

describe('runtime.allocate', () => {
  it('gives a pool its memory, decides zero-copy for what was built in it, and teaches nothing by it', async () => {
    const runtime = await startRuntime({ dataDir: false, logger: false });
    onTestFinished(() => runtime.shutdown());
    const before = runtime.allocate('ml', 1000);
    expect(before.shared).toBe(false);
    const workers = await startWorkerPool(runtime, { pool: 'ml', size: 1, script: SCRIPT, arenaBytes: 16 * MIB });
    // Far below the quick path's minimum: by size alone it would be gRPC.
    const buffer = runtime.allocate('ml', 10_000);
    fill(buffer.bytes);
    expect(await workers.execute('describe', buffer.bytes)).toMatchObject({
      lane: 'zero_copy',
      sha1: sha1(buffer.bytes),
    });
    await workers.execute('describe', Buffer.from(buffer.bytes));
    await runtime.flush();
    expect(runtime.getStatistics('ml')).toMatchObject({ zeroCopyCount: 1, grpcCount: 1, byReason: { in_place: 1 } });
    const samples = runtime.snapshot('ml')?.costModel?.estimate('zero_copy', FEATURES).effectiveSamples;
    expect(samples).toBe(0);
    buffer.release();
    await workers.close();
    expect(runtime.allocate('ml', 1000).shared).toBe(false);
  });
});

const FEATURES = {
  dataSize: 10_000,
  dataType: 'binary',
  format: 'raw',
  compression: false,
  warm: true,
  systemLoad: undefined,
  availableMemory: undefined,
  inFlight: 1,
  hourOfDay: 0,
};
