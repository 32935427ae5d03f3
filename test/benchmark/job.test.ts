/** Benchmarks as jobs of a running runtime: real actors, real worker processes, both lanes. */
import { type BenchmarkLanes, type BenchmarkReport, benchmarkText, type Runtime, startRuntime } from 'pitwall';
import { exit, type SupervisorRef, whichChildren } from 'pitwall/otp';
import { startWorkerPool, type WorkerPool, type WorkerPoolOptions } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';

const SCRIPT = new URL('./fixtures/worker.mjs', import.meta.url);
const MIB = 2 ** 20;

async function runtimeOf(): Promise<Runtime> {
  const runtime = await startRuntime({ dataDir: false, logger: false });
  onTestFinished(() => runtime.shutdown());
  return runtime;
}

async function poolOf(runtime: Runtime, options: Partial<WorkerPoolOptions> = {}): Promise<WorkerPool> {
  const workers = await startWorkerPool(runtime, { pool: 'ml', script: SCRIPT, arenaBytes: 64 * MIB, ...options });
  onTestFinished(() => workers.close({ drainMs: 0 }));
  return workers;
}

/** Lanes of a host: each takes so many milliseconds, and counts. */
function hostLanes(
  zeroCopyMs: number,
  grpcMs: number,
): { lanes: BenchmarkLanes; spentMs: () => number; sent: () => number } {
  let spent = 0;
  let sent = 0;
  const lane = (ms: number) => async (): Promise<void> => {
    const startedMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    spent += performance.now() - startedMs;
    sent += 1;
  };
  return { lanes: { zeroCopy: lane(zeroCopyMs), grpc: lane(grpcMs) }, spentMs: () => spent, sent: () => sent };
}

/** The children that a host's supervisor has now. */
async function hosted(runtime: Runtime): Promise<{ id: unknown; child: unknown }[]> {
  const supervisor = runtime.whereis('pitwall_hosted') as SupervisorRef | undefined; // what is registered there is one
  return supervisor ? (await whichChildren(supervisor)).map(({ id, child }) => ({ id, child })) : [];
}

const QUICK = { sizes: [1_024], types: ['binary'], share: 1, warmUp: 0, repetitions: 8 } as const;

