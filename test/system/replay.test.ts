/** Replay through the whole runtime, as an API and as a command. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type ReplayReport, replayTrace } from 'pitwall';
import { describe, expect, it } from 'vitest';
import { parseTrace, type TraceRow } from '../../src/learning/trace.ts';
import { temporaryFolder } from '../runtime/support.ts';

const FIXTURE = fileURLToPath(new URL('../learning/fixtures/mixed-600.jsonl.gz', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const LEARN = { minimumThresholdMb: 0.001, stage: 'adaptive', minimumTrainingSamples: 120 } as const;

/** What does not depend on how fast this machine is. */
function timeless({ decisionUs: _decisionUs, seconds: _seconds, ...rest }: ReplayReport) {
  return rest;
}

async function pitwall(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [COMMAND, 'replay', ...args]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }; // what execFile rejects with
    return { code, stdout, stderr };
  }
}

describe('replayTrace', () => {
  it('gives the same result with the same seed, trainings in real threads included, and another with another', async () => {
    const run = async (seed: number) => timeless(await replayTrace(readRows().slice(0, 350), { ...LEARN, seed }));
    const first = await run(5);
    expect(first.trainings).toBeGreaterThan(0);
    expect(await run(5)).toStrictEqual(first);
    expect(await run(6)).not.toStrictEqual(first);
  });

  it('sees only what it chose, and comes near the best static threshold from nothing', async () => {
    const report = await replayTrace(FIXTURE, { ...LEARN, goal: 'minimize_latency' });
    expect(report.rows).toBe(600);
    expect(report.slowdown.pitwall / report.slowdown.bestStatic).toBeLessThan(1.06);
    expect(report.secondHalf.slowdown.pitwall).toBeLessThan(report.secondHalf.slowdown.default10Mb);
    expect(report.explored).toBeGreaterThan(0);
    expect(report.coverage90).toBeGreaterThan(0.8);
  });

  it('obeys the policy: below the minimum everything is gRPC', async () => {
    const rows = readRows().map((row) => ({ ...row, dataSize: Math.min(row.dataSize, 1000) }));
    const report = await replayTrace(rows, { minimumThresholdMb: 1 });
    expect(report.totalUs.pitwall).toBe(report.totalUs.grpc);
  });

  it('refuses a trace without rows, a file that is not there, a seed that is none', async () => {
    await expect(replayTrace([])).rejects.toThrow(/at least one usable row/);
    await expect(replayTrace('no such file.jsonl')).rejects.toThrow(/no such file\.jsonl/);
    await expect(replayTrace(FIXTURE, { seed: 0.5 })).rejects.toThrow(/seed/);
    await expect(replayTrace(FIXTURE, { goal: 'fast' as never })).rejects.toThrow(/goal/);
  });
});

describe('pitwall replay', () => {
  it('prints one JSON object as its last line, with every figure', async () => {
    const { code, stdout } = await pitwall(FIXTURE, '--json', '--seed', '3', '--goal', 'maximize_throughput');
    expect(code).toBe(0);
    const report = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    const rivals = ['pitwall', 'oracle', 'grpc', 'zeroCopy', 'default10Mb', 'bestStatic'];
    for (const scores of [report.totalUs, report.regret, report.slowdown]) {
      expect(Object.keys(scores)).toEqual(expect.arrayContaining(rivals));
    }
    for (const span of [report.secondHalf, report.lastQuarter]) {
      expect(Object.keys(span.regret)).toEqual(expect.arrayContaining(rivals));
      expect(Object.keys(span.slowdown)).toEqual(expect.arrayContaining(rivals));
    }
    expect(report).toMatchObject({
      rows: 600,
      explored: expect.any(Number),
      trainings: expect.any(Number),
      accuracy: expect.any(Number),
      materialAccuracy: expect.any(Number),
      coverage90: expect.any(Number),
      seconds: expect.any(Number),
      prediction: { grpc: { medianError: expect.any(Number), within15: expect.any(Number) } },
      decisionUs: { p50: expect.any(Number), p99: expect.any(Number) },
      skipped: 0,
    });
  });

  it('is a gate: exit 1 with what does not hold; draws the regret as it grew', async () => {
    const svg = join(temporaryFolder(), 'regret.svg');
    const [holds, broken] = await Promise.all([
      pitwall(FIXTURE, '--regret', '5', '--slo', 'p99=100s', '--svg', svg),
      pitwall(FIXTURE, '--regret', '1.0001', '--slowdown', '1.0001', '--slo', 'p50=1us'),
    ]);
    expect(holds.code).toBe(0);
    expect(holds.stdout).toMatch(/regret, second half .*\n[\s\S]*regret as it grew/);
    expect(holds.stdout).toMatch(/\* pitwall/);
    expect(readFileSync(svg, 'utf8')).toMatch(
      /^<svg [\s\S]*(<polyline [^>]*points="[-\d., ]+"\/>[\s\S]*){3}<\/svg>\n$/,
    );
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/regret \d\.\d+ > 1\.0001/);
    expect(broken.stderr).toMatch(/slowdown \d\.\d+ > 1\.0001/);
    expect(broken.stderr).toMatch(/p50 .* limit 1us/);
  });

  it('names bad lines by number and goes on; without a usable row it is an error', async () => {
    const folder = temporaryFolder();
    const lines = gunzipSync(readFileSync(FIXTURE)).toString('utf8').trimEnd().split('\n').slice(0, 50);
    const some = join(folder, 'some.jsonl');
    writeFileSync(some, [...lines.slice(0, 10), '{"t":1}', 'nonsense', '', ...lines.slice(10)].join('\n'));
    const none = join(folder, 'none.jsonl');
    writeFileSync(none, 'nonsense\n{}\n');
    const wrong = join(folder, 'wrong.jsonl.gz');
    writeFileSync(wrong, 'not gzip');
    const [passed, empty, noGzip, noGoal] = await Promise.all([
      pitwall(some, '--json'),
      pitwall(none),
      pitwall(wrong),
      pitwall(some, '--goal', 'minimise_latency'),
    ]);
    expect(passed.code).toBe(0);
    expect(passed.stderr).toMatch(/line 11: dataSize[\s\S]*line 12: not JSON[\s\S]*2 lines were passed over/);
    expect(JSON.parse(passed.stdout)).toMatchObject({ rows: 50, skipped: 2 });
    expect(empty).toMatchObject({ code: 2, stderr: expect.stringMatching(/usable row/) });
    expect(noGzip).toMatchObject({ code: 2, stderr: expect.stringMatching(/wrong\.jsonl\.gz/) });
    expect(noGoal).toMatchObject({ code: 2, stderr: expect.stringMatching(/did you mean minimize_latency/) });
  });
});

function readRows(): TraceRow[] {
  return parseTrace(gunzipSync(readFileSync(FIXTURE)).toString('utf8')).rows;
}
