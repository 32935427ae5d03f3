/** What only a worker in Python does, or does in its own way; with the package from dist/. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';
import {
  Bool,
  DateDay,
  Float64,
  Int16,
  Int64,
  Table,
  TimestampMillisecond,
  tableFromArrays,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { type SharedResult, type Tensor, type TensorData, tensor } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodableOf } from '../../src/transports/encodable.ts';
import { WorkerClient } from '../../src/transports/worker-client.ts';
import { isAlive, notes, testPool, testRuntime, until } from '../transports/support.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

const { script } = PYTHON_WORKERS;
const MIB = 2 ** 20;

describe.skipIf(PYTHON === undefined)('payloads', () => {
  it('lie in shared memory, mapped once; results too where the handler asks for room', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script, arenaBytes: 256 * MIB });
    runtime.lane = 'zeroCopy';
    const numbers = Float64Array.from({ length: 100_001 }, (_, i) => i);
    const sent = tensor(numbers, [100_001]);
    expect(await workers.execute('describe', sent)).toMatchObject({ writeable: false });
    await expect(workers.execute('write', sent)).rejects.toThrow(/ValueError: assignment destination is read-only/);
    const before = await workers.execute('mappings', {});
    // The first result travels in the reply, the others in memory that the host lends.
    for (let i = 0; i < 3; i += 1) {
      expectTensor(
        await workers.execute('negative', sent),
        numbers.map((each) => -each),
      );
      expectTensor(await workers.execute('reversed', sent), numbers.slice(1));
      const even = tensor(numbers.subarray(1), [100_000]);
      expectTensor(await workers.execute('reversed', even), numbers.slice(1).reverse());
    }
    await Promise.all(Array.from({ length: 300 }, (_, i) => workers.execute('length', Buffer.alloc(1_000 + 99 * i))));
    const after = await workers.execute('mappings', {});
    expect(before).toMatchObject({ mapped: 1 });
    expect(after).toEqual(before);
    expect(runtime.legs.every((leg) => leg.lane === 'zeroCopy')).toBe(true);
    expect(workers.status()).toMatchObject({ arena: { leases: 0, leasedBytes: 0 } });
  });

  it('that the host builds in shared memory are not copied on the way, nor are results that it leaves there', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script });
    runtime.lane = 'zeroCopy';
    const built = workers.allocateTensor('float64', [1_000, 500]);
    const { data } = built.tensor;
    for (let i = 0; i < data.length; i += 1) data[i] = i;
    const negative = Float64Array.from(data, (each) => -each);
    // The first answer shows how large results of this command are.
    expectTensor(await workers.execute('negative', built.tensor), negative, [1_000, 500]);
    const result = (await workers.execute('negative', built.tensor, { sharedResult: true })) as SharedResult; // as asked for
    expect(result.shared).toBe(true);
    expectTensor(result.value, negative, [1_000, 500]);
    expect(workers.status().arena).toMatchObject({ leases: 2 });
    result.release();
    built.release();
    expect(workers.status().arena).toMatchObject({ leases: 0 });
  });

  it('of 100 MB give the same by both lanes', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script, arenaBytes: 512 * MIB });
    const data = Float32Array.from({ length: 25e6 }, (_, i) => (i % 977) - 400);
    const negative = data.map((each) => -each);
    const sent = tensor(data, [25e3, 1e3]);
    for (const lane of ['zeroCopy', 'zeroCopy', 'grpc'] as const) {
      runtime.lane = lane;
      expectTensor(await workers.execute('negative', sent), negative, sent.shape);
    }
    expect(runtime.legs.map((leg) => leg.lane)).toEqual(['zeroCopy', 'zeroCopy', 'grpc']);
  });

  it('that are tables come as columns: every type, nulls, dictionaries, several batches, streams and files', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script });
    const days = [new Date(0), new Date(86_400_000 * 365)];
    const table = new Table({
      text: vectorFromArray(['x', null, 'zü'], new Utf8()),
      yes: vectorFromArray([true, null, false], new Bool()),
      number: vectorFromArray([1.5, null, -2], new Float64()),
      small: vectorFromArray([1, 2, -3], new Int16()),
      large: vectorFromArray([1n, null, -(2n ** 40n)], new Int64()),
      word: vectorFromArray(['a', null, 'a']),
    });
    const expected = {
      text: ['x', null, 'zü'],
      yes: [true, null, false],
      number: [1.5, null, -2],
      small: [1, 2, -3],
      large: [1, null, -(2 ** 40)],
      word: ['a', null, 'a'],
    };
    for (const lane of ['grpc', 'zeroCopy'] as const) {
      runtime.lane = lane;
      for (const payload of [tableToIPC(table, 'stream'), tableToIPC(table, 'file')]) {
        const got = (await workers.execute('columns', payload, { format: 'arrow' })) as Described[];
        expect(Object.fromEntries(got.map((column) => [column.name, column.values]))).toEqual(expected);
        expect(got.map((column) => column.grouped)).toEqual(got.map((column) => column.values));
        expect(got.map((column) => column.kind)).toEqual([
          'utf8',
          'bool',
          'float64',
          'int16',
          'int64',
          'dictionary<utf8>',
        ]);
      }
      const batches = tableFromArrays({ n: Int32Array.of(1, 2), s: ['a', 'b'] }).concat(
        tableFromArrays({ n: Int32Array.of(3), s: ['c'] }),
      );
      expect(await workers.execute('columns', batches)).toMatchObject([
        { values: [1, 2, 3], grouped: [1, 2, 3] },
        { values: ['a', 'b', 'c'], grouped: ['a', 'b', 'c'] },
      ]);
    }
    const times = new Table({
      day: vectorFromArray(days, new DateDay()),
      time: vectorFromArray(days, new TimestampMillisecond()),
    });
    // Dates are no JSON: that they are read is seen in what refuses to send them.
    await expect(workers.execute('columns', times)).rejects.toThrow(/type date cannot be sent/);
    await expect(workers.execute('columns', Buffer.from('no table at all'), { format: 'arrow' })).rejects.toMatchObject(
      {
        code: 'PITWALL_PAYLOAD_UNREADABLE',
      },
    );
    const nested = new Table({ list: vectorFromArray([[1], [2, 3]]) });
    await expect(workers.execute('columns', nested)).rejects.toThrow(/"list"|'list' is nested/);
  });

  it('that a handler makes of columns are Arrow tables to the host', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script });
    for (const lane of ['grpc', 'zeroCopy', 'zeroCopy'] as const) {
      runtime.lane = lane;
      for (const rows of [0, 1, 7, 20_000]) {
        const table = (await workers.execute('tableOf', rows)) as Table;
        expect(table.numRows).toBe(rows);
        const last = rows === 0 ? [] : table.get(rows - 1)?.toArray();
        const i = rows - 1;
        const gap = i % 3 === 0;
        const expected = [BigInt(i), i % 256, i / 2, i % 2 === 0, gap ? null : `zeile ü ${i}`, gap ? null : BigInt(i)];
        if (rows > 0) expect(last?.slice(0, 6)).toEqual(expected);
        if (rows > 0) expect(last?.slice(6).map(Number)).toEqual([86_400_000 * i, i]);
      }
    }
  });

  it('that are damaged tables are refused, and nothing worse', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script });
    const whole = tableToIPC(tableFromArrays({ n: Float64Array.of(1, 2, 3), s: ['a', 'b', 'a'] }));
    const pid = await workers.execute('pid', {});
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, () => {
        const damaged = Buffer.from(whole);
        for (let i = 0; i < 3; i += 1)
          damaged[Math.floor(Math.random() * damaged.length)] = Math.floor(Math.random() * 256);
        const length = Math.random() < 0.3 ? Math.floor(Math.random() * damaged.length) : damaged.length;
        return workers.execute('columns', damaged.subarray(0, length), { format: 'arrow' });
      }),
    );
    const codes = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
    expect(new Set(codes)).toSatisfy((set: Set<string>) =>
      [...set].every((code) => /PITWALL_(PAYLOAD_UNREADABLE|HANDLER_FAILED|RESULT_UNSENDABLE)/.test(code)),
    );
    expect(codes.filter((code) => code === 'PITWALL_PAYLOAD_UNREADABLE').length).toBeGreaterThan(20);
    expect(await workers.execute('pid', {})).toBe(pid);
  });
});

/** Byte by byte: a general comparison of so many numbers takes seconds. */
function expectTensor(got: unknown, data: TensorData, shape: readonly number[] = [data.length]): void {
  expect(got).toMatchObject({ shape });
  const { data: found } = got as Tensor; // looked at above
  const [one, other] = [found, data].map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength));
  expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);
}

