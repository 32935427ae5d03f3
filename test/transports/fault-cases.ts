/** Workers of any kind that die, hang and fail while they have a command. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TransportError } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LaneName, notes, testPool, testRuntime, until, type WorkerKind } from './support.ts';

export const LANES: readonly LaneName[] = ['grpc', 'zeroCopy'];

export function noteFile(): string {
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

/** `lanes`: those in which a command fails; what the lanes have in common comes once. */
export function faultCases({ name, script }: WorkerKind, lanes: readonly LaneName[] = LANES): void {
  describe(`workers in ${name}`, () => {
    describe.each(lanes)('%s', (lane) => {
      it("a handler's error is the caller's, is not sent again, and is no fault of the lane", async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
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
        const workers = await testPool(runtime, { script });
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

      it('who gives up hears at once, with the own reason; the handler is told', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
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
        const workers = await testPool(runtime, { script, maxInFlight: 1 });
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
        const workers = await testPool(runtime, { script, arenaBytes: 2 ** 20 });
        runtime.lane = 'zeroCopy';
        const file = noteFile();
        const controller = new AbortController();
        const run = workers.execute('waitBytes', waitPayload({ ms: 400, file }, 700_000), {
          signal: controller.signal,
        });
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
        const workers = await testPool(runtime, { script, healthEveryMs: 100 });
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
        const workers = await testPool(runtime, { script });
        runtime.lane = 'zeroCopy';
        await workers.execute('echo', 1);
        const [before] = workers.status().workers;
        const own = listeningSockets(before?.pid ?? 0);
        expect(own).toHaveLength(2);
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
  });
}

/** Paths of the Unix sockets that a process listens on: lines of /proc/net/unix whose inode is one of its descriptors'. */
function listeningSockets(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '';
      return /^socket:\[(\d+)\]$/.exec(target)?.[1];
    }),
  );
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  // Columns: number, references, protocol, flags (10000: it listens), type, state, inode, path; the path may hold spaces.
  const found = lines.flatMap((line) => {
    const [, flags, inode, name] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.+)$/.exec(line) ?? [];
    return flags === '00010000' && name !== undefined && inodes.has(inode) ? [name] : [];
  });
  return found.filter((name) => existsSync(name));
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
