import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CostModelChooser } from '../../bench/learning/cost-model-chooser.ts';
import { type ReplayChooser, replay } from '../../src/learning/replay.ts';
import { bestThreshold, scoreSpan } from '../../src/learning/replay-score.ts';
import { parseTrace, parseTraceLine, type TraceRow } from '../../src/learning/trace.ts';
import type { Lane, Observation } from '../../src/learning/types.ts';

function fixture(name: string): TraceRow[] {
  const path = fileURLToPath(new URL(`./fixtures/${name}.jsonl.gz`, import.meta.url));
  return parseTrace(gunzipSync(readFileSync(path)).toString('utf8')).rows;
}

const mixed = fixture('mixed-600');
const fresh = fixture('fresh-600');

const sizes = fc.integer({ min: 1, max: 1e6 });
const rows: fc.Arbitrary<TraceRow[]> = fc
  .array(
    fc.record({
      dataSize: sizes,
      grpcUs: fc.integer({ min: 1, max: 1e6 }),
      zeroCopyUs: fc.integer({ min: 1, max: 1e6 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) => list.map((row, index) => ({ ...MINIMAL, ...row, atMs: index })));

const MINIMAL: TraceRow = {
  atMs: 0,
  pool: 'ml',
  dataSize: 1,
  dataType: 'tensor',
  format: 'numpy',
  compression: false,
  inFlight: 1,
  systemLoad: undefined,
  availableMemory: undefined,
  warmBytes: undefined,
  grpcUs: 1,
  zeroCopyUs: 1,
  grpcCpuUs: undefined,
  zeroCopyCpuUs: undefined,
};

class Always implements ReplayChooser {
  readonly #lane: Lane;
  readonly seen: { pool: string; observation: Observation }[] = [];
  constructor(lane: Lane) {
    this.#lane = lane;
  }
  choose() {
    return { method: this.#lane, propensity: 1, explored: false, grpc: undefined, zeroCopy: undefined };
  }
  learn(pool: string, observation: Observation): void {
    this.seen.push({ pool, observation });
  }
}

describe('scores', () => {
  test('always one lane scores as that lane', async () => {
    const grpc = await replay(mixed, new Always('grpc'));
    expect(grpc.regret.pitwall).toBe(grpc.regret.grpc);
    expect(grpc.slowdown.pitwall).toBeCloseTo(grpc.slowdown.grpc, 12);
    const zeroCopy = await replay(mixed, new Always('zero_copy'));
    expect(zeroCopy.secondHalf.regret.pitwall).toBe(zeroCopy.secondHalf.regret.zeroCopy);
  });

  test('nobody beats the oracle, no threshold beats the best one', () => {
    fc.assert(
      fc.property(rows, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), sizes, (trace, coins, threshold) => {
        const byCoin = scoreSpan(
          trace,
          trace.map((_, index) => (coins[index] ? 'grpc' : 'zero_copy')),
        );
        expect(byCoin.regret.pitwall).toBeGreaterThanOrEqual(1);
        expect(byCoin.slowdown.pitwall).toBeGreaterThanOrEqual(1 - 1e-12);
        const byThreshold = scoreSpan(
          trace,
          trace.map((row) => (row.dataSize >= threshold ? 'zero_copy' : 'grpc')),
        );
        for (const score of ['regret', 'slowdown'] as const) {
          expect(byThreshold[score].bestStatic).toBeLessThanOrEqual(byThreshold[score].pitwall * (1 + 1e-12));
          expect(byThreshold[score].bestStatic).toBeLessThanOrEqual(byThreshold[score].grpc * (1 + 1e-12));
          expect(byThreshold[score].bestStatic).toBeLessThanOrEqual(byThreshold[score].zeroCopy * (1 + 1e-12));
        }
      }),
    );
  });

  test('the best threshold is one that was tried out', () => {
    fc.assert(
      fc.property(rows, (trace) => {
        const { threshold, cost } = bestThreshold(trace, (us) => us);
        const total = trace.reduce((sum, row) => sum + (row.dataSize >= threshold ? row.zeroCopyUs : row.grpcUs), 0);
        expect(cost).toBeCloseTo(total, 6);
      }),
    );
  });
});

describe('replay', () => {
  test('equal seeds give equal results, bit for bit; another seed does not', async () => {
    const run = (seed: number) => replay(mixed, new CostModelChooser('median'), { seed });
    expect(await run(3)).toStrictEqual(await run(3));
    expect(JSON.stringify(await run(3))).not.toBe(JSON.stringify(await run(4)));
  });

  test('only the chosen latency is revealed, and not before the transfer has ended', async () => {
    const chooser = new Always('grpc');
    await replay(mixed.slice(0, 100), chooser);
    expect(chooser.seen.length).toBeGreaterThan(50);
    for (const { observation } of chooser.seen) {
      expect(observation.method).toBe('grpc');
      const source = mixed.find((row) => row.grpcUs === observation.latencyUs && row.dataSize === observation.dataSize);
      expect(observation.atMs).toBeCloseTo((source?.atMs ?? 0) + observation.latencyUs / 1000, 6);
    }
    const times = chooser.seen.map(({ observation }) => observation.atMs);
    expect([...times].sort((a, b) => a - b)).toStrictEqual(times);
  });

  test('a row shows a chooser nothing of its latencies', async () => {
    const keys = new Set<string>();
    const chooser: ReplayChooser = {
      choose(row) {
        for (const key of Object.keys(row)) keys.add(key);
        return { method: 'grpc', propensity: 1, explored: false, grpc: undefined, zeroCopy: undefined };
      },
      learn() {},
    };
    await replay(mixed.slice(0, 3), chooser);
    expect([...keys].filter((key) => /us$/i.test(key))).toStrictEqual([]);
  });

  test('an empty trace is an error', async () => {
    await expect(replay([], new Always('grpc'))).rejects.toThrow('rows');
  });

  test.each([
    ['fresh', fresh],
    ['mixed', mixed],
  ])(
    'the cost model, learning from nothing, is near the best static threshold of %s within 600 rows',
    async (_name, trace) => {
      const latency = await replay(trace, new CostModelChooser('median'), { seed: 1 });
      expect(latency.secondHalf.slowdown.pitwall / latency.secondHalf.slowdown.bestStatic).toBeLessThan(1.05);
      const time = await replay(trace, new CostModelChooser('mean'), { seed: 1 });
      expect(time.secondHalf.regret.pitwall / time.secondHalf.regret.bestStatic).toBeLessThan(1.08);
      expect(time.regret.pitwall).toBeLessThan(time.regret.default10Mb);
      // 300 rows: the standard error of a coverage is 0.017.
      expect(latency.coverage90).toBeGreaterThan(0.83);
      expect(latency.coverage90).toBeLessThan(0.95);
      expect(latency.explored / trace.length).toBeLessThan(0.15);
    },
  );
});

describe('trace lines', () => {
  test.each([
    ['{', 'not JSON'],
    ['[]', 'not an object'],
    ['{"t":1,"grpc":{"latencyUs":1},"zeroCopy":{"latencyUs":1}}', 'dataSize'],
    ['{"t":1,"dataSize":5,"grpc":{"latencyUs":-1},"zeroCopy":{"latencyUs":1}}', 'grpc.latencyUs'],
    ['{"t":1,"dataSize":5,"grpc":{"latencyUs":1}}', 'zeroCopy.latencyUs'],
    ['{"t":"x","dataSize":5,"grpc":{"latencyUs":1},"zeroCopy":{"latencyUs":1}}', 't:'],
  ])('%s is named as %s', (line, problem) => {
    expect(parseTraceLine(line)).toContain(problem);
  });

  test('bad lines are numbered, good ones kept', () => {
    const good = '{"t":1,"dataSize":5,"grpc":{"latencyUs":1},"zeroCopy":{"latencyUs":2}}';
    const { rows: kept, problems } = parseTrace(`${good}\nnonsense\n\n${good}\n`);
    expect(kept.length).toBe(2);
    expect(problems).toStrictEqual([{ line: 2, problem: 'not JSON' }]);
  });

  test('any text is a row or a problem', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(['string', 'object']).toContain(typeof parseTraceLine(text));
      }),
    );
  });
});