interface Described {
  readonly name: string;
  readonly kind: string;
  readonly values: unknown[];
  readonly grouped: unknown[];
}

describe.skipIf(PYTHON === undefined)('set-up', () => {
  it('over TCP with a token; options of Python, the environment, but not the token reach the script', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, {
      script,
      network: 'tcp',
      execArgv: ['-X', 'dev'],
      env: { ...process.env, COLOUR: 'red' },
    });
    for (const lane of ['grpc', 'zeroCopy'] as const) {
      runtime.lane = lane;
      expect(await workers.execute('describe', Buffer.alloc(5e6, 1))).toMatchObject({ bytes: 5e6 });
      expect(await workers.execute('environment', { name: 'COLOUR' })).toEqual({ value: 'red', flags: true });
      expect(await workers.execute('environment', { name: 'PITWALL_WORKER_TOKEN' })).toMatchObject({ value: null });
    }
    expect(runtime.legs.every((leg) => leg.outcome === 'success')).toBe(true);
  });

  it('a script that cannot serve: the start fails with the reason', async () => {
    const runtime = await testRuntime();
    const missing = new URL('./fixtures/no_such_worker.py', import.meta.url);
    await expect(testPool(runtime, { script: missing })).rejects.toThrow(
      /could not start: FileNotFoundError.*no_such_worker/,
    );
    const none = new URL('../../python/tests/host.py', import.meta.url);
    await expect(testPool(runtime, { script: none })).rejects.toThrow(/makes no worker/);
  });
});

