/** Workers that die, hang and fail while they have a command. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TransportError } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, type LaneName, notes, testPool, testRuntime, until } from './support.ts';

const LANES: readonly LaneName[] = ['grpc', 'zeroCopy'];

function noteFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'pitwall notes '));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'notes');
}

/** A payload of `size` bytes for the handler `waitBytes`. */
function waitPayload(options: { ms: number; file: string }, size = 500_000): Buffer {
  const payload = Buffer.alloc(size, 1);
  payload.write(`${JSON.stringify(options)}\0`);
  return payload;
}

describe.each(LANES)('%s', (lane) => {
  it("a handler's error is the caller's, is not sent again, and is no fault of the lane", async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime);
    runtime.lane = lane;
    await expect(workers.execute('throws', { message: 'too far' })).rejects.toMatchObject({
      code: 'PITWALL_HANDLER_FAILED',
      message: 'throws: RangeError: too far',
    });
    await expect(workers.execute('throwsNothing', {})).rejects.toBeInstanceOf(TransportError);
    await expect(workers.execute('none of ours', {})).rejects.toMatchObject({ code: 'PITWALL_UNKNOWN_COMMAND' });
    await expect(workers.execute('constructor', {})).rejects.toMatchObject({ code: 'PITWALL_UNKNOWN_COMMAND' });
    await expect(workers.execute('describe', Buffer.from('no npy'), { format: 'numpy' })).rejects.toMatchObject({
      code: 'PITWALL_PAYLOAD_UNREADABLE',
    });
    expect(runtime.legs).toHaveLength(5);
    expect(
      runtime.legs.every((leg) => leg.lane === lane && (leg.outcome as { laneFault: unknown }).laneFault === false),
    ).toBe(true);
    expect(await workers.execute('echo', 'still there')).toBe('still there');
  });

  it('a worker killed mid-transfer: the command fails once, clearly, and the worker is restarted', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime);
    runtime.lane = lane;
    const file = noteFile();
    const [before] = workers.status().workers;
    const lost = workers.execute('wait', { ms: 60_000, file });
    const outcome = expect(lost).rejects.toMatchObject({
      code: 'PITWALL_WORKER_LOST',
      retryable: false,
      laneFault: false,
    });
    await until(() => notes(file) === 'began\n', 'the handler');
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await outcome;
    expect(await workers.execute('echo', 'again')).toBe('again');
    expect(workers.status().workers).toMatchObject([{ state: 'ready', restarts: 1, inFlight: 0 }]);
    expect(workers.status().workers[0]?.pid).not.toBe(before?.pid);
    expect(workers.status().arena?.leases).toBe(0);
    expect(notes(file)).toBe('began\n');
  });

  it('an idempotent command is sent again, to a limit', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { size: 2 });
    runtime.lane = lane;
    const file = noteFile();
    const run = workers.execute('wait', { ms: 400, file }, { idempotent: true });
    await until(() => notes(file) === 'began\n', 'the handler');
    for (const { pid, inFlight } of workers.status().workers) if (pid && inFlight > 0) process.kill(pid, 'SIGKILL');
    expect(await run).toBe('waited');
    expect(notes(file)).toBe('began\nbegan\nended\n');
    expect(runtime.legs).toMatchObject([{ lane, outcome: 'ignored' }]);

    const deadly = noteFile();
    await expect(workers.execute('dies', { file: deadly }, { idempotent: true })).rejects.toMatchObject({
      code: 'PITWALL_WORKER_LOST',
    });
    expect(notes(deadly)).toBe('began\n'.repeat(5));
    expect(await workers.execute('echo', 1)).toBe(1);
  });

  it('who gives up hears at once, with the own reason; the handler is told', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime);
    runtime.lane = lane;
    const file = noteFile();
    const controller = new AbortController();
    const run = workers.execute('wait', { ms: 60_000, file }, { signal: controller.signal });
    const outcome = expect(run).rejects.toThrow('enough');
    await until(() => notes(file) === 'began\n', 'the handler');
    controller.abort(new Error('enough'));
    await outcome;
    await until(() => notes(file) === 'began\naborted\n', 'the abort in the handler');
    await until(
      () => workers.status().workers[0]?.inFlight === 0 && workers.status().arena?.leases === 0,
      'the place and the memory',
    );
    await expect(workers.execute('echo', 1, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
  });

  it('a deadline is kept, the wait for a worker included', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { maxInFlight: 1 });
    runtime.lane = lane;
    const file = noteFile();
    const first = workers.execute('wait', { ms: 500 });
    await expect(workers.execute('echo', 1, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'PITWALL_TRANSFER_TIMEOUT',
    });
    await first;
    await expect(workers.execute('wait', { ms: 60_000, file }, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'PITWALL_TRANSFER_TIMEOUT',
      laneFault: false,
    });
    await until(() => notes(file) === 'began\naborted\n', 'the abort in the handler');
    expect(await workers.execute('echo', 1)).toBe(1);
  });
});

describe('shared memory and callers who gave up', () => {
  it('is not given to others while the worker may still use it', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { arenaBytes: 2 ** 20 });
    runtime.lane = 'zeroCopy';
    const file = noteFile();
    const controller = new AbortController();
    const run = workers.execute('waitBytes', waitPayload({ ms: 400, file }, 700_000), { signal: controller.signal });
    const outcome = expect(run).rejects.toThrow('enough');
    await until(() => notes(file) === 'began\n', 'the handler');
    controller.abort(new Error('enough'));
    await outcome;
    expect(workers.status().arena?.leases).toBe(1);
    expect(workers.status().workers).toMatchObject([{ inFlight: 1 }]);
    // No room beside it: the next one goes by gRPC and cannot write over what the handler still reads.
    expect(await workers.execute('describe', Buffer.alloc(700_000, 2))).toMatchObject({ lane: 'grpc' });
    await until(() => notes(file) === 'began\naborted whole\n', 'the end of the handler');
    await until(() => workers.status().arena?.leases === 0, 'the memory');
    expect(await workers.execute('describe', Buffer.alloc(700_000, 2))).toMatchObject({ lane: 'zero_copy' });
  });
});

