/** Python's own tests of the package `python/`, its types, and what a pool says where no Python will do; with the package from dist/. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startWorkerPool } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testRuntime } from '../transports/support.ts';
import { PYTHON, PYTHON_WORKERS } from './support.ts';

const python = PYTHON ?? '';
const typed = process.env.PITWALL_LONG === '1';

function run(args: readonly string[], cwd = '.'): { status: number | null; said: string } {
  const env = { ...process.env, PYTHONPATH: path.resolve('python/src'), PYTHONDONTWRITEBYTECODE: '1' };
  const { status, stdout, stderr } = spawnSync(python, args, { cwd, env, encoding: 'utf8', timeout: 120_000 });
  return { status, said: `${stdout}${stderr}` };
}

describe.skipIf(PYTHON === undefined)('the package', () => {
  it('passes its own tests, without a warning', () => {
    const { status, said } = run([
      '-X',
      'dev',
      '-W',
      'error',
      '-m',
      'unittest',
      'discover',
      '-s',
      'python/tests',
      '-t',
      'python',
    ]);
    expect(said).toMatch(/Ran \d{2,} tests/);
    expect(status, said).toBe(0);
  });

  it.runIf(typed)('keeps its types (PITWALL_LONG=1: mypy takes ten seconds)', () => {
    const cache = mkdtempSync(path.join(tmpdir(), 'pitwall-mypy-'));
    onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
    // One by one: modules of the same name cannot be checked together.
    for (const files of [[], ['../examples/python/worker.py'], ['../examples/main-job/worker.py']]) {
      const { status, said } = run(['-m', 'mypy', '--cache-dir', cache, ...files], 'python');
      expect(status, said).toBe(0);
    }
  });
});

describe('the Python of a pool', () => {
  function fakePython(prints: string): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'pitwall-python-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'python3');
    writeFileSync(file, `#!/bin/sh\n${prints}\n`);
    chmodSync(file, 0o700);
    return file;
  }

  it.each([
    ['is not there', undefined, /\/no\/such\/python: .*ENOENT/],
    ['is too old', `echo '{"version":[3,9],"missing":[]}'`, /is version 3\.9/],
    ['lacks modules', `echo '{"version":[3,11],"missing":["numpy","grpc"]}'`, /no module numpy, no module grpc/],
    ['is no Python', 'echo hello', /answers "hello/],
    ['fails', 'echo cannot >&2; exit 3', /python3: cannot/],
  ])('that %s: the start says so, and what to do', async (_what, prints, why) => {
    const runtime = await testRuntime();
    const chosen = prints === undefined ? '/no/such/python' : fakePython(prints);
    const options = { pool: 'p', script: PYTHON_WORKERS.script };
    for (const given of [
      { ...options, python: chosen },
      { ...options, env: { PITWALL_PYTHON: chosen } },
    ]) {
      const start = startWorkerPool(runtime, given);
      await expect(start).rejects.toMatchObject({ code: 'PITWALL_PYTHON_MISSING' });
      await expect(start).rejects.toThrow(why);
      await expect(start).rejects.toThrow(/python3-numpy.*PITWALL_PYTHON/);
    }
  });

  it('is the name or path of one', async () => {
    const runtime = await testRuntime();
    const start = startWorkerPool(runtime, { pool: 'p', script: PYTHON_WORKERS.script, python: '' });
    await expect(start).rejects.toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT', field: 'python' });
  });
});
