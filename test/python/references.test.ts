/**
 * References that were forged, damaged or late, sent by a real host to a real worker in Python, on every lane of shared memory: none is read, the
 * worker lives, and a pool sends the payload by gRPC. With the package from dist/. `PITWALL_SEED=42` repeats.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectControl } from '../../src/transports/control-client.ts';
import { openArena } from '../../src/transports/memory/open-arena.ts';
import type { Arena, Lease, MemoryLane, Reference } from '../../src/transports/memory/types.ts';
import type { ReceivedReply } from '../../src/transports/messages.ts';
import { WorkerClient } from '../../src/transports/worker-client.ts';
import { isAlive, testPool, testRuntime } from '../transports/support.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

const LANES: readonly MemoryLane[] = ['memfd', 'file', 'copy'];
const FORGERIES = 1_000;
const WAIT = { signal: undefined, timeoutMs: 30_000 };
/** Its digest is not in what comes back as long as it is not read. */
const SECRET = Buffer.alloc(5_000, 'what nobody may read ');
const REFUSED = /^PITWALL_SHM_REFERENCE$/;

describe.skipIf(PYTHON === undefined)('a worker in Python', () => {
  let folder = '';
  let worker: ReturnType<typeof spawn>;
  let client: WorkerClient;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'pw-'));
    const address = `unix:${path.join(folder, 's')}`;
    const program = ['python/src/pitwall_worker', address, PYTHON_WORKERS.script.pathname];
    worker = spawn(PYTHON ?? '', program, { stdio: ['pipe', 2, 2, 'pipe'] });
    await once(worker.stdio[3] ?? worker, 'data');
    client = new WorkerClient(grpc, address, undefined);
  });
  afterAll(async () => {
    client.close();
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(LANES)('lane %s', (lane) => {
    async function attached(use: (parts: { arena: Arena; lease: Lease; ask: Ask }) => Promise<void>): Promise<void> {
      const arena = await openArena({ bytes: 2 ** 20, lane, nowMs: Date.now });
      const { error, controlPath } = await client.attach(JSON.stringify(arena.descriptor));
      expect(error).toBe('');
      const courier = await connectControl(controlPath, () => undefined);
      const lease = arena.allocate(SECRET.length);
      if (!lease) throw new Error('no room');
      lease.buffer.set(SECRET);
      lease.commit();
      const ask: Ask = (reference, resultReference) => {
        const request = { command: 'describe', dataType: 'binary', format: 'raw', gzip: false, size: 1, timeoutMs: 0 };
        return courier.send({ ...request, reference, resultReference, data: undefined }, WAIT).reply;
      };
      try {
        await use({ arena, lease, ask });
      } finally {
        courier.close();
        arena.close();
      }
      if (lane !== 'memfd') expect(existsSync(arena.descriptor.path)).toBe(false);
    }

    it(`refuses ${FORGERIES} corrupted references, and reads the true one`, () =>
      attached(async ({ lease, ask }) => {
        const good = JSON.stringify(lease.reference);
        const read = JSON.parse(String((await ask(Buffer.from(good))).data));
        expect(read).toMatchObject({ bytes: SECRET.length, lane: 'zero_copy' });
        const forged = fc.sample(forgeries(lease.reference), seeded(FORGERIES));
        expect(forged.filter((each) => means(each, good)).length).toBeLessThan(FORGERIES / 10);
        const replies = await Promise.all(forged.map((each) => ask(each)));
        const wrong = forged.filter((each, i) => !means(each, good) && !REFUSED.test(replies[i]?.errorCode ?? ''));
        expect(wrong.map(String)).toEqual([]);
        // One by gRPC too, as workers without a channel of their own get them.
        const request = { command: 'describe', dataType: 'binary', format: 'raw', gzip: false, size: 1, timeoutMs: 0 };
        const late = { ...lease.reference, offset: lease.reference.offset + 64 };
        const asked = { ...request, reference: Buffer.from(JSON.stringify(late)), resultReference: undefined };
        expect(await client.execute({ ...asked, data: undefined }, WAIT)).toMatchObject({
          errorCode: 'PITWALL_SHM_REFERENCE',
        });
        expect(isAlive(worker.pid ?? 0)).toBe(true);
        expect(JSON.parse(String((await ask(Buffer.from(good))).data))).toEqual(read);
      }));

    it('refuses a stale one, and one of another arena; writes no result where it may not', () =>
      attached(async ({ arena, lease, ask }) => {
        const stale = Buffer.from(JSON.stringify(lease.reference));
        const other = arena.allocate(200_000);
        if (!other) throw new Error('no room');
        other.buffer.fill(7);
        other.commit();
        const foreign = { ...other.reference, arena: '0'.repeat(16) };
        for (const place of [stale, Buffer.from(JSON.stringify(foreign)), Buffer.from('nonsense')]) {
          lease.release();
          const payload = Buffer.from(JSON.stringify(other.reference));
          // Echoed: large enough to go where the host offers room.
          const { resultLength, errorCode, data } = await echo(folder, payload, place);
          expect({ resultLength, errorCode, bytes: data?.length }).toEqual({
            resultLength: 0,
            errorCode: '',
            bytes: 200_000,
          });
        }
        expect(await ask(stale)).toMatchObject({
          errorCode: 'PITWALL_SHM_REFERENCE',
          errorMessage: expect.stringMatching(/generation/),
        });
      }));
  });
});