describe('a worker that hangs', () => {
  it('a handler that never yields is waited for; one that nobody awaits is restarted', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { healthEveryMs: 100 });
    const [before] = workers.status().workers;
    // Longer than a health check takes to fail.
    expect(await workers.execute('spin', { ms: 1_500 })).toBe('spun');
    expect(workers.status().workers[0]?.pid).toBe(before?.pid);
    await expect(workers.execute('spin', { ms: 600_000 }, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'PITWALL_TRANSFER_TIMEOUT',
    });
    await until(() => workers.status().workers[0]?.pid !== before?.pid, 'a restart', 60_000);
    expect(await workers.execute('echo', 1, { idempotent: true })).toBe(1);
  }, 120_000);
});

describe('nonsense on a socket', () => {
  it('ends no process: the peer is cut off', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime);
    runtime.lane = 'zeroCopy';
    await workers.execute('echo', 1);
    const [before] = workers.status().workers;
    const { readFileSync, readdirSync, readlinkSync } = await import('node:fs');
    // The worker's sockets are those that it listens on.
    const listening = readFileSync('/proc/net/unix', 'utf8').match(/\S+\.sock(\.control)?$/gm) ?? [];
    const inodes = readdirSync(`/proc/${before?.pid}/fd`).map((fd) =>
      attempt(() => readlinkSync(`/proc/${before?.pid}/fd/${fd}`)),
    );
    expect(inodes.length).toBeGreaterThan(3);
    const own = [...new Set(listening)].filter((name) => existsSync(name));
    for (const name of own) {
      for (const noise of [
        'GET / HTTP/1.1\r\n\r\n',
        Buffer.alloc(100_000, 255),
        Buffer.from([9, 0, 0, 0, 77, 1, 0, 0, 0, 1, 2, 3, 4]),
        Buffer.from([6, 0, 0, 0, 1, 1, 0, 0, 0, 255]),
      ]) {
        await new Promise<void>((resolve) => {
          const socket = connect(name, () => socket.end(noise));
          socket.on('error', () => undefined);
          socket.on('close', () => resolve());
          socket.resume();
        });
      }
    }
    expect(await workers.execute('echo', 2)).toBe(2);
    expect(workers.status().workers[0]?.pid).toBe(before?.pid);
  });
});

describe('a pool whose workers do not live', () => {
  it('a script that cannot be loaded: the start fails with the reason, nothing is left', async () => {
    const runtime = await testRuntime();
    const missing = new URL('./fixtures/no-such-worker.mjs', import.meta.url);
    await expect(testPool(runtime, { script: missing })).rejects.toThrow(/no-such-worker/);
    await expect(testPool(runtime, { script: new URL('./support.ts', import.meta.url) })).rejects.toThrow(
      /could not start/,
    );
    await expect(testPool(runtime, { command: ['/no/such/program'] })).rejects.toThrow(/could not be started/);
    await expect(testPool(runtime, { command: [process.execPath, '-e', 'process.exit(3)'] })).rejects.toThrow(/code 3/);
    await expect(
      testPool(runtime, { command: [process.execPath, '-e', 'require("fs").writeSync(3, "hello\\n")'] }),
    ).rejects.toThrow(/something else/);
    await expect(
      testPool(runtime, { command: [process.execPath, '-e', 'setTimeout(() => {}, 1e6)'], startTimeoutMs: 200 }),
    ).rejects.toThrow(/not ready within 200 ms/);
    expect(runtime.published.at(-1)).toBeUndefined();
    expect(await (await testPool(runtime)).execute('echo', 1)).toBe(1);
  });

  it('one that dies at every command is given up; callers hear so', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { maxRestarts: 1 });
    const outcomes = [];
    for (let i = 0; i < 6; i += 1) outcomes.push(await workers.execute('dies', {}).catch((error) => error.code));
    expect(outcomes[0]).toBe('PITWALL_WORKER_LOST');
    expect(outcomes.at(-1)).toBe('PITWALL_POOL_CLOSED');
    expect(runtime.published.at(-1)).toBeUndefined();
  });

  it('closes: commands in flight end, those that wait too long fail, the processes are gone', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { size: 2, maxInFlight: 1 });
    const pids = workers.status().workers.map(({ pid }) => pid ?? 0);
    const inFlight = [workers.execute('wait', { ms: 200 }), workers.execute('wait', { ms: 60_000 })];
    const waiting = workers.execute('wait', { ms: 60_000 });
    const outcomes = Promise.allSettled([...inFlight, waiting]);
    await workers.close({ drainMs: 1_000 });
    await workers.close();
    expect((await outcomes).map((each) => (each.status === 'fulfilled' ? each.value : each.reason.code))).toEqual([
      'waited',
      'PITWALL_WORKER_LOST',
      expect.stringMatching(/PITWALL_(POOL_CLOSED|WORKER_LOST)/),
    ]);
    expect(pids.some(isAlive)).toBe(false);
    await expect(workers.execute('echo', 1)).rejects.toMatchObject({ code: 'PITWALL_POOL_CLOSED' });
    expect(runtime.published.at(-1)).toBeUndefined();
  });
});

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
