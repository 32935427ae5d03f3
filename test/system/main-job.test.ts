/** The main job, as `npm start` runs it: real payloads, real workers, actors and a worker crashed on purpose, and nothing fails. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Summary {
  readonly transfers: number;
  readonly failed: number;
  readonly grpc: number;
  readonly zeroCopy: number;
  readonly restarts: number;
  readonly stored: number;
  readonly bytes: number;
  readonly thresholds: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

describe('the main job', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pitwall main job '));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(seconds: number, chaos: 'on' | 'off'): { summary: Summary; said: string } {
    const errors = join(folder, 'said.txt');
    const command = `exec "$0" --unhandled-rejections=strict examples/main-job/main.js --seconds ${seconds} --chaos ${chaos} --json --data-dir "${folder}/data" 2> "${errors}"`;
    const out = execFileSync('sh', ['-c', command, process.execPath], { encoding: 'utf8' });
    const said = execFileSync('cat', [errors], { encoding: 'utf8' });
    return { summary: JSON.parse(out.trim().split('\n').at(-1) ?? ''), said };
  }

  it('survives chaos: nothing fails, both lanes carry, every transfer is stored', () => {
    const { summary, said } = run(10, 'on');
    expect(said).toContain('pitwall starts from nothing');
    expect(summary).toMatchObject({ failed: 0, stored: summary.transfers });
    expect(summary.restarts).toBeGreaterThanOrEqual(2);
    expect(summary.grpc).toBeGreaterThan(0);
    expect(summary.zeroCopy).toBeGreaterThan(0);
    expect(Object.keys(summary.thresholds)).toEqual(['ml', 'etl']);
  });

  it('goes on from what the first run learned', () => {
    const { summary, said } = run(3, 'off');
    expect(said).toMatch(/pitwall found \d+ transfers/);
    expect(summary).toMatchObject({ failed: 0, restarts: 0, stored: summary.transfers });
  });
});

it('the command reads what was recorded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pitwall command '));
  const pitwall = (...args: string[]): string =>
    execFileSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  try {
    execFileSync(process.execPath, [
      'examples/main-job/main.js',
      '--seconds',
      '2',
      '--chaos',
      'off',
      '--data-dir',
      `${folder}/d`,
    ]);
    expect(pitwall('stats', '--data-dir', `${folder}/d`)).toMatch(/^etl: \d+ transfers/);
    expect(pitwall('explain', '--data-dir', `${folder}/d`, '--pool', 'ml')).toContain('tensor | 0..');
    expect(pitwall('export', '--data-dir', `${folder}/d`).split('\n').length).toBeGreaterThan(2);
    expect(pitwall('--version').trim()).toMatch(/^\d+\.\d+\.\d+$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