describe('a benchmark', () => {
  it('of a worker pool: types, gzip, concurrency, warm and cold memory; nothing of it is recorded', async () => {
    const runtime = await runtimeOf();
    const workers = await poolOf(runtime, { arenaBytes: 256 * MIB });
    const before = workers.status().arena?.committedBytes ?? 0;
    const job = await runtime.analyzer.runBenchmark(
      {
        pool: 'ml',
        sizes: [2_048, 262_144],
        types: ['tensor', 'dataframe', 'json', 'text', 'binary'],
        compression: [false, true],
        concurrency: [3],
        memory: ['warm', 'cold'],
        repetitions: 1,
        warmUp: 1,
        share: 1,
      },
      workers.lanes('read'),
    );
    const report = await job.result;
    expect(report.ended).toEqual({ reason: 'complete', detail: undefined });
    expect(report.cells).toHaveLength(5 * 2 * 2 * 2);
    expect(report.transfers).toMatchObject({ measured: 5 * 2 * 2 * 2 * 3 * 2, failed: 0 });
    const wrong = report.cells.flatMap(({ memory, lanes }) =>
      lanes.filter(({ count, otherMemory }) => count !== 1 || (memory === 'cold' && otherMemory > 0)),
    );
    expect(wrong).toEqual([]);
    // What cold memory took is given back; what is left was committed and warmed by use.
    expect(workers.status().arena?.leases).toBe(0);
    expect((workers.status().arena?.committedBytes ?? 0) - before).toBeLessThanOrEqual(64 * MIB);
    await runtime.flush();
    expect(runtime.getStatistics('ml')).toMatchObject({ decisions: 0, zeroCopyCount: 0, grpcCount: 0 });
    expect((await runtime.analyzer.getStatistics({ pool: 'ml' })).count).toBe(0);
    expect(runtime.snapshot('ml')?.inFlight).toBe(0);
  });

  it("of a host's own lanes: says which is faster, and has the decision that they are used to", async () => {
    const runtime = await runtimeOf();
    const methods = new Set<string>();
    const { lanes } = hostLanes(3, 12);
    const job = await runtime.analyzer.runBenchmark(
      { ...QUICK, repetitions: 12, payload: ({ dataSize }) => Buffer.alloc(dataSize) },
      {
        zeroCopy: (data: Buffer, context) => {
          methods.add(`${context.decision.method} ${context.decision.dataSize} ${data.length} ${context.cell.memory}`);
          return lanes.zeroCopy(data, context);
        },
        grpc: lanes.grpc,
      },
    );
    const seen: number[] = [];
    for await (const { done } of job) seen.push(done);
    const report = await job.result;
    expect(methods).toEqual(new Set(['zero_copy 1024 1024 warm']));
    expect(report.cells[0]).toMatchObject({ faster: 'zero_copy' });
    expect(benchmarkText(report)).toContain('zero-copy');
    expect(seen.length).toBeGreaterThan(3);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
    expect(job.progress).toMatchObject({ phase: 'assembling', transfers: 24, failed: 0 });
  });

  it('without lanes: brings a worker of its own, and takes it along', async () => {
    const runtime = await runtimeOf();
    const pools = runtime.pools();
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, sizes: [1_024, 65_536] }, undefined, {
      command: 'hash',
    });
    expect((await hosted(runtime)).length).toBe(2);
    expect((await job.result).transfers).toMatchObject({ measured: 32, failed: 0 });
    expect(await hosted(runtime)).toEqual([]);
    expect(runtime.pools()).toEqual(pools);
  });

  it('is throttled: counted at the lanes, they are busy for no more than the share', async () => {
    const runtime = await runtimeOf();
    const { lanes, spentMs, sent } = hostLanes(4, 6);
    const startedMs = performance.now();
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, share: 0.2, repetitions: 10 }, lanes);
    const report = await job.result;
    expect(sent()).toBe(20);
    // What the throttle counts includes what the lanes themselves count.
    expect(report.busyMs).toBeGreaterThanOrEqual(spentMs() - 1);
    expect(report.busyShare).toBeLessThanOrEqual(0.21);
    expect(spentMs() / (performance.now() - startedMs)).toBeLessThanOrEqual(0.21);
  });

  it.each(['cancel', 'signal'] as const)('ends by %s mid-way, and keeps what it measured', async (how) => {
    const runtime = await runtimeOf();
    const { lanes, sent } = hostLanes(2, 2);
    const controller = new AbortController();
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, repetitions: 5_000 }, lanes, {
      signal: controller.signal,
    });
    await new Promise<void>((resolve) => {
      job.onProgress(({ transfers }) => transfers >= 12 && resolve());
    });
    if (how === 'cancel') job.cancel('enough');
    else controller.abort(new Error('enough'));
    const report = await job.result;
    expect(report.ended.reason).toBe('cancelled');
    expect(report.ended.detail).toContain('enough');
    expect(report.transfers.measured).toBeGreaterThanOrEqual(12);
    expect(report.transfers.measured).toBeLessThan(1_000);
    expect(report.cells[0]?.lanes[0]?.quantiles[0]?.us).toBeGreaterThan(1_000);
    const after = sent();
    job.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent()).toBe(after);
  });

  it('ends with what it has when the runtime stops', async () => {
    const runtime = await startRuntime({ dataDir: false, logger: false });
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, repetitions: 5_000 }, hostLanes(1, 1).lanes);
    await new Promise<void>((resolve) => {
      job.onProgress(({ transfers }) => transfers >= 4 && resolve());
    });
    await runtime.shutdown();
    expect((await job.result).ended.reason).toBe('shutdown');
    await expect(runtime.analyzer.runBenchmark(QUICK, hostLanes(1, 1).lanes)).rejects.toMatchObject({
      code: 'PITWALL_RUNTIME_STOPPED',
    });
  });

  it('ends at its time limit, even where a lane never answers', async () => {
    const runtime = await runtimeOf();
    const forever = (_data: unknown, { signal }: { signal: AbortSignal | undefined }) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    const job = await runtime.analyzer.runBenchmark(
      { ...QUICK, timeLimitMs: 50 },
      { zeroCopy: forever, grpc: forever },
    );
    const report = await job.result;
    expect(report.ended.reason).toBe('time_limit');
    expect(report.transfers).toEqual({ measured: 0, warmUp: 0, failed: 0 });
  });
});

