/** Real payloads through both lanes to workers in Node, with the package from dist/. */
import { expect, it } from 'vitest';
import { NODE, testPool, testRuntime } from './support.ts';
import { transferCases } from './transfer-cases.ts';

transferCases(NODE);

/** PITWALL_LONG=1: a gigabyte, which takes a quarter of a minute. */
const LARGE = process.env.PITWALL_LONG === '1' ? 1e9 : 250e6;

it(`${LARGE / 1e6} MB pass over gRPC`, async () => {
  const runtime = await testRuntime();
  const workers = await testPool(runtime, { arenaBytes: 0 });
  const payload = Buffer.alloc(LARGE);
  payload.writeUInt32LE(77, LARGE - 10);
  expect(await workers.execute('length', payload, { timeoutMs: 280_000 })).toBe(LARGE);
}, 300_000);