describe.skipIf(PYTHON === undefined)('a pool', () => {
  it('sends by gRPC what a worker refuses', async () => {
    // A host whose clock is an hour slow: every reference has expired before it is sent.
    const runtime = await testRuntime({ nowMs: () => Date.now() - 3_600_000 });
    const workers = await testPool(runtime, { script: PYTHON_WORKERS.script });
    runtime.lane = 'zeroCopy';
    expect(await workers.execute('describe', SECRET)).toMatchObject({ bytes: SECRET.length, lane: 'grpc' });
    expect(runtime.legs).toMatchObject([
      { lane: 'zeroCopy', outcome: { code: 'PITWALL_SHM_REFERENCE', laneFault: true } },
      { lane: 'grpc', outcome: 'success' },
    ]);
    expect(workers.status()).toMatchObject({ arena: { leases: 0 } });
  });
});

type Ask = (reference: Buffer, resultReference?: Buffer) => Promise<ReceivedReply>;

async function echo(folder: string, reference: Buffer, resultReference: Buffer): Promise<ReceivedReply> {
  const courier = await connectControl(path.join(folder, 's.control'), () => undefined);
  const request = { command: 'echo', dataType: 'binary', format: 'raw', gzip: false, size: 1, timeoutMs: 0 };
  const { reply } = courier.send({ ...request, reference, resultReference, data: undefined }, WAIT);
  return reply.finally(() => courier.close());
}

/** Text of a reference with another value in a field, or with bytes changed, lost, doubled. */
function forgeries(reference: Reference): fc.Arbitrary<Buffer> {
  const text = Buffer.from(JSON.stringify(reference));
  const names = fc.constantFrom('arena', 'generation', 'offset', 'length', 'expiresAtMs', 'signature');
  const values = fc.oneof(fc.integer(), fc.maxSafeNat(), fc.string(), fc.jsonValue(), fc.double());
  const otherField = fc
    .tuple(names, values)
    .map(([name, value]) => Buffer.from(JSON.stringify({ ...reference, [name]: value })));
  const near = fc
    .tuple(fc.constantFrom('generation', 'offset', 'length', 'expiresAtMs'), fc.integer({ min: -4096, max: 4096 }))
    .map(([name, by]) =>
      Buffer.from(JSON.stringify({ ...reference, [name]: Number(reference[name as keyof Reference]) + by })),
    );
  const otherBytes = fc
    .array(fc.tuple(fc.nat(text.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 })
    .map((changes) => {
      const changed = Buffer.from(text);
      for (const [at, byte] of changes) changed[at] = byte;
      return changed;
    });
  const cut = fc
    .tuple(fc.nat(text.length), fc.nat(text.length))
    .map(([a, b]) => Buffer.concat([text.subarray(0, a), text.subarray(b)]));
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  // Nothing is not sent: to the worker it is a request without a reference.
  return fc.oneof(otherField, near, otherBytes, cut, noise).filter((text) => text.length > 0);
}

/** Whether a text says what the true one says, in other bytes perhaps. */
function means(text: Buffer, good: string): boolean {
  try {
    const { fresh: _fresh, ...said } = JSON.parse(text.toString('utf8'));
    const { fresh: _alsoFresh, ...meant } = JSON.parse(good);
    return Object.entries(meant).every(([name, value]) => said[name] === value);
  } catch {
    return false;
  }
}

function seeded(numRuns: number): { numRuns: number; seed: number } {
  const seed = Number(process.env.PITWALL_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.info(`seed of the forgeries: ${seed}`);
  return { numRuns, seed };
}
