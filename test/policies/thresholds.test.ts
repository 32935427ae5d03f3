import { expect, it } from 'vitest';
import { MIB, temporaryFolder, testRuntime, until } from './support.ts';

it('thresholds go back to an earlier time, or to an entry of their history', async () => {
  const dataDir = temporaryFolder();
  const options = { dataDir, pools: [{ name: 'ml' }] };
  const first = await testRuntime(options);
  const { thresholds } = first;
  const beforeMs = Date.now() - 1;
  const tensor = await thresholds.adjust('ml', { thresholdMb: 2, dataType: 'tensor' });
  await until(() => Date.now() > tensor.atMs + 1, 'the clock to move');
  await thresholds.adjust('ml', { thresholdMb: 50 });
  await thresholds.adjust('ml', { thresholdMb: 4, dataType: 'tensor' });
  expect(await thresholds.restore('ml', tensor)).toMatchObject([
    {
      dataType: 'tensor',
      from: 4 * MIB,
      to: 2 * MIB,
      reason: expect.stringMatching(/^restored to 20.*Z by an operator$/),
    },
    { dataType: undefined, from: 50 * MIB, to: 10 * MIB },
  ]);
  expect([thresholds.get('ml')?.final, thresholds.get('ml', 'tensor')?.final]).toEqual([10 * MIB, 2 * MIB]);
  expect(await thresholds.restore('ml', tensor)).toEqual([]);
  // A reset is in the history too, so that it can be taken back.
  const resetAtMs = Date.now();
  await until(() => Date.now() > resetAtMs + 1, 'the clock to move');
  await thresholds.reset('ml');
  expect((await thresholds.history('ml')).at(-1)).toMatchObject({ dataType: 'tensor', reason: 'reset by an operator' });
  await first.shutdown();

  const second = await testRuntime(options);
  expect(second.thresholds.get('ml', 'tensor')?.final).toBe(10 * MIB);
  await second.thresholds.restore('ml', resetAtMs);
  expect(second.thresholds.get('ml', 'tensor')?.final).toBe(2 * MIB);
  await second.thresholds.restore('ml', beforeMs);
  expect(second.thresholds.get('ml', 'tensor')?.final).toBe(10 * MIB);
  await expect(second.thresholds.restore('ml', Number.NaN)).rejects.toThrow('to: expected milliseconds');
});

it('a history that is full says from when on it can go back', async () => {
  const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
  for (let index = 0; index < 260; index += 1) await runtime.thresholds.adjust('ml', { thresholdMb: 2 + (index % 3) });
  const [oldest] = await runtime.thresholds.history('ml');
  await expect(runtime.thresholds.restore('ml', 0)).rejects.toThrow('from which on history is kept');
  if (oldest) await runtime.thresholds.restore('ml', oldest);
  expect(runtime.thresholds.get('ml')?.final).toBe(oldest?.to);
});

it('the quick path follows a new minimum where nothing was learned about it', async () => {
  const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
  await runtime.updatePolicy('ml', { minimumThresholdMb: 5 });
  await until(() => runtime.snapshot('ml')?.thresholds.quickPathMinimum === 5 * MIB, 'the manager follows');
  const request = { pool: 'ml', dataSize: 3 * MIB, dataType: 'tensor', format: 'numpy' };
  expect(runtime.decideTransferMethod(request).reason).toBe('below_minimum');
});
