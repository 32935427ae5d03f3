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
    const path = join(folder, `${name}.png`);
    await page.screenshot({ path });
    await context.close();
    shrink(path);
  }
}

/** The same picture with a palette of its 256 most frequent colours, packed tightly: a third of the size, and no eye sees it. */
function shrink(/** @type {string} */ path) {
  const picture = readFileSync(path);
  const packed = [];
  for (let at = 8; at < picture.length; at += picture.readUInt32BE(at) + 12) {
    const end = at + 8 + picture.readUInt32BE(at);
    if (picture.toString('latin1', at + 4, at + 8) === 'IDAT') packed.push(picture.subarray(at + 8, end));
  }
  const head = Buffer.from(picture.subarray(16, 29));
  const [width, height, channels] = [head.readUInt32BE(0), head.readUInt32BE(4), head[9] === 6 ? 4 : 3];
  const pixels = unfiltered(inflateSync(Buffer.concat(packed)), width * channels, channels);
  const { palette, rows } = indexed(pixels, width, height, channels);
  head[9] = 3;
  const chunks = [
    chunk('IHDR', head),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
  ];
  const whole = Buffer.concat([picture.subarray(0, 8), ...chunks, chunk('IEND', Buffer.alloc(0))]);
  writeFileSync(path, whole);
  console.log(`${path} ${whole.length} bytes, were ${picture.length}`);
  if (whole.length > MAX_BYTES) throw new Error(`${path} has ${whole.length} bytes, more than ${MAX_BYTES}`);
}

/**
 * Takes PNG's filters back (W3C, "Portable Network Graphics Specification", 9.2).
 * @param {Buffer} raw
 * @param {number} stride bytes of a line
 * @param {number} step bytes of a pixel
 */
function unfiltered(raw, stride, step) {
  const pixels = Buffer.alloc((raw.length / (stride + 1)) * stride);
  for (let from = 0, to = 0; from < raw.length; from += stride + 1, to += stride) {
    for (let x = 0; x < stride; x += 1) {
      const left = x < step ? 0 : (pixels[to + x - step] ?? 0);
      const above = to === 0 ? 0 : (pixels[to + x - stride] ?? 0);
      const corner = x < step || to === 0 ? 0 : (pixels[to + x - stride - step] ?? 0);
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][raw[from] ?? 0] ?? 0;
      pixels[to + x] = (raw[from + 1 + x] ?? 0) + guess;
    }
  }
  return pixels;
}

/**
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function paeth(left, above, corner) {
  const guess = left + above - corner;
  const [toLeft, toAbove, toCorner] = [left, above, corner].map((each) => Math.abs(guess - each));
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/**
 * @param {Buffer} pixels
 * @param {number} width
 * @param {number} height
 * @param {number} channels
 */
function indexed(pixels, width, height, channels) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  const colourAt = (/** @type {number} */ pixel) => pixels.readUIntBE(pixel * channels, 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    counts.set(colourAt(pixel), (counts.get(colourAt(pixel)) ?? 0) + 1);
  }
  const colours = [...counts].sort((a, b) => b[1] - a[1]).map(([colour]) => colour);
  const chosen = colours.slice(0, 256);
  const index = new Map(colours.map((colour) => [colour, nearest(colour, chosen)]));
  const palette = Buffer.alloc(chosen.length * 3);
  chosen.forEach((colour, at) => {
    palette.writeUIntBE(colour, at * 3, 3);
  });
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = index.get(colourAt(y * width + x)) ?? 0;
  }
  return { palette, rows };
}

/**
 * @param {number} colour
 * @param {readonly number[]} chosen
 */
function nearest(colour, chosen) {
  const distance = (/** @type {number} */ other) =>
    [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0);
  let best = 0;
  for (let at = 1; at < chosen.length; at += 1) {
    if (distance(chosen[at] ?? 0) < distance(chosen[best] ?? 0)) best = at;
  }
  return best;
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
