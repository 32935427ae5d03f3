/** Real jobs on workers in Python, by both lanes: what comes back is what is right. With the package from dist/. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Table, tableFromIPC } from 'apache-arrow';
import { type Tensor, tensor } from 'pitwall/transports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testPool, testRuntime } from '../transports/support.ts';
import { PYTHON } from './support.ts';

const EXAMPLE = new URL('../../examples/python/worker.py', import.meta.url);
const FLIGHTS = 'node_modules/vega-datasets/data/flights-200k.arrow';

describe.skipIf(PYTHON === undefined)('the example', () => {
  it('normalises a tensor, groups a table, hashes bytes', async () => {
    const runtime = await testRuntime();
    const workers = await testPool(runtime, { script: EXAMPLE });
    const flights = tableFromIPC(readFileSync(FLIGHTS));
    const columns = ['delay', 'distance'].map((name) => Array.from(flights.getChild(name) ?? [], Number));
    const rows = Float64Array.from(columns[0] ?? [], (_, i) => columns[i % 2]?.[i - (i % 2)] ?? 0);
    const grouped = groups(flights);
    for (const lane of ['grpc', 'zeroCopy', 'zeroCopy'] as const) {
      runtime.lane = lane;
      const got = (await workers.execute('normalize', tensor(rows, [rows.length / 2, 2]))) as Tensor<Float64Array>;
      expect(got.shape).toEqual([rows.length / 2, 2]);
      expectStandard(got.data);
      const found = (await workers.execute('group_by', flights)) as Table;
      expect(found.numRows).toBe(grouped.size);
      for (const { delay, rows: count, distance } of found) {
        expect(Number(count)).toBe(grouped.get(Number(delay))?.count);
        expect(distance).toBeCloseTo(grouped.get(Number(delay))?.distance ?? -1, 6);
      }
      const file = readFileSync(FLIGHTS);
      expect(await workers.execute('digest', file)).toBe(createHash('sha256').update(file).digest('hex'));
    }
    expect(runtime.legs.every((leg) => leg.outcome === 'success')).toBe(true);
  });
});

describe.skipIf(PYTHON === undefined)('the main job', () => {
  it('runs with --worker python, and nothing fails', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pitwall main job '));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const job = ['examples/main-job/main.js', '--worker', 'python', '--chaos', 'off', '--seconds', '1', '--json'];
    const said = execFileSync(process.execPath, [...job, '--data-dir', path.join(folder, 'data')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const summary = JSON.parse(said.trim().split('\n').at(-1) ?? '');
    expect(summary).toMatchObject({ failed: 0, stored: summary.transfers });
    expect(summary.transfers).toBeGreaterThan(0);
  });
});

/** Rows and summed distance by delay, the table's first column. */
function groups(table: Table): Map<number, { count: number; distance: number }> {
  const found = new Map<number, { count: number; distance: number }>();
  const distances = table.getChild('distance');
  for (const [i, delay] of Array.from(table.getChild('delay') ?? [], Number).entries()) {
    const { count, distance } = found.get(delay) ?? { count: 0, distance: 0 };
    found.set(delay, { count: count + 1, distance: distance + Number(distances?.get(i)) });
  }
  return found;
}

/** Both columns have mean 0 and deviation 1. */
function expectStandard(data: Float64Array): void {
  for (const column of [0, 1]) {
    const values = data.filter((_, i) => i % 2 === column);
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
    const square = values.reduce((sum, each) => sum + each * each, 0) / values.length;
    expect(mean).toBeCloseTo(0, 6);
    expect(square).toBeCloseTo(1, 6);
  }
}
