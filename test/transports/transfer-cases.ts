/** Real payloads through both lanes to real worker processes of any kind: what arrives is what was sent, to the byte. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { tensor } from 'pitwall/transports';
import { describe, expect, it } from 'vitest';
import { type LaneName, testPool, testRuntime, type WorkerKind } from './support.ts';

const LANES: readonly LaneName[] = ['grpc', 'zeroCopy'];
const MIB = 2 ** 20;
const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

export function transferCases({ name, script, nothing, bytesOfTable }: WorkerKind): void {
  describe(`workers in ${name}`, () => {
    describe.each(LANES)('%s', (lane) => {
      const contextLane = lane === 'grpc' ? 'grpc' : 'zero_copy';

      it('sizes around every limit', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script, arenaBytes: 256 * MIB });
        runtime.lane = lane;
        const block = randomBytes(100e6);
        for (const size of [
          1,
          63,
          64,
          65_535,
          65_536,
          MIB,
          2 * MIB - 1,
          2 * MIB,
          4 * MIB - 1,
          4 * MIB,
          4 * MIB + 1,
          100e6,
        ]) {
          const payload = block.subarray(0, size);
          const got = await workers.execute('describe', payload);
          expect(got, `${size} bytes`).toMatchObject({ bytes: size, sha1: sha1(payload), lane: contextLane });
        }
        expect(runtime.legs.every((leg) => leg.lane === lane && leg.outcome === 'success')).toBe(true);
        expect(workers.status()).toMatchObject({ arena: { leases: 0, leasedBytes: 0 } });
      });

      it('every kind of payload', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
        runtime.lane = lane;
        const numbers = Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i));
        const table = tableFromArrays({ n: numbers, s: Array.from(numbers, (_, i) => `row ${i % 9}`) });
        expect(await workers.execute('describe', tensor(numbers, [100, 100]))).toMatchObject({
          shape: [100, 100],
          dtype: 'float32',
          sha1: sha1(new Uint8Array(numbers.buffer)),
        });
        expect(await workers.execute('describe', BigInt64Array.of(1n, -1n))).toMatchObject({
          dtype: 'int64',
          shape: [2],
        });
        const rows = sha1(bytesOfTable(table));
        expect(await workers.execute('describe', table)).toMatchObject({ rows: 10_000, sha1: rows });
        expect(await workers.execute('describe', tableToIPC(table), { format: 'arrow' })).toMatchObject({
          rows: 10_000,
          sha1: rows,
        });
        for (const document of [{ a: [1, null, 'ü'] }, [], 0, false, 'text with ü']) {
          expect(await workers.execute('echo', document)).toEqual(document);
        }
        expect(await workers.execute('echo', tensor(numbers, [50, 200]))).toEqual({
          data: numbers,
          shape: [50, 200],
          dtype: 'float32',
        });
        expect(String(await workers.execute('echo', table))).toBe(String(table));
        expect(runtime.legs.every((leg) => leg.lane === lane)).toBe(true);
      });

      it('results: none, small, large, larger than the last, and what cannot be sent', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
        runtime.lane = lane;
        expect(await workers.execute('nothing', {})).toBe(nothing);
        for (const count of [0, 10, 300_000, 300_000, 350_000, 5_000_000, 5_000_000, 12, 300_000]) {
          const result = await workers.execute('bytes', { count, fill: 3 });
          expect(Buffer.alloc(count, 3).equals(result as Buffer), `${count} bytes`).toBe(true);
        }
        expect(await workers.execute('zeros', { shape: [300, 300] })).toMatchObject({
          shape: [300, 300],
          dtype: 'float64',
        });
        await expect(workers.execute('unsendable', {})).rejects.toMatchObject({ code: 'PITWALL_RESULT_UNSENDABLE' });
        expect(workers.status()).toMatchObject({ arena: { leases: 0 } });
      });
    });

    describe('what a transfer costs', () => {
      it('each lane says what it measured', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
        for (const lane of LANES) {
          runtime.lane = lane;
          await workers.execute('length', Buffer.alloc(3e6));
        }
        const [grpc, zeroCopy] = runtime.legs;
        for (const part of ['serializeUs', 'transportUs', 'workerUs']) {
          expect(grpc?.cost[part], part).toBeGreaterThan(0);
          expect(zeroCopy?.cost[part], part).toBeGreaterThan(0);
        }
        expect(zeroCopy?.cost).toMatchObject({
          warm: expect.any(Boolean),
          setupUs: expect.any(Number),
          cleanupUs: expect.any(Number),
          memoryUsed: 3e6,
        });
        expect(Number(zeroCopy?.cost.workerUs)).toBeLessThan(Number(zeroCopy?.cost.transportUs));
      });

      it('memory is warm the second time', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
        runtime.lane = 'zeroCopy';
        await workers.execute('length', Buffer.alloc(40e6));
        await workers.execute('length', Buffer.alloc(40e6));
        expect(runtime.legs.at(-1)?.cost).toMatchObject({ warm: true });
        expect(runtime.published.at(-1)).toMatchObject({ zeroCopyReady: true, warmBytes: expect.any(Number) });
        expect(runtime.published.at(-1)?.warmBytes).toBeGreaterThanOrEqual(40e6);
      });
    });

    describe('gzip', () => {
      it('travels on gRPC, in one message and in chunks', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
        for (const payload of [Buffer.alloc(200_000, 'abc'), randomBytes(6e6), Buffer.alloc(0)]) {
          const got = await workers.execute('describe', payload, { compression: true });
          expect(got).toMatchObject({ bytes: payload.length, sha1: sha1(payload) });
        }
        runtime.lane = 'zeroCopy';
        expect(await workers.execute('describe', Buffer.alloc(9, 1), { compression: true })).toMatchObject({
          bytes: 9,
          lane: 'zero_copy',
        });
      });
    });

    describe('more than fits', () => {
      it('an exhausted arena sends by gRPC, at once, and the lane is not to blame', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script, arenaBytes: 64 * MIB });
        runtime.lane = 'zeroCopy';
        const payload = Buffer.alloc(100e6, 5);
        expect(await workers.execute('describe', payload)).toMatchObject({
          bytes: 100e6,
          sha1: sha1(payload),
          lane: 'grpc',
        });
        expect(runtime.legs).toMatchObject([
          { lane: 'zeroCopy', outcome: { code: 'PITWALL_SHM_EXHAUSTED', laneFault: false } },
          { lane: 'grpc', outcome: 'success' },
        ]);
        expect(await workers.execute('describe', Buffer.alloc(0))).toMatchObject({ bytes: 0, lane: 'grpc' });
      });

      it('no arena: gRPC alone', async () => {
        const runtime = await testRuntime({ sharedMemoryDir: '/nowhere' });
        const workers = await testPool(runtime, { script, arenaBytes: 0 });
        runtime.lane = 'zeroCopy';
        expect(await workers.execute('describe', Buffer.alloc(9))).toMatchObject({ lane: 'grpc' });
        expect(workers.status()).toMatchObject({ arena: undefined });
        expect(runtime.published.at(-1)).toMatchObject({ zeroCopyReady: false, reason: expect.any(String) });
      });
    });

    describe('files of the dataset', () => {
      it('arrive whole in both lanes', async () => {
        const runtime = await testRuntime();
        const workers = await testPool(runtime, { script });
        for (const file of ['movies.json', 'flights-200k.arrow', 'birdstrikes.csv']) {
          const bytes = readFileSync(`node_modules/vega-datasets/data/${file}`);
          const format = file.endsWith('.arrow') ? 'arrow' : file.endsWith('.json') ? 'json' : 'raw';
          const got: unknown[] = [];
          for (const lane of LANES) {
            runtime.lane = lane;
            const { lane: _, ...rest } = (await workers.execute('describe', bytes, { format })) as { lane: string };
            got.push(rest);
          }
          expect(got[0], file).toEqual(got[1]);
        }
      });
    });
  });
}