describe.skipIf(PYTHON === undefined)('a worker by itself', () => {
  it('opens wide windows, endures pings, shows strangers nothing, ends with its host and takes its socket along', async () => {
    const worker = await start({ PITWALL_WORKER_TOKEN: 'secret' });
    const session = connect('http://localhost', { path: worker.socket });
    await once(session, 'connect');
    await until(() => (session.remoteSettings?.initialWindowSize ?? 0) > 4_000_000, 'the window of a stream');
    await until(() => Number(session.state.remoteWindowSize) > 4_000_000, 'the window of the connection');
    // The host pings what is silent for long; a server that takes that for abuse closes the connection.
    let closed = false;
    session.on('goaway', () => {
      closed = true;
    });
    for (let i = 0; i < 20; i += 1) {
      await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
    }
    expect(closed).toBe(false);
    session.destroy();

    for (const token of [undefined, 'guess']) {
      const stranger = new WorkerClient(grpc, `unix:${worker.socket}`, token);
      await expect(stranger.health(5_000)).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
      for (const streamed of [false, true]) {
        const asked = stranger.execute(REQUEST, { signal: undefined, timeoutMs: 5_000 }, streamed);
        await expect(asked).rejects.toMatchObject({ code: 'PITWALL_GRPC_FAILED' });
      }
      stranger.close();
    }
    const client = new WorkerClient(grpc, `unix:${worker.socket}`, 'secret');
    expect(await client.health(5_000)).toMatchObject({ pid: worker.pid, commands: expect.arrayContaining(['echo']) });
    expect(await client.attach('{"lane":"memfd"}')).toMatchObject({
      error: expect.stringMatching(/cannot be attached/),
    });
    // A handler that never looks up does not keep it alive.
    const spinning = client.execute(
      { ...REQUEST, command: 'spin', data: encodableOf(Buffer.from('{"ms":600000}')) },
      FOREVER,
    );
    const outcome = expect(spinning).rejects.toMatchObject({ code: 'PITWALL_WORKER_LOST' });
    worker.child.stdin?.end();
    await worker.exit;
    expect(existsSync(worker.folder)).toBe(false);
    await outcome;
    client.close();
  });

  it('told to stop, lets handlers end, and ends', async () => {
    const worker = await start({});
    const client = new WorkerClient(grpc, `unix:${worker.socket}`, undefined);
    const file = path.join(worker.folder, 'notes');
    const data = encodableOf(Buffer.from(JSON.stringify({ ms: 600_000, file })));
    const waiting = client.execute({ ...REQUEST, command: 'wait', data }, FOREVER);
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'PITWALL_WORKER_LOST' });
    await until(() => notes(file) === 'began\n', 'the handler');
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toEqual([0, null]);
    expect(notes(file)).toBe('began\naborted\n');
    await outcome;
    client.close();
  });

  const long = process.env.PITWALL_LONG === '1';
  it.runIf(long)(
    'ends although a handler holds the lock of the interpreter (PITWALL_LONG=1: 16 seconds)',
    async () => {
      const host = spawn(
        process.execPath,
        ['-e', HOST_OF_ONE, PYTHON ?? '', path.resolve('python/src/pitwall_worker'), script.pathname],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const [said] = (await once(host.stdout, 'data')) as [Buffer];
      const { pid, socket } = JSON.parse(String(said)) as { pid: number; socket: string };
      const client = new WorkerClient(grpc, `unix:${socket}`, undefined);
      const stuck = client.execute({ ...REQUEST, command: 'holdLock' }, FOREVER).catch(() => 'lost');
      await until(() => isAlive(pid), 'the worker');
      await expect(client.health(2_000)).rejects.toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
      host.kill('SIGKILL');
      await until(() => !isAlive(pid), 'the end of the worker', 20_000);
      expect(await stuck).toBe('lost');
      client.close();
    },
    60_000,
  );
});

