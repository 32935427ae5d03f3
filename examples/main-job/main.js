// The main job: a host with two pools sends real payloads to real worker processes, pitwall decides how each travels, and things break.
//
//   npm start -- [--seconds 30] [--chaos on|off] [--data-dir ./pitwall-data] [--seed 1] [--worker node|python] [--json]
import { parseArgs } from 'node:util';
import { startRuntime } from 'pitwall';
import { startWorkerPool } from 'pitwall/transports';
import { startChaos } from './chaos.js';
import { loadPayloads } from './payloads.js';
import { estimateAlternatives, summarize, thresholdsOf } from './summary.js';
import { createView, formatBytes } from './view.js';
import { LARGEST, randomSource, sendTraffic } from './workload.js';

const POOLS = /** @type {const} */ (['ml', 'etl']);

const options = readOptions();
const say = (/** @type {string} */ line) => (options.json ? process.stderr : process.stdout).write(`${line}\n`);

const runtime = await startRuntime({
  dataDir: options.dataDir,
  logger: false,
  pools: [
    { name: 'ml', goal: 'minimize_latency' },
    { name: 'etl', goal: 'maximize_throughput' },
  ],
});
await sayWhatWasFound();

const payloads = await loadPayloads(LARGEST);
const pools = await Promise.all(
  POOLS.map((pool) => startWorkerPool(runtime, { pool, size: 1, script: options.script })),
);

/** @type {{ pool: string, dataType: string, size: number }[]} */
const jobs = [];
/** @type {string[]} */
let events = [];
let failed = 0;
let over = false;
const fromUs = Date.now() * 1000;
const startedMs = performance.now();

process.once('SIGINT', () => {
  over = true;
});
const stopChaos = options.chaos
  ? startChaos({
      runtime,
      workers: pools[0],
      everyMs: Math.min(4_000, (options.seconds * 1000) / 5),
      onCrash: (what) => events.push(`crashed ${what}`),
    })
  : () => undefined;
const stopView = showLive();

await Promise.all(
  POOLS.map((pool, index) =>
    sendTraffic({
      workers: pools[index],
      pool,
      payloads,
      random: randomSource(options.seed + index),
      width: 2,
      until: () => over || performance.now() - startedMs > options.seconds * 1000,
      onDone: ({ dataType, size }) => jobs.push({ pool, dataType, size }),
      onFailed: (error) => {
        failed += 1;
        say(`failed: ${error instanceof Error ? error.message : error}`);
      },
    }),
  ),
);

stopChaos();
stopView();
await runtime.flush();
const restarts = runtime.restarts;
const summary = await summarize({ runtime, pools: [...POOLS], fromUs, startedMs, jobs, failed, restarts });
saySummary();
for (const workers of pools) await workers.close();
await runtime.shutdown();
if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
process.exitCode = failed > 0 ? 1 : 0;

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '30' },
      chaos: { type: 'string', default: 'on' },
      'data-dir': { type: 'string', default: './pitwall-data' },
      seed: { type: 'string', default: '1' },
      worker: { type: 'string', default: 'node' },
      json: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  const seed = Number(values.seed);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new Error(`--seconds: expected a number in 0..86400, got ${values.seconds}`);
  if (!Number.isInteger(seed)) throw new Error(`--seed: expected a whole number, got ${values.seed}`);
  if (values.chaos !== 'on' && values.chaos !== 'off')
    throw new Error(`--chaos: expected on or off, got ${values.chaos}`);
  if (values.worker !== 'node' && values.worker !== 'python')
    throw new Error(`--worker: expected node or python, got ${values.worker}`);
  const script = new URL(values.worker === 'python' ? './worker.py' : './worker.js', import.meta.url);
  return { script, seconds, seed, chaos: values.chaos === 'on', dataDir: values['data-dir'], json: values.json };
}

async function sayWhatWasFound() {
  const found = await Promise.all(POOLS.map((pool) => runtime.analyzer.getStatistics({ pool })));
  const count = found.reduce((total, each) => total + each.count, 0);
  const learned = POOLS.map((pool) => `${pool} ${describe(thresholdsOf(runtime, pool))}`).join('; ');
  say(
    count === 0
      ? `pitwall starts from nothing in ${options.dataDir}: zero-copy from ${learned}`
      : `pitwall found ${count} transfers in ${options.dataDir} and goes on from what they taught: zero-copy from ${learned}`,
  );
}

/** @param {Record<string, number>} thresholds */
function describe(thresholds) {
  return Object.entries(thresholds)
    .map(([dataType, bytes]) => `${dataType} ${formatBytes(bytes)}`)
    .join(', ');
}

function showLive() {
  const view = createView(options.json ? process.stderr : process.stdout);
  let decisionsBefore = 0;
  const timer = setInterval(async () => {
    const trends = await runtime.analyzer.trends().catch(() => []);
    const frames = POOLS.map((pool) => {
      const counts = runtime.getStatistics(pool);
      const own = trends.filter((trend) => trend.pool === pool);
      return {
        pool,
        zeroCopy: counts?.zeroCopyCount ?? 0,
        grpc: counts?.grpcCount ?? 0,
        meanMs: Object.fromEntries(own.map((trend) => [trend.method, trend.meanLatencyUs / 1000])),
        thresholds: thresholdsOf(runtime, pool),
      };
    });
    const decisions = frames.reduce((total, each) => total + each.zeroCopy + each.grpc, 0);
    view.show({
      seconds: (performance.now() - startedMs) / 1000,
      decisionsPerSecond: decisions - decisionsBefore,
      transfers: jobs.length,
      failed,
      restarts: runtime.restarts,
      status: runtime.status.state,
      pools: frames,
      events,
    });
    decisionsBefore = decisions;
    events = [];
  }, 1_000);
  return () => clearInterval(timer);
}

function saySummary() {
  const { transfers, grpc, zeroCopy, fallbacks, explored, stored, seconds, bytes, decisionUs } = summary;
  const estimated = estimateAlternatives(runtime, jobs);
  const saved = (/** @type {number} */ other) =>
    `${(other - estimated.chosen).toFixed(1)} s (${Math.round((100 * (other - estimated.chosen)) / Math.max(other, 1e-9))} %)`;
  say(`
${transfers} transfers in ${seconds} s, ${failed} failed, ${formatBytes(bytes)} moved; ${stored} stored
lanes: ${zeroCopy} zero-copy, ${grpc} gRPC, of them ${explored} to learn, ${fallbacks} after a fallback
decisions: p50 ${decisionUs.p50} us, p99 ${decisionUs.p99} us; ${summary.restarts} restarts survived
zero-copy from: ${POOLS.map((pool) => `${pool} ${describe(thresholdsOf(runtime, pool))}`).join('; ')}
time saved, estimated from the cost model: ${saved(estimated.grpcOnly)} against gRPC only, ${saved(estimated.tenMegabytes)} against "if (size > 10 MB)"
look further: run it again (it goes on from ${options.dataDir}), or read docs/README.md`);
}
