// @ts-check
/**
 * Makes docs/screenshots/ from a real run: two pools of real workers, real payloads on both lanes, an experiment, advice, an actor that crashes.
 * Needs a Chromium on PATH. `node scripts/dashboard-screenshots.js [--seconds 60]`, after a build.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { startRuntime } from 'pitwall';
import { exit } from 'pitwall/otp';
import { startWorkerPool } from 'pitwall/transports';
import { chromium } from 'playwright-core';
import { loadPayloads } from '../examples/main-job/payloads.js';
import { LARGEST, randomSource, sendTraffic } from '../examples/main-job/workload.js';

const MAX_BYTES = 150_000;
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
  const browser = await chromium.launch({ executablePath: program(), args: ['--no-sandbox'] });
  try {
    const desk = { width: 1200, height: 1000 };
    await take('light', { viewport: desk, colorScheme: 'light' });
    await take('dark', { viewport: desk, colorScheme: 'dark' });
    await take('phone', { viewport: { width: 375, height: 1200 }, colorScheme: 'light', isMobile: true });
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
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    await context.close();
    shrink(path);
  }
}

/** Packs the picture as tightly as its format can: browsers are in a hurry. */
function shrink(/** @type {string} */ path) {
  const picture = readFileSync(path);
  const chunks = [];
  const pixels = [];
  for (let at = 8; at < picture.length; at += picture.readUInt32BE(at) + 12) {
    const body = picture.subarray(at + 8, at + 8 + picture.readUInt32BE(at));
    const type = picture.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') pixels.push(body);
    else if (['IHDR', 'PLTE', 'tRNS'].includes(type)) chunks.push(chunk(type, body));
  }
  const packed = deflateSync(inflateSync(Buffer.concat(pixels)), { level: 9, memLevel: 9 });
  const whole = Buffer.concat([
    picture.subarray(0, 8),
    ...chunks,
    chunk('IDAT', packed),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  writeFileSync(path, whole);
  console.log(`${path} ${whole.length} bytes, were ${picture.length}`);
  if (whole.length > MAX_BYTES) throw new Error(`${path} has ${whole.length} bytes, more than ${MAX_BYTES}`);
}

/**
 * @param {string} type
 * @param {Buffer} body
 */
function chunk(type, body) {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length, 0);
  head.write(type, 4, 'latin1');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), body])), 0);
  return Buffer.concat([head, body, sum]);
}

function program() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((each) => join(each, 'chromium')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('no chromium on PATH');
  return found;
}
