/** Real payloads through both lanes to workers in Node, with the package from dist/. */
import { expect, it } from 'vitest';
import { NODE, testPool, testRuntime } from './support.ts';
import { transferCases } from './transfer-cases.ts';

transferCases(NODE);

it('a gigabyte passes over gRPC', async () => {
  const runtime = await testRuntime();
  const workers = await testPool(runtime, { arenaBytes: 0 });
  const payload = Buffer.alloc(1e9);
  payload.writeUInt32LE(77, 999_999_990);
  expect(await workers.execute('length', payload, { timeoutMs: 280_000 })).toBe(1e9);
}, 300_000);
