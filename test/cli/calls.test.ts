/** How the arguments of commands are read: strictly, and with the likely name where one is wrong. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { defineCommand } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';

const empty = mkdtempSync(join(tmpdir(), 'pitwall-calls-'));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

async function call(name: string, ...args: string[]): Promise<number> {
  const command = await COMMANDS.find((entry) => entry.name === name)?.load();
  return command?.run(args) ?? -1;
}

describe('a wrong call', () => {
  it.each([
    [['stats', '--quantity', 'latency'], /no quantity "latency"; did you mean latencyUs/],
    [['stats', '--by', 'datatype'], /no dimension "datatype"; did you mean dataType/],
    [['stats', '--series', '10ms'], /--series: .*1s\.\.1h/],
    [['stats', '--series', '1m', '--by', 'format'], /--series: goes without --by/],
    [['stats', '--method', 'shm'], /--method: expected zero_copy or grpc/],
    [['stats', '--since', '1h', '--from', '2026-01-01'], /--since: goes without/],
    [['stats', '--since'], /--since: needs a value: --since 1h/],
    [['stats', '--since', '--json'], /--since: needs a value/],
    [['stats', '--json=yes'], /--json: takes no value/],
    [['stats', '--pool', 'a', '--pool', 'b'], /--pool: is given twice/],
    [['stats', 'ml'], /"ml": not expected here/],
    [['stats', '--data-dir', empty], /is not the data directory of a pitwall host/],
    [['check'], /--slo: is needed/],
    [['check', '--slo', 'p99=20ms', '--min-count', '0'], /--min-count: .*at least 1/],
    [['top', '--window', '5s'], /--window: .*10s\.\.15m/],
    [['top', '--interval', '1'], /--interval: .*100ms\.\.1h/],
    [['explain'], /--pool: is needed/],
    [['import'], /FILE/],
    [['export', '--fromat', 'csv'], /Unknown option '--fromat'|did you mean --format/],
  ])('%j is refused', async ([name = '', ...args], says) => {
    await expect(call(name, ...args)).rejects.toThrow(says);
  });
});

describe('a command', () => {
  const command = defineCommand({
    positionals: ['FILE'],
    options: {
      list: { type: 'string', multiple: true, value: 'X', meaning: 'some' },
      flag: { type: 'boolean', default: false, meaning: 'one' },
      size: { type: 'string', default: '3', value: 'N', meaning: 'how many' },
    },
    examples: [['pitwall try a.txt', 'tries']],
    run: async ({ list, flag, size }, positionals) => {
      seen.push({ list, flag, size, positionals });
      return 0;
    },
  });
  const seen: unknown[] = [];

  it('gets its values, with their defaults', async () => {
    await command.run(['a.txt', '--list', 'x', '--list=-y']);
    await command.run(['--flag', '--size', '5', '--', '--odd-name']);
    expect(seen).toEqual([
      { list: ['x', '-y'], flag: false, size: '3', positionals: ['a.txt'] },
      { list: undefined, flag: true, size: '5', positionals: ['--odd-name'] },
    ]);
  });

  it('names what is missing and what is too much, as it names options of Object.prototype', async () => {
    await expect(command.run([])).rejects.toThrow('FILE is missing');
    await expect(command.run(['a', 'b'])).rejects.toThrow('"b": not expected here');
    await expect(command.run(['a', '--constructor'])).rejects.toThrow('no option "--constructor"');
    await expect(command.run(['a', '--__proto__', 'x'])).rejects.toThrow('no option "--__proto__"');
  });

  it('tells its options with their defaults', () => {
    expect(command.help({ name: 'try', summary: 'tries things' })).toBe(
      [
        'pitwall try: tries things',
        '',
        '  pitwall try FILE [OPTIONS]',
        '',
        '  --list X  some (may be given several times)',
        '  --flag    one',
        '  --size N  how many (default 3)',
        '',
        'Examples:',
        '  pitwall try a.txt',
        '      tries',
      ].join('\n'),
    );
  });
});
