/** `pitwall dashboard` beside a host: from its data directory, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder, testRuntime } from '../runtime/support.ts';
import { ask, transferOnce } from './support.ts';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

it('shows what a live host records, explains it, applies nothing, and ends when asked to', async () => {
  const dataDir = temporaryFolder();
  const runtime = await testRuntime({ dataDir, pools: [{ name: 'ml' }] });
  const early = transferOnce(runtime, 'ml', 5_000);
  await runtime.flush();
  const command = spawn(process.execPath, [CLI, 'dashboard', '--data-dir', dataDir, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(command, 'exit');
  const [line] = await once(createInterface(command.stdout), 'line');
  const [, port = ''] = /http:\/\/127\.0\.0\.1:(\d+)\/$/.exec(String(line)) ?? [];

  const stream = await fetch(`http://127.0.0.1:${port}/events?pool=ml`);
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let read = '';
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(read)) read += (await reader?.read())?.value ?? '';
  };
  await until(new RegExp(`event: live\\n.*${early}`));
  const late = transferOnce(runtime, 'ml', 3_000_000);
  await until(new RegExp(`event: live\\n.*${late}`));
  await until(/event: knowledge\n.*"lessons":\[.*\].*\n\n/);
  await until(/event: host\n.*"missing":\["the supervision tree.*"readOnly":true.*\n\n/);
  const explained = await ask(Number(port), `/explain?id=${late}`, { headers: { host: 'localhost' } });
  expect(JSON.parse(explained.body)).toMatchObject({ transferId: late, source: 'record' });
  const headers = { host: 'localhost', 'x-pitwall': '1' };
  const applied = await ask(Number(port), '/advice/apply', { method: 'POST', headers, body: { id: 'x' } });
  expect(applied.status).toBe(403);

  command.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  await reader?.cancel().catch(() => undefined);
});
