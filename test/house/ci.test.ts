/** The suite's own alarms: strict rejections are on, and the closing line of a run tells the truth. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

describe('the suite', () => {
  it('runs as strictly as a host may', () => {
    expect(process.execArgv).toContain('--unhandled-rejections=strict');
  });
});

describe('the closing line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pitwall-closing-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (status: string, ...tests: string[]) => ({
    name: join(process.cwd(), 'test/a.test.ts'),
    status,
    assertionResults: tests.map((each, index) => ({ fullName: `case ${index}`, status: each })),
  });

  it.each([
    ['all passed', [file('passed', 'passed', 'passed')], 0, '2 passed, 0 failed, 0 skipped', 0],
    [
      'skips are counted and named',
      [file('passed', 'passed', 'pending', 'todo')],
      0,
      '1 passed, 0 failed, 2 skipped',
      0,
    ],
    ['failures', [file('failed', 'passed', 'failed')], 1, '1 passed, 1 failed, 0 skipped', 1],
    ['a file that does not load', [file('passed', 'passed'), file('failed')], 1, '1 passed, 1 failed, 0 skipped', 1],
    ['no test at all', [], 0, '0 passed, 1 failed, 0 skipped', 1],
    ['an error outside any test', [file('passed', 'passed')], 1, '1 passed, 1 failed, 0 skipped', 1],
    [
      'a report that says failed while the run says 0',
      [file('failed', 'failed')],
      0,
      '0 passed, 1 failed, 0 skipped',
      1,
    ],
  ])('%s', (name, testResults, exit, line, code) => {
    const report = join(folder, `${name.replaceAll(/\W/g, '-')}.json`);
    writeFileSync(report, JSON.stringify({ testResults }));
    const ended = spawnSync(process.execPath, ['scripts/closing-line.js', report, String(exit)], { encoding: 'utf8' });
    expect(ended.stdout.trim().split('\n').at(-1)).toBe(line);
    expect(ended.status).toBe(code);
  });

  it('fails a run that wrote no report, with its own exit code', () => {
    const ended = spawnSync(process.execPath, ['scripts/closing-line.js', join(folder, 'none.json'), '7'], {
      encoding: 'utf8',
    });
    expect(ended.stdout).toBe('0 passed, 1 failed, 0 skipped\n');
    expect(ended.status).toBe(7);
  });
});
