/** `pitwall bench` as its user calls it: the built command, its own worker process, files that it writes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseTrace } from '../../src/learning/trace.ts';
import type { BenchmarkReport } from '../../src/metrics/analysis/benchmark/types.ts';
import { pitwall, startPitwall } from '../cli/support/command.ts';

// Runs dist/cli/main.js.
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pitwall bench '));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('pitwall bench', () => {
  it('measures, writes a page with charts, and says it as JSON', async () => {
    const page = join(folder(), 'report.html');
    const scenario = ['--sizes', '2KiB,100kB', '--types', 'tensor,binary', '--memory', 'warm,cold', '--rounds', '4'];
    const { code, out, err } = await pitwall('bench', ...scenario, '--html', page, '--json');
    expect({ code, err: err.replace(/\d+\.\d s/, 'a while') }).toEqual({
      code: 0,
      err: `measuring for at most 20 s; an interrupt ends it with what there is\n96 transfers, a while\ncharts: ${page}\n`,
    });
    const report: BenchmarkReport = JSON.parse(out);
    expect(report).toMatchObject({ version: 1, rounds: 4, ended: { reason: 'complete' } });
    expect(report.transfers).toEqual({ measured: 64, warmUp: 32, failed: 0 });
    expect(report.cells.map(({ memory }) => memory).slice(0, 4)).toEqual(['warm', 'warm', 'cold', 'cold']);
    const html = readFileSync(page, 'utf8');
    expect(html.match(/<table>/g)).toHaveLength(4);
    expect(html).toContain('uPlot');
  });

  it('ends with what it has when it is interrupted, and prints it', async () => {
    const running = startPitwall([
      'bench',
      '--sizes',
      '1KiB,100kB',
      '--memory',
      'warm',
      '--seconds',
      '600',
      '--rounds',
      '10000',
    ]);
    await new Promise<void>((resolve) => {
      running.process.stderr?.on('data', (text: string) => text.includes('measuring') && resolve());
    });
    running.process.kill('SIGINT');
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    expect(out).toContain('cancelled: SIGINT; ');
    expect(out).toMatch(/tensor\/numpy, uncompressed, 1 in flight, warm memory\n {2}size +lane +n +p50/);
    expect(out).toContain('97.7 KiB');
  });

  it('fails where every transfer does, and says with what', async () => {
    const script = join(folder(), 'worker.mjs');
    writeFileSync(script, "export default { read: () => { throw new Error('as planned'); } };");
    const { code, out } = await pitwall('bench', '--script', script, '--sizes', '1,2,3,4,5,6,7,8', '--rounds', '20');
    expect(code).toBe(1);
    expect(out).toContain('every transfer failed: PITWALL_HANDLER_FAILED');
  });

  it('--trace writes paired transfers that pitwall replay reads, compressed where the name says so', async () => {
    // A seed that draws a burst, every type, and nothing large.
    const file = join(folder(), 'trace.jsonl.gz');
    const { code, err } = await pitwall('bench', '--trace', file, '--rows', '30', '--seed', '845');
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining(`30 rows in ${file}`) });
    const text = gunzipSync(readFileSync(file)).toString('utf8');
    const { rows, problems } = parseTrace(text);
    expect(problems).toEqual([]);
    expect(rows).toHaveLength(30);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const [index, line] of lines.entries()) {
      const row = rows[index];
      expect(row).toMatchObject({ grpcUs: line.grpc.latencyUs, zeroCopyUs: line.zeroCopy.latencyUs });
      expect(line.t).toBeGreaterThanOrEqual(lines[index - 1]?.t ?? 0);
      expect(line.inFlight).toBeLessThanOrEqual(line.meta.runWidth);
      for (const lane of [line.grpc, line.zeroCopy]) {
        expect(lane.sendsUs).toHaveLength(3);
        expect([...lane.sendsUs].sort((a: number, b: number) => a - b)[1]).toBe(lane.latencyUs);
        expect(lane.transportUs).toBeGreaterThan(0);
        expect(lane.workerUs).toBeGreaterThan(0);
      }
      expect(line.zeroCopy.setupUs).toBeGreaterThan(0);
      expect(line.warmBytes).toBeGreaterThan(0);
    }
    expect(new Set(lines.map(({ pool }) => pool))).toEqual(new Set(['ml', 'etl']));
    expect(new Set(lines.map(({ dataType }) => dataType)).size).toBe(4);
    expect(new Set(lines.map(({ meta }) => meta.first)).size).toBe(2);
    expect(Math.max(...lines.map(({ meta }) => meta.runWidth))).toBeGreaterThan(1);
    const replayed = await pitwall('replay', file, '--json');
    expect(replayed.code).toBe(0);
    expect(JSON.parse(replayed.out.trim().split('\n').at(-1) ?? '')).toMatchObject({ rows: 30, skipped: 0 });
  });
});