describe('what fails', () => {
  it('a handler: told, and given up where nothing ever worked', async () => {
    const runtime = await runtimeOf();
    const workers = await poolOf(runtime);
    const job = await runtime.analyzer.runBenchmark(
      { ...QUICK, sizes: [512, 1_024, 2_048, 4_096], repetitions: 100 },
      workers.lanes('fail'),
    );
    const report = await job.result;
    expect(report.ended).toEqual({ reason: 'failing', detail: 'PITWALL_HANDLER_FAILED' });
    expect(report.cells[0]?.lanes[0]).toMatchObject({ count: 0, errorCode: 'PITWALL_HANDLER_FAILED' });
    // A benchmark's failures close no lane of production's.
    expect(runtime.snapshot('ml')?.breaker).toBe('closed');
    expect(await workers.execute('read', Buffer.alloc(2_000))).toBe(2_000);
  });

  it('one lane: the other is measured all the same, and the failing one is left alone after a while', async () => {
    const runtime = await runtimeOf();
    const workers = await poolOf(runtime, { arenaBytes: 0 });
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, repetitions: 10 }, workers.lanes('read'));
    const report = await job.result;
    expect(report.ended.reason).toBe('complete');
    const [zeroCopy, grpc] = report.cells[0]?.lanes ?? [];
    expect(zeroCopy).toMatchObject({ count: 0, failed: 3, errorCode: 'PITWALL_SHM_UNAVAILABLE' });
    expect(grpc).toMatchObject({ count: 10, failed: 0 });
  });

  it('the job itself: its result rejects, and nothing else notices', async () => {
    const runtime = await runtimeOf();
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, repetitions: 5_000 }, hostLanes(2, 2).lanes);
    const other = await runtime.analyzer.runBenchmark(QUICK, hostLanes(2, 2).lanes);
    const found = (await hosted(runtime)).find(({ id }) => id === job.id);
    exit(found?.child as Parameters<typeof exit>[0], 'kill'); // a child that runs is a process
    await expect(job.result).rejects.toMatchObject({ code: 'PITWALL_BENCHMARK_FAILED', cause: 'killed' });
    for await (const _ of job) expect.unreachable();
    expect((await other.result).ended.reason).toBe('complete');
    expect(runtime.status.state).toBe('running');
    expect(await hosted(runtime)).toEqual([]);
  });

  it("a host's payload function: as the job itself, and nobody need listen", async () => {
    const runtime = await runtimeOf();
    const wrong = new TypeError('no such payload');
    const payload = (): never => {
      throw wrong;
    };
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, payload }, hostLanes(1, 1).lanes);
    for await (const _ of job) expect.unreachable();
    await expect(job.result).rejects.toMatchObject({ code: 'PITWALL_BENCHMARK_FAILED', cause: wrong });
  });

  it('the call: each mistake by its name, and no more than four at a time', async () => {
    const runtime = await runtimeOf();
    const { lanes } = hostLanes(1, 1);
    const { analyzer } = runtime;
    await expect(analyzer.runBenchmark({ sizes: [-1] }, lanes)).rejects.toMatchObject({
      code: 'PITWALL_INVALID_SCENARIO',
    });
    const noLanes = { zeroCopy: 1, grpc: 2 } as unknown as BenchmarkLanes; // what a caller in JavaScript may pass
    await expect(analyzer.runBenchmark(QUICK, noLanes)).rejects.toMatchObject({ field: 'lanes.zeroCopy' });
    const options = { signal: 'now' as unknown as AbortSignal }; // as above
    await expect(analyzer.runBenchmark(QUICK, lanes, options)).rejects.toMatchObject({ field: 'options.signal' });
    const jobs = await Promise.all(
      [1, 2, 3, 4].map(() => analyzer.runBenchmark({ ...QUICK, repetitions: 5_000 }, lanes)),
    );
    await expect(analyzer.runBenchmark(QUICK, lanes)).rejects.toMatchObject({ code: 'PITWALL_BENCHMARK_BUSY' });
    for (const job of jobs) job.cancel();
    await Promise.all(jobs.map(({ result }) => result));
    const again = await analyzer.runBenchmark(QUICK, lanes);
    expect((await again.result).ended.reason).toBe('complete');
  });
});

