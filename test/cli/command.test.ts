/** The built command (dist/cli/main.js), beside a host that records in a process of its own, and after that host is gone. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { pitwall, type Running, start, startPitwall } from './support/command.ts';

const HOST = 'test/cli/fixtures/host.js';

interface Frame {
  readonly at: string;
  readonly pools: readonly {
    readonly pool: string;
    readonly transfers: number;
    readonly failed: number;
    readonly latencyUs: { readonly p50: number; readonly p99: number } | null;
    readonly rates: readonly number[];
  }[];
}

describe('the command', () => {
  let folder = '';
  let dataDir = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pitwall command '));
    dataDir = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function endInOrder(host: Running): Promise<number> {
    host.process.stdin?.end();
    const { code, out, err } = await host.ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out.trim().split('\n').at(-1) ?? '').recorded;
  }

  it('sees a host at work: top refreshes, stats and check answer', async () => {
    const host = start(process.execPath, [HOST, dataDir]);
    await host.line((line) => JSON.parse(line).recorded > 50);

    const json = startPitwall(['top', '--json', '--interval', '200ms', '--data-dir', dataDir]);
    const text = startPitwall(['top', '--interval', '200ms', '--data-dir', dataDir], { COLUMNS: '100' });
    const frames = (): Frame[] =>
      json
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const transfers = (frame: Frame): number => frame.pools.find(({ pool }) => pool === 'ml')?.transfers ?? 0;
    await json.line((line) => transfers(JSON.parse(line)) > 0);
    const first = transfers(frames().at(-1) ?? { at: '', pools: [] });
    // What the host records from here on is seen by the refreshes to come.
    await json.line((line) => transfers(JSON.parse(line)) > first + 20);
    expect(frames().at(-1)).toMatchObject({ pools: [{ pool: 'etl' }, { pool: 'ml' }] });
    json.process.kill('SIGINT');
    expect(await json.ended).toMatchObject({ code: 0, err: '' });

    // Two screens one after another, as plain text.
    await text.line((line) => line.startsWith('pitwall top') && text.out().split('pitwall top').length > 2);
    text.process.kill('SIGTERM');
    const screens = await text.ended;
    expect(screens).toMatchObject({ code: 0, err: '' });
    expect(screens.out).not.toContain('\u001b');
    expect(screens.out).toMatch(/pool +rate\/s .*\netl .*\nml .*/);
    for (const line of screens.out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);

    const [stats, holds, broken] = await Promise.all([
      pitwall('stats', '--data-dir', dataDir, '--pool', 'ml'),
      pitwall(
        'check',
        '--data-dir',
        dataDir,
        '--pool',
        'ml',
        '--slo',
        'p99=20ms',
        '--slo',
        'error-rate=0.1%',
        '--since',
        '1h',
      ),
      pitwall('check', '--data-dir', dataDir, '--slo', 'error-rate=0.1%'),
    ]);
    expect(stats.out).toMatch(/^ml: \d+ transfers, [\d.]+ MB, 0 failed, 0 fallbacks\n {2}latencyUs by lane .*\n/);
    expect(holds).toMatchObject({ code: 0, err: '' });
    expect(broken).toMatchObject({ code: 1, err: '' });

    const recorded = await endInOrder(host);
    const { out } = await pitwall('stats', '--data-dir', dataDir, '--json');
    expect(JSON.parse(out)).toMatchObject([
      { pool: 'etl', count: recorded, failed: Math.floor(recorded / 20) },
      { pool: 'ml', count: recorded, failed: 0, by: 'lane', groups: [{ value: 'zero_copy' }, { value: 'grpc' }] },
    ]);
  });

  it('leaves a resting directory as it is, to the byte', async () => {
    const before = contents(dataDir);
    expect(before.size).toBeGreaterThan(1);
    const ended = await Promise.all([
      pitwall('stats', '--data-dir', dataDir, '--by', 'sizeBand', '--quantity', 'all'),
      pitwall('check', '--data-dir', dataDir, '--slo', 'count=1'),
      pitwall('top', '--data-dir', dataDir, '--once'),
    ]);
    expect(ended.map(({ code, err }) => ({ code, err }))).toEqual(ended.map(() => ({ code: 0, err: '' })));
    expect(contents(dataDir)).toEqual(before);
  });

  it('judges what rests there, and says on what', async () => {
    const check = (...args: string[]) => pitwall('check', '--data-dir', dataDir, ...args);
    const [all, one, none, few, badly, json] = await Promise.all([
      check('--slo', 'p99=20ms', '--slo', 'throughput=10MBps'),
      check('--slo', 'p99=1.5ms', '--pool', 'ml'),
      check('--slo', 'p99=20ms', '--from', '2020-01-01', '--to', '2020-01-02'),
      check('--slo', 'p99=20ms', '--min-count', '1000000'),
      check('--slo', 'p99=20'),
      check('--slo', 'mean=10ms', '--slo', 'p50=1ms', '--pool', 'etl', '--json'),
    ]);
    expect(all.code).toBe(0);
    expect(all.out).toMatch(
      /etl: \d+ records\n {2}objective .*\n {2}p99 +[34]\.\d+ ms +<= 20ms +\+[78]\d\.\d % +\d+ {2}holds/,
    );
    expect(one.code).toBe(1);
    expect(one.out).toMatch(/p99 +(1\.9\d|2\.0\d) ms +<= 1\.5ms +-3\d\.\d % +\d+ {2}violated/);
    expect(none).toMatchObject({ code: 2, err: 'pitwall: no verdict: there are no records in that time\n' });
    expect(few.code).toBe(2);
    expect(few.err).toContain('etl has too few records for p99, ml has too few records for p99');
    expect(badly).toMatchObject({ code: 2, out: '' });
    expect(badly.err).toContain('--slo p99: expected a limit such as 20ms');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      verdict: 'violated',
      pools: [
        {
          pool: 'etl',
          objectives: [
            { objective: 'mean', limit: 10_000, measured: 4000, verdict: 'holds' },
            { objective: 'p50', limit: 1000, verdict: 'violated' },
          ],
        },
      ],
    });
  });

  it('looks back over time, in steps', async () => {
    const { code, out } = await pitwall('stats', '--data-dir', dataDir, '--series', '1s', '--json', '--pool', 'etl');
    expect(code).toBe(0);
    const [{ points }] = JSON.parse(out);
    const total = points.reduce((sum: number, { count }: { count: number }) => sum + count, 0);
    const all = await pitwall('stats', '--data-dir', dataDir, '--json', '--pool', 'etl');
    expect(total).toBe(JSON.parse(all.out)[0].count);
  });

  it('answers a wrong call with what would be right, and code 2', async () => {
    const calls: [args: string[], says: string][] = [
      [['stats', '--pol', 'ml'], 'there is no option "--pol"; did you mean --pool?'],
      [
        ['stats', '--pool', 'mll', '--data-dir', dataDir],
        'there is no pool "mll"; did you mean ml? (accepted: etl, ml)',
      ],
      [['top', '--data-dir', join(folder, 'nowhere')], 'is not the data directory of a pitwall host'],
      [['statz'], 'there is no command "statz"; did you mean stats?'],
    ];
    const ended = await Promise.all(calls.map(([args]) => pitwall(...args)));
    for (const [index, { code, out, err }] of ended.entries()) {
      expect({ code, out }, err).toEqual({ code: 2, out: '' });
      expect(err).toContain(calls[index]?.[1]);
      expect(err).toMatch(/\nSee: pitwall help/);
    }
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it('tells of itself', async () => {
    const [bare, about] = await Promise.all([pitwall(), pitwall('help', 'check')]);
    expect(bare).toMatchObject({ code: 2, out: '' });
    for (const { name, summary } of COMMANDS)
      expect(bare.err).toMatch(new RegExp(`^ {2}pitwall ${name} +${summary}$`, 'm'));
    expect(about).toMatchObject({ code: 0, err: '' });
    expect(about.out).toContain('pitwall check --slo p99=20ms --slo error-rate=0.1%');
  });

  const hasScript = process.env.PATH?.split(delimiter).some((path) => existsSync(join(path, 'script'))) ?? false;
  if (!hasScript) console.warn('SKIPPED: no `script` (util-linux) here, so nothing is tested on a terminal');

  describe.skipIf(!hasScript)('on a terminal', () => {
    const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
    const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';

    /** `top` on a terminal of its own; `pid` is that of the command itself. */
    async function onTerminal(env: Record<string, string> = {}) {
      const command = `stty cols 90 rows 20; echo "pid=$$"; exec '${process.execPath}' dist/cli/main.js top --interval 200ms --data-dir "$DATA_DIR"`;
      const running = start('script', ['-q', '-e', '-c', command, '/dev/null'], { DATA_DIR: dataDir, ...env });
      const pid = Number(/pid=(\d+)/.exec(await running.line((line) => line.includes('pid=')))?.[1]);
      await running.line((line) => line.includes('q quit'));
      return { ...running, pid };
    }

    it('draws, heeds keys, and gives the terminal back when left by q', async () => {
      const top = await onTerminal();
      top.process.stdin?.write('p');
      await top.line((line) => line.includes('>ml'));
      top.process.stdin?.write('\u001b[C');
      await top.line((line) => line.includes('sorted by rate/s'));
      if (existsSync(`/proc/${top.pid}/fd/1`)) {
        const tty = readlinkSync(`/proc/${top.pid}/fd/1`);
        expect(await start('stty', ['-F', tty, 'cols', '40', 'rows', '12']).ended).toMatchObject({ code: 0 });
        // The line of keys no longer fits.
        await top.line((line) => /q quit.{1,33}…/.test(line));
      }
      top.process.stdin?.write('q');
      const { code, out } = await top.ended;
      expect(code).toBe(0);
      expect(out.split(ENTER)).toHaveLength(2);
      expect(out.trimEnd().endsWith(LEAVE)).toBe(true);
      expect(out).toContain('\u001b[1m');
    });

    it.each(['SIGTERM', 'Ctrl-C'] as const)('gives the terminal back on %s, with code 0', async (how) => {
      const top = await onTerminal({ NO_COLOR: '1' });
      if (how === 'Ctrl-C') top.process.stdin?.write('\u0003');
      else process.kill(top.pid, how);
      const { code, out } = await top.ended;
      expect(code).toBe(0);
      expect(out.trimEnd().endsWith(LEAVE)).toBe(true);
      // No colour, no bold: the only style is the one that takes all back.
      expect(out.replaceAll(LEAVE, '')).not.toContain('\u001b[1m');
    });
  });

  it('says that a damaged directory cannot be read, and leaves it for its host to move aside', async () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, 'lmdb'), { recursive: true });
    writeFileSync(join(other, 'lmdb', 'data.mdb'), 'this is not a database');
    const before = contents(other);
    const { code, err } = await pitwall('stats', '--data-dir', other);
    expect(code).toBe(1);
    expect(err).toMatch(/^pitwall: .* is damaged/);
    expect(contents(other)).toEqual(before);
  });
});

/** Every file below a directory, by the hash of its content. LMDB's lock file is a table of readers, written by whoever reads. */
function contents(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.endsWith('lock.mdb'))
      .sort()
      .map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}
