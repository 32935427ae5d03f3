import { expect, it } from 'vitest';
import { importStore } from '../../src/metrics/exchange/exchange.ts';
import { openStore } from '../../src/metrics/store.ts';
import { TENSOR, temporaryFolder, testRuntime, transfer, until } from './support.ts';

it('one call exports how the runtime stands and all that is stored; the file is taken in elsewhere', async () => {
  const broken = {
    name: 'broken',
    decide: () => {
      throw new Error('boom');
    },
  };
  const runtime = await testRuntime({ dataDir: temporaryFolder(), pools: [{ name: 'ml', customRules: [broken] }] });
  await transfer(
    runtime,
    50,
    () => TENSOR.dataSize,
    () => 1_000,
  );
  await runtime.updatePolicy('ml', { goal: 'minimize_memory' }, { by: 'ada', why: 'incident 7' });
  await until(async () => (await runtime.alerts()).some(({ kind }) => kind === 'custom_rule_disabled'), 'an alert');
  const pieces: Uint8Array[] = [];
  for await (const bytes of runtime.exportState()) pieces.push(bytes);
  const lines = Buffer.concat(pieces)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const types = lines.map(({ type }) => type);
  expect(types.slice(0, 3)).toEqual(['export', 'state', 'alert']);
  expect(types.filter((type) => type === 'record').length).toBe(50);
  expect(lines[1]).toMatchObject({
    pools: [{ pool: 'ml', decisions: 50, goal: 'minimize_memory' }],
    policies: { ml: expect.arrayContaining([expect.objectContaining({ by: 'ada', why: 'incident 7' })]) },
    missing: [],
  });
  const store = await openStore({
    dataDir: false,
    now: () => Date.now() * 1000,
    retentionHours: 1,
    onWarning: () => undefined,
  });
  const taken = await importStore(
    store,
    (async function* () {
      yield* pieces;
    })(),
    { format: 'jsonl' },
  );
  expect(taken.records).toBe(50);
  expect(store.get('policies', 'ml')).toMatchObject({ versions: expect.any(Array) });
  await store.close();
  const alone: Uint8Array[] = [];
  for await (const bytes of runtime.exportState({ records: false })) alone.push(bytes);
  expect(Buffer.concat(alone).toString()).not.toContain('"type":"record"');
});