describe('production beside it', () => {
  /** Decides and records transfers of known latency until told to stop. */
  async function produce(runtime: Runtime, count: number, latencyUs: (index: number) => number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const request = { pool: 'ml', dataSize: 65_536, dataType: 'tensor', format: 'numpy' };
      const { transferId, method } = runtime.decideTransferMethod(request);
      runtime.recordTransferMetrics(transferId, { latencyUs: latencyUs(index) * (method === 'grpc' ? 1 : 2) });
      if (index % 20 === 19) await runtime.flush();
    }
    await runtime.flush();
  }
  const noise = (index: number): number => 800 * (1 + 0.3 * Math.sin(index * 12.9898));

  it('is calm: nothing stops', async () => {
    const runtime = await runtimeOf();
    await produce(runtime, 200, noise);
    const job = await runtime.analyzer.runBenchmark(
      { ...QUICK, pool: 'ml', repetitions: 5_000 },
      hostLanes(1, 1).lanes,
    );
    await produce(runtime, 1_000, (index) => noise(index + 7));
    job.cancel();
    const report = await job.result;
    expect(report.ended.reason).toBe('cancelled');
    expect(report.production).toMatchObject({ before: 200, during: 1_000 });
    expect(report.production?.medianRatio).toBeCloseTo(1, 1);
    expect(benchmarkText(report)).toContain('production meanwhile: 1000 transfers against 200 before');
  });

  it('suffers for real, on the same worker: the benchmark stops itself, says why, and keeps what it has', async () => {
    const runtime = await runtimeOf();
    const workers = await poolOf(runtime);
    const payload = Buffer.alloc(4_096, 1);
    const execute = async (): Promise<unknown> => workers.execute('read', payload);
    for (let index = 0; index < 80; index += 1) await execute();
    await runtime.flush();
    // Whoever holds the worker's thread for 40 ms at a time, four times in a row, makes its callers wait.
    const job = await runtime.analyzer.runBenchmark(
      { ...QUICK, pool: 'ml', concurrency: [4], repetitions: 5_000, impactTolerance: 1 },
      workers.lanes('hold'),
    );
    let report: BenchmarkReport | undefined;
    void job.result.then((value) => {
      report = value;
    });
    for (let index = 0; index < 400 && !report; index += 1) await execute();
    expect(report?.ended.reason).toBe('production_impact');
    expect(report?.ended.detail).toMatch(/over \d+ transfers since the start, the median by \d+ %/);
    expect(report?.production?.medianRatio).toBeGreaterThan(2);
    expect(report?.transfers.measured).toBeGreaterThan(0);
    expect(benchmarkText(await job.result)).toContain('stopped itself, because production got slower');
  });

  it('that nobody has seen before is looked at alone first', async () => {
    const runtime = await runtimeOf();
    const { lanes, sent } = hostLanes(1, 1);
    const job = await runtime.analyzer.runBenchmark({ ...QUICK, pool: 'ml', repetitions: 5_000 }, lanes);
    await produce(runtime, 10, noise);
    // One burst may be under way when the first transfer is heard of.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const sentBefore = sent();
    await produce(runtime, 60, noise);
    expect(sent()).toBe(sentBefore);
    await produce(runtime, 60, noise);
    await new Promise<void>((resolve) => {
      job.onProgress(() => resolve());
    });
    await produce(runtime, 100, noise);
    job.cancel();
    const { production } = await job.result;
    expect(production?.before).toBeGreaterThanOrEqual(100);
    expect(production?.during).toBeGreaterThanOrEqual(90);
  });
});
