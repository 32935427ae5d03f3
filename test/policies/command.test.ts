import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { command as config } from '../../src/cli/config.ts';
import { command as policies } from '../../src/cli/policies.ts';
import { MIB, temporaryFolder, testRuntime, transfer } from './support.ts';

/** What a command prints, and its exit code. */
async function said(command: typeof policies, args: readonly string[]): Promise<{ code: number; out: string }> {
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  onTestFinished(() => spy.mockRestore());
  const code = await command.run(args);
  spy.mockRestore();
  return { code, out: lines.join('\n') };
}

it('pitwall policies shows the history of a host that is gone, and tries a patch on its records', async () => {
  const dataDir = temporaryFolder();
  const runtime = await testRuntime({
    dataDir,
    pools: [{ name: 'ml', explorationRate: 0.5, zeroCopyThresholdMb: 20 }],
  });
  await runtime.updatePolicy('ml', { marginalBenefit: 0.1 }, { by: 'ada', why: 'quieter' });
  const sizes = (index: number): number => MIB * 2 ** (1 + (index % 5));
  await transfer(runtime, 600, sizes, (method, size) =>
    method === 'grpc' ? 1_000 + size / 500 : 4_000 + size / 2_000,
  );
  await runtime.shutdown();

  const history = await said(policies, ['--data-dir', dataDir, '--pool', 'ml']);
  expect(history.code).toBe(0);
  expect(history.out).toMatch(/version 2 {2}20\S+Z {2}update {2}by ada: quieter\n {2}marginalBenefit: 0.05 -> 0.1/);

  const patch = join(dataDir, 'patch.json');
  writeFileSync(patch, JSON.stringify({ thresholdOverridesMb: { tensor: 1024 } }));
  const args = ['--data-dir', dataDir, '--pool', 'ml', '--dry-run', patch];
  const report = JSON.parse((await said(policies, [...args, '--json'])).out);
  expect(report).toMatchObject({ pool: 'ml', version: 2, records: 600, toZeroCopy: 0 });
  expect(report.toGrpc).toBeGreaterThanOrEqual(300);
  expect(report.effect.perTransfer.interval[0]).toBeGreaterThan(0);
  const { out } = await said(policies, args);
  expect(out).toContain('decisions would change');
  expect(out).toContain('16 MiB..32 MiB');
  await expect(policies.run(['--data-dir', dataDir, '--dry-run', patch])).rejects.toThrow('needs --pool');
  writeFileSync(patch, '{ "goal": "fast" }');
  await expect(policies.run(args)).rejects.toThrow('pools.ml.goal: expected one of');
  writeFileSync(patch, 'no json');
  await expect(policies.run(args)).rejects.toThrow('is no JSON');
});

it('pitwall config check tells every problem, or what would change', async () => {
  const folder = temporaryFolder();
  const file = (name: string, content: object): string => {
    writeFileSync(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const now = file('now.json', { pools: [{ name: 'ml' }] });
  const next = file('next.json', { queueCapacity: 100, pools: [{ name: 'ml', goal: 'minimize_memory' }] });
  const wrong = file('wrong.json', { queueCapacity: 0, pools: [{ name: 'ml', gaol: 'balanced' }] });
  expect(await said(config, ['check', next])).toEqual({ code: 0, out: 'valid' });
  expect((await said(config, ['check', next, '--against', now])).out.split('\n')).toEqual([
    'valid; 2 changes',
    '  queueCapacity: 65536 -> 100 (with a restart)',
    '  pools.ml.goal: "balanced" -> "minimize_memory" (at run time)',
  ]);
  const refused = await said(config, ['check', wrong]);
  expect(refused.code).toBe(1);
  expect(refused.out.split('\n').map((line) => line.split(':')[0])).toEqual(['queueCapacity', 'pools.ml.gaol']);
  await expect(config.run(['chek', now])).rejects.toThrow('expected check');
});
