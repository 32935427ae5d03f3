// @ts-check
/**
 * Makes docs/screenshots/ from a real run: two pools of real workers, real payloads on both lanes, an experiment, advice, an actor that crashes.
 * Needs a Chromium on PATH. `node scripts/dashboard-screenshots.js [--seconds 60]`, after a build.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startRuntime } from 'pitwall';
import { exit } from 'pitwall/otp';
import { startWorkerPool } from 'pitwall/transports';
import { chromium } from 'playwright-core';
import { loadPayloads } from '../examples/main-job/payloads.js';
import { LARGEST, randomSource, sendTraffic } from '../examples/main-job/workload.js';

const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const dataDir = fileURLToPath(new URL('../.tmp/screenshots-data', import.meta.url));
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });

rmSync(dataDir, { recursive: true, force: true });
const runtime = await startRuntime({
  dataDir,
  logger: false,
  abTestingEnabled: true,
  pools: [
    // A threshold somebody fixed for another machine: there is advice about it once enough was measured.
    { name: 'ml', goal: 'minimize_latency', thresholdOverridesMb: { json: 512, binary: 512 } },
    { name: 'etl', goal: 'maximize_throughput' },
  ],
});
const dashboard = await runtime.dashboard.listen({ port: 0, readOnly: false });
let over = false;
try {
  const traffic = await startTraffic();
  await sleep((Number(values.seconds) * 1000) / 2);
  await runtime.experiments.start({
    pool: 'etl',
    name: 'small-margin',
    variants: { control: { share: 0.5 }, treatment: { share: 0.5, policy: { marginalBenefit: 0.02 } } },
  });
  const analyzer = runtime.whereis('analyzer');
  if (analyzer) exit(analyzer, 'killed for the screenshot');
  await sleep((Number(values.seconds) * 1000) / 2);
  await runtime.advice.refresh();
  await takeAll();
  over = true;
  await traffic.ended;
} finally {
  over = true;
  await runtime.shutdown();
  rmSync(dataDir, { recursive: true, force: true });
}

/** Starts workers, and traffic that goes on until it is over. */
async function startTraffic() {
  const script = fileURLToPath(new URL('../examples/main-job/worker.js', import.meta.url));
  const payloads = await loadPayloads(LARGEST);
  const pools = /** @type {const} */ (['ml', 'etl']);
  const workers = await Promise.all(pools.map((pool) => startWorkerPool(runtime, { pool, size: 1, script })));
  const sending = pools.map((pool, index) =>
    sendTraffic({
      ...{ pool, payloads, random: randomSource(index + 1), width: 2 },
      workers: workers[index],
      until: () => over,
      onDone: () => undefined,
      onFailed: () => undefined,
    }),
  );
  return { ended: Promise.all(sending) };
}

async function takeAll() {
  mkdirSync(folder, { recursive: true });
  const browser = await chromium.launch({
    executablePath: program(),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    const desk = { width: 1200, height: 1300 };
    await take('light', { viewport: desk, colorScheme: 'light' });
    await take('dark', { viewport: desk, colorScheme: 'dark' });
    await take('phone', { viewport: { width: 375, height: 1200 }, colorScheme: 'light', isMobile: true });
    await take('costs', { viewport: desk, colorScheme: 'light' }, '#costs');
    await take('operations', { viewport: desk, colorScheme: 'light' }, '#alerts');
  } finally {
    await browser.close();
  }

  /**
   * @param {string} name
   * @param {import('playwright-core').BrowserContextOptions} options
   * @param {string} [from] where the picture begins
   */
  async function take(name, options, from) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(dashboard.url);
    await page.locator('#recent tr').first().waitFor();
    await page.locator('#cost-chart canvas').waitFor();
    await page.locator('#tree-list li').first().waitFor();
    await sleep(1_500);
    if (from !== undefined)
      await page.locator(from).evaluate((element) => element.scrollIntoView({ behavior: 'instant' }));
    await page.screenshot({ path: join(folder, `${name}.jpg`), type: 'jpeg', quality: 50 });
    await context.close();
  }
}

function program() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((each) => join(each, 'chromium')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('no chromium on PATH');
  return found;
}
