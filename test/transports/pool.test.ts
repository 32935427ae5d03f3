/** Many transfers at a time, and how a pool is set up. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { startRuntime } from 'pitwall';
import { startWorkerPool } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SCRIPT, testPool, testRuntime } from './support.ts';

describe('a thousand transfers at a time', () => {
  it('over four workers and both lanes: each gets its own answer, nothing is held after', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { size: 4, arenaBytes: 32 * 2 ** 20 });
    const descriptors = readdirSync('/proc/self/fd').length;
    const results = await Promise.all(
      Array.from({ length: 1_200 }, async (_, i) => {
        runtime.lane = i % 2 === 0 ? 'grpc' : 'zeroCopy';
        const payload = Buffer.alloc(1_000 + i * 100, i % 251);
        const got = await workers.execute('describe', payload);
        return { got, sha1: createHash('sha1').update(payload).digest('hex') };
      }),
    );
    expect(results.every(({ got, sha1 }) => (got as { sha1: string }).sha1 === sha1)).toBe(true);
    expect(workers.status()).toMatchObject({ waiting: 0, refused: 0, arena: { leases: 0, leasedBytes: 0 } });
    expect(workers.status().workers.map(({ inFlight }) => inFlight)).toEqual([0, 0, 0, 0]);
    expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
    const used = new Set(await Promise.all(Array.from({ length: 40 }, () => workers.execute('pid', {}))));
    expect(used.size).toBe(4);
  });

  it('more than may wait are refused at once, the others are served', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { maxInFlight: 2, maxQueue: 10 });
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => workers.execute('wait', { ms: 50 })));
    const codes = outcomes.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code));
    expect(codes.filter((code) => code === 'waited')).toHaveLength(12);
    expect(codes.filter((code) => code === 'PITWALL_POOL_OVERLOADED')).toHaveLength(38);
    expect(workers.status().refused).toBe(38);
  });

  it('two pools do not wait for each other', async () => {
    const runtime = await testRuntime();
    const slow = await testPool(runtime, { pool: 'slow', maxInFlight: 1 });
    const quick = await testPool(runtime, { pool: 'quick', maxInFlight: 1 });
    const waiting = Promise.all(Array.from({ length: 20 }, () => slow.execute('wait', { ms: 100 })));
    let done = false;
    void waiting.then(() => {
      done = true;
    });
    await Promise.all(Array.from({ length: 20 }, (_, i) => quick.execute('echo', i)));
    expect(done).toBe(false);
    await waiting;
  });
});

describe('set-up', () => {
  it('environment and options of Node reach the workers, the token does not', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, {
      network: 'tcp',
      env: { ...process.env, COLOUR: 'red' },
      execArgv: ['--max-old-space-size=256'],
    });
    expect(await workers.execute('environment', { name: 'COLOUR' })).toEqual({
      value: 'red',
      flags: ['--max-old-space-size=256'],
    });
    expect(await workers.execute('environment', { name: 'PITWALL_WORKER_TOKEN' })).toMatchObject({ value: null });
  });

  it('over TCP both lanes serve, and nobody without the token', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { network: 'tcp' });
    for (const lane of ['grpc', 'zeroCopy'] as const) {
      runtime.lane = lane;
      expect(await workers.execute('describe', Buffer.alloc(5e6, 1))).toMatchObject({ bytes: 5e6 });
    }
    expect(runtime.legs.map((leg) => leg.lane)).toEqual(['grpc', 'zeroCopy']);
    const grpc = await import('@grpc/grpc-js');
    const { WorkerClient } = await import('../../src/transports/worker-client.ts');
    const port = listeningPort(workers.status().workers[0]?.pid ?? 0);
    for (const token of [undefined, 'guess']) {
      const stranger = new WorkerClient(grpc, `127.0.0.1:${port}`, token);
      await expect(stranger.health(5_000)).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
      const request = {
        command: 'echo',
        dataType: 'json',
        format: 'json',
        gzip: false,
        reference: undefined,
        resultReference: undefined,
        size: 1,
        timeoutMs: 0,
        data: undefined,
      };
      for (const streamed of [false, true]) {
        await expect(
          stranger.execute(request, { signal: undefined, timeoutMs: 5_000 }, streamed),
        ).rejects.toMatchObject({ code: 'PITWALL_GRPC_FAILED' });
      }
      stranger.close();
    }
  });

  it.each([
    ['pool', { pool: '' }],
    ['size', { size: 0 }],
    ['size', { size: 1.5 }],
    ['script', { script: undefined }],
    ['command', { command: [] }],
    ['execArgv', { execArgv: [3] }],
    ['arenaBytes', { arenaBytes: -1 }],
    ['network', { network: 'carrier pigeon' }],
    ['maxInFlight', { maxInFlight: '64' }],
    ['maxQueue', { maxQueue: Number.NaN }],
    ['env', { env: 7 }],
  ])('refuses a bad %s, naming it', async (field, options) => {
    const runtime = await testRuntime();
    const bad = { pool: 'p', script: SCRIPT, ...options } as Parameters<typeof startWorkerPool>[1];
    await expect(startWorkerPool(runtime, bad)).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT', field });
  });

  it('refuses bad calls, naming what is wrong', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime);
    for (const [field, run] of [
      ['command', () => workers.execute('', 1)],
      ['payload', () => workers.execute('echo', undefined)],
      ['timeoutMs', () => workers.execute('echo', 1, { timeoutMs: -1 })],
      ['signal', () => workers.execute('echo', 1, { signal: {} as AbortSignal })],
      ['options', () => workers.execute('echo', 1, null as unknown as undefined)],
    ] as const) {
      await expect(run(), field).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT', field });
    }
    expect(runtime.legs).toEqual([]);
  });
});

describe('below a real runtime', () => {
  it('decides, moves, records; an exhausted arena and failing handlers leave the lane open', async () => {
    const runtime = await startRuntime({
      dataDir: false,
      logger: false,
      pools: [{ name: 'real', goal: 'minimize_latency', zeroCopyThresholdMb: 1 }],
    });
    onTestFinished(() => runtime.shutdown());
    const workers = await startWorkerPool(runtime, { pool: 'real', script: SCRIPT, arenaBytes: 32 * 2 ** 20 });
    await expect(startWorkerPool(runtime, { pool: 'real', script: SCRIPT })).rejects.toMatchObject({
      code: 'PITWALL_CHILD_NOT_STARTED',
    });
    for (const size of [10_000, 5e6, 8e6, 60e6]) {
      expect(await workers.execute('describe', Buffer.alloc(size, 4))).toMatchObject({ bytes: size });
    }
    for (let i = 0; i < 5; i += 1) {
      await expect(workers.execute('describe', Buffer.alloc(5e6), { format: 'numpy' })).rejects.toMatchObject({
        code: 'PITWALL_PAYLOAD_UNREADABLE',
      });
    }
    await runtime.flush();
    expect(runtime.getStatistics('real')).toMatchObject({ breaker: 'closed', failures: 0 });
    expect(runtime.getStatistics('real')?.zeroCopyCount).toBeGreaterThan(1);
    expect((await runtime.analyzer.getStatistics({ pool: 'real' })).count).toBeGreaterThanOrEqual(4);
    await workers.close();
  });
});

function listeningPort(pid: number): number {
  const inodes = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
  // Columns of /proc/net/tcp: local address, state 0A (listening), inode.
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state === '0A' && inodes.includes(inode)) return Number.parseInt(local.split(':')[1] ?? '', 16);
  }
  throw new Error('the worker listens on no port');
}