const FOREVER = { signal: undefined, timeoutMs: Number.POSITIVE_INFINITY };
const REQUEST = {
  command: 'echo',
  dataType: 'json',
  format: 'json',
  gzip: false,
  reference: undefined,
  resultReference: undefined,
  size: 1,
  timeoutMs: 0,
  data: encodableOf(Buffer.from('1')),
};

/** A host that starts one worker and says which. */
const HOST_OF_ONE = `
const { mkdtempSync } = require('node:fs');
const [python, program, script] = process.argv.slice(1);
const socket = mkdtempSync(require('node:os').tmpdir() + '/pw-') + '/s';
const child = require('node:child_process').spawn(python, [program, 'unix:' + socket, script], { stdio: ['pipe', 2, 2, 'pipe'] });
child.stdio[3].once('data', () => console.log(JSON.stringify({ pid: child.pid, socket })));
`;

async function start(env: NodeJS.ProcessEnv) {
  const base = mkdtempSync(path.join(tmpdir(), 'pw-'));
  const folder = path.join(base, 'pool');
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  mkdirSync(folder);
  const socket = path.join(folder, 's');
  const child = spawn(PYTHON ?? '', ['python/src/pitwall_worker', `unix:${socket}`, script.pathname], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 2, 2, 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const ready = child.stdio[3];
  if (!ready) throw new Error('no descriptor 3');
  const [line] = (await once(ready, 'data')) as [Buffer];
  expect(JSON.parse(String(line))).toEqual({ ready: true });
  return { child, exit, folder, pid: child.pid, socket };
}
