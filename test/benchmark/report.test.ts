/** A report of known figures: equal for equal seeds, as text and as a page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/learning/random.ts';
import { benchmarkPage } from '../../src/metrics/analysis/benchmark/html.ts';
import { assembleReport, type RunFacts } from '../../src/metrics/analysis/benchmark/report.ts';
import { cellsOf, planOf } from '../../src/metrics/analysis/benchmark/scenario.ts';
import { schedule } from '../../src/metrics/analysis/benchmark/schedule.ts';
import { Tally } from '../../src/metrics/analysis/benchmark/tally.ts';
import { benchmarkText } from '../../src/metrics/analysis/benchmark/text.ts';
import type { BenchmarkReport, BenchmarkScenario } from '../../src/metrics/analysis/benchmark/types.ts';
import type { ChartCode } from '../../src/metrics/analysis/page.ts';

const FACTS: RunFacts = {
  startedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  elapsedMs: 20_000,
  machine: { node: 'v20.20.2', platform: 'linux', arch: 'x64', cpu: 'A Cpu & <Co>', cores: 2, memory: 24 * 2 ** 30 },
  ended: { reason: 'complete', detail: undefined },
  busyMs: 1_000,
  production: { before: 80, during: 300, medianRatio: 1.02, evidence: 1.5, bar: 10_000 },
};

/** A machine on which gRPC takes 200 us + 1 ns a byte and zero-copy 300 us + 0.1 ns a byte, give or take a third. */
function reportOf(scenario: BenchmarkScenario, seed = 1): BenchmarkReport {
  const plan = planOf({ seed, ...scenario });
  const cells = cellsOf(plan);
  const random = seededRandom(42);
  const tally = new Tally();
  for (const visit of schedule(plan, cells.length)) {
    const dataSize = cells[visit.cell]?.dataSize ?? 0;
    const usual = visit.lane === 'grpc' ? 200 + dataSize * 0.001 : 300 + dataSize * 0.0001;
    const noise = Math.exp((random() + random() - 1) * 0.5);
    tally.add({ ...visit, latencyUs: usual * noise, failed: 0, errorCode: undefined, otherMemory: 0 }, 1);
  }
  const steps = assembleReport(plan, tally, FACTS);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

const SCENARIO = { sizes: [4_096, 65_536, 1_048_576], types: ['tensor'], repetitions: 30 };

describe('a report', () => {
  const report = reportOf(SCENARIO);

  it('is the same for the same measurements and seed, to the last digit', () => {
    expect(reportOf(SCENARIO)).toEqual(report);
    expect(reportOf(SCENARIO, 2).cells[0]?.ratioInterval).not.toEqual(report.cells[0]?.ratioInterval);
    expect(JSON.parse(JSON.stringify(report)).cells).toHaveLength(3);
  });

  it('says which lane is faster where that is beyond doubt, nothing where it is not, and where they cross', () => {
    expect(report.cells.map(({ faster }) => faster)).toEqual(['grpc', undefined, 'zero_copy']);
    const [crossover] = report.crossovers;
    // 200 + 0.001 x = 300 + 0.0001 x at 111 111 bytes; between sizes a power of 16 apart the line is bent.
    expect(crossover?.bytes).toBeGreaterThan(65_536);
    expect(crossover?.bytes).toBeLessThan(200_000);
    expect(crossover?.lowBytes).toBeLessThan(crossover?.bytes ?? 0);
    expect(report.transfers).toEqual({ measured: 180, warmUp: 12, failed: 0 });
    expect(report.busyShare).toBe(0.05);
  });

  it('as text', () => {
    expect(benchmarkText(report)).toMatchInlineSnapshot(`
      "A Cpu & <Co>, 2 cores, 24 GiB; Node v20.20.2, linux x64
      complete; 30 of 30 rounds, 180 transfers measured (12 to warm up, 0 failed) in 20.0 s
      took 5.0 % of one core's time (at most 5.0 %); seed 1; intervals of 95.0 %
      production meanwhile: 300 transfers against 80 before, median latency x 1.02; evidence 1.5 of 10000

      tensor/numpy, uncompressed, 1 in flight, warm memory
        size    lane        n      p50            interval      p90      p99  MB/s  outliers  failed  zero-copy / gRPC
        4 KiB   zero-copy  30   327 us    291 us .. 339 us   399 us   456 us  12.5                    1.56 (1.41..1.78)  gRPC
                gRPC       30   209 us    172 us .. 227 us   252 us   286 us  19.6
        64 KiB  zero-copy  30   304 us    275 us .. 342 us   387 us   410 us   216                    1.14 (0.95..1.35)  no difference shown
                gRPC       30   265 us    236 us .. 321 us   361 us   379 us   247
        1 MiB   zero-copy  30   408 us    376 us .. 437 us   517 us   571 us  2569                    0.34 (0.29..0.38)  zero-copy
                gRPC       30  1.22 ms  1.11 ms .. 1.34 ms  1.52 ms  1.84 ms   863
        zero-copy is faster from 86.8 KiB on (46.9 KiB .. 117 KiB)
      "
    `);
  });

  it('counts outliers and failures in, and leaves out nothing', () => {
    const plan = planOf({ sizes: [1_024], repetitions: 40, warmUp: 0 });
    const tally = new Tally();
    for (const visit of schedule(plan, 1)) {
      const slow = visit.round === 7 ? 50_000 : 500 + visit.round;
      const lost = visit.round === 8 && visit.lane === 'grpc';
      const failure = { latencyUs: undefined, failed: 1, errorCode: 'PITWALL_WORKER_LOST', otherMemory: 0 };
      const success = { latencyUs: slow, failed: 0, errorCode: undefined, otherMemory: 0 };
      tally.add({ ...visit, ...(lost ? failure : success) }, 1);
    }
    const steps = assembleReport(plan, tally, FACTS);
    let last = steps.next();
    while (!last.done) last = steps.next();
    const [zeroCopy, grpc] = last.value.cells[0]?.lanes ?? [];
    expect(zeroCopy).toMatchObject({ count: 40, failed: 0, outliers: 1, maxUs: 50_000 });
    expect(grpc).toMatchObject({ count: 39, failed: 1, errorCode: 'PITWALL_WORKER_LOST' });
  });

  it('of nothing at all is a report all the same', () => {
    const steps = assembleReport(planOf(), new Tally(), { ...FACTS, ended: { reason: 'cancelled', detail: 'by me' } });
    let last = steps.next();
    while (!last.done) last = steps.next();
    expect(benchmarkText(last.value)).toContain('cancelled: by me');
    expect(benchmarkPage(last.value, undefined)).toContain('<table>');
  });
});

describe('the page', () => {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const installed = (file: string): string => readFileSync(join(folder, 'dist', file), 'utf8');
  const charts: ChartCode = { script: installed('uPlot.iife.min.js'), style: installed('uPlot.min.css') };
  const report = reportOf({
    ...SCENARIO,
    types: ['tensor', '</script><script>alert(1)//'],
    payload: () => Buffer.alloc(1),
  });
  const page = benchmarkPage(report, charts);

  it('fetches nothing, and forbids itself to', () => {
    const code = page.replace(charts.script, '').replace(/<meta[^>]*>/g, '');
    expect(code).not.toMatch(
      /https?:|\b(src|href|action|srcset)\s*=|url\(|@import|fetch\(|XMLHttpRequest|WebSocket|import\(/,
    );
    expect(charts.script.replace(/\/\*!.*?\*\//, '')).not.toMatch(/https?:|fetch\(|XMLHttpRequest|WebSocket|import\(/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`);
  });

  it('is readable without scripts: every figure of every cell is in a table', () => {
    const bare = page.replaceAll(/<script[\s\S]*?<\/script>/g, '');
    expect(bare.match(/<table>/g)).toHaveLength(2);
    expect(bare.match(/<tr>/g)).toHaveLength(2 * (1 + 3 * 2));
    expect(bare).toContain('1 MiB');
    expect(bare).toContain('Zero-copy is faster from');
    expect(benchmarkPage(report, undefined)).not.toContain('<script');
  });

  it('takes names for text, whatever they are', () => {
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&lt;/script&gt;&lt;script&gt;alert(1)//');
    expect(page).toContain('A Cpu &amp; &lt;Co&gt;');
  });

  it('has scripts that compile, data that parses, and looks for light and dark', () => {
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code = '']) => code);
    expect(scripts).toHaveLength(2);
    for (const code of scripts) expect(() => new Script(code)).not.toThrow();
    const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/.exec(page) ?? [];
    expect(JSON.parse(json)[0]).toMatchObject({
      sizes: [4_096, 65_536, 1_048_576],
      lanes: [{ lane: 'zero_copy' }, { lane: 'grpc' }],
    });
    expect(JSON.parse(json)[0].crossover.bytes).toBe(report.crossovers[0]?.bytes);
    expect(page).toContain('prefers-color-scheme: dark');
  });
});
