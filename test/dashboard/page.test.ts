/** The dashboard as people meet it: in a real Chromium, over a real runtime. */
import { type Runtime, startRuntime } from 'pitwall';
import { type Browser, type BrowserContextOptions, chromium as launcher, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { traffic } from '../advice/traffic.ts';
import { ask, chromium, transferOnce } from './support.ts';

const HOSTILE = '<img src=x onerror=document.title=1>';
const MISPLACED = { name: 'ml', goal: 'maximize_throughput', thresholdOverridesMb: { tensor: 0.5 } } as const;
const program = chromium();
if (program === undefined) console.warn('SKIPPED: no chromium on PATH, and so nobody has looked at the dashboard');

describe.skipIf(program === undefined)('the page', () => {
  let runtime: Runtime;
  let browser: Browser;
  let dashboard: Awaited<ReturnType<Runtime['dashboard']['listen']>>;

  beforeAll(async () => {
    runtime = await startRuntime({ dataDir: false, logger: false, pools: [MISPLACED, { name: HOSTILE }] });
    dashboard = await runtime.dashboard.listen({ port: 0, readOnly: false });
    const options = program === undefined ? {} : { executablePath: program };
    browser = await launcher.launch({ ...options, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    await traffic(runtime, 1)(600);
  });
  afterAll(async () => {
    await browser.close();
    await runtime.shutdown();
  });

  /** A page that has drawn everything; what it asked of others, and what it complained of. */
  async function open(options: BrowserContextOptions = {}, url = dashboard.url) {
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const strangers: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) strangers.push(request.url());
    });
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, strangers, complaints };
  }

  it('shows a transfer soon after it ended, explains it, and asks nobody else', async () => {
    const { page, strangers, complaints } = await open();
    await choose(page, 'ml');
    const startedMs = performance.now();
    const id = transferOnce(runtime, 'ml', 3_000_000);
    const row = page.locator(`#recent tr[data-key="${id}"]`);
    await row.waitFor();
    console.info(`a transfer was on the page ${Math.round(performance.now() - startedMs)} ms after it was recorded`);
    expect(await row.innerText()).toMatch(/zero-copy\s+threshold_override\s+tensor, numpy\s+2\.86 MiB\s+7 ms/);
    await row.getByRole('button').focus();
    await page.keyboard.press('Enter');
    await page.locator('#facts dt').first().waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('explanation-title');
    expect(await page.locator('#rationale').innerText()).toContain('by the threshold that is set for "tensor"');
    expect(await page.locator('#tree-list').innerText()).toMatch(/controller worker, waiting, mailbox 0, restarts 0/);
    expect(await page.locator('#pools').innerText()).toMatch(/ml\t.*maximize_throughput, version 1\tenabled\tclosed/);
    expect(await page.locator('#thresholds-now').innerText()).toMatch(/Zero-copy, where nothing better is known: /);
    expect(await page.locator('#crossing').innerText()).toMatch(
      /Zero-copy is the faster lane from [\d.]+ MiB into warm/,
    );
    expect(await page.locator('canvas').count()).toBe(4);
    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('takes what a host calls its pools for text', async () => {
    const { page, complaints } = await open();
    await choose(page, HOSTILE);
    transferOnce(runtime, HOSTILE, 5_000);
    await page.locator('#recent tr').first().waitFor();
    expect(await page.locator('#pools').innerText()).toContain(HOSTILE);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('pitwall');
    expect(complaints).toEqual([]);
  });

  it('applies advice where it may, after asking, and shows what becomes of it', async () => {
    const readOnly = await runtime.dashboard.listen({ port: 0 });
    const { page: idle } = await open({}, readOnly.url);
    const { page } = await open();
    const [advice] = await runtime.advice.refresh('ml');
    await idle.locator('#advice-list article').waitFor();
    expect(await idle.locator('#advice-list button').count()).toBe(0);
    expect(await idle.locator('#read-only').innerText()).toBe('read-only');
    const headers = { host: 'localhost', 'x-pitwall': '1' };
    const refused = await ask(readOnly.port, '/advice/apply', { method: 'POST', headers, body: { id: advice?.id } });
    expect(refused.status).toBe(403);

    await page.locator('#advice-list button').click();
    await page.locator('#confirm').getByRole('button', { name: 'Cancel' }).click();
    expect(runtime.snapshot('ml')?.policy.thresholdOverrides.size).toBe(1);
    await page.locator('#advice-list button').click();
    await page.locator('#confirm').getByRole('button', { name: 'Apply' }).click();
    await page.locator('#advice-told', { hasText: 'Applied: ' }).waitFor();
    expect(runtime.snapshot('ml')?.policy.thresholdOverrides.size).toBe(0);
    await page.locator('#tracked tr').waitFor();
    expect(await page.locator('#tracked').innerText()).toContain('measuring');
    await readOnly.close();
    await idle.locator('#status', { hasText: 'not connected' }).waitFor();
  });

  it('can be read and used without seeing it, and without a mouse', async () => {
    const { page } = await open();
    await page.locator('#lanes tr').first().waitFor();
    await page.locator('#cost-chart canvas').waitFor();
    const structure = await page.evaluate(() => {
      const all = (selector: string) => [...document.querySelectorAll(selector)];
      const named = (element: Element) => (element.getAttribute('aria-label') ?? '').trim() !== '';
      const labelled = (element: Element) => document.getElementById(element.getAttribute('aria-labelledby') ?? '');
      return {
        language: document.documentElement.lang,
        headings: all('h1').length,
        landmarks: ['header', 'nav', 'main', 'footer'].map((name) => all(name).length),
        unnamedSections: all('section').filter((section) => !labelled(section) && !named(section)).length,
        unnamedImages: all('[role=img]').filter((image) => !named(image)).length,
        unlabelledFields: all('select, input').filter((field) => field.closest('label') === null).length,
        headless: all('table').filter((table) => table.querySelector('th[scope=col]') === null).length,
        live: all('[aria-live]').map((element) => element.getAttribute('aria-live')),
      };
    });
    expect(structure).toEqual({
      ...{
        language: 'en',
        headings: 1,
        landmarks: [1, 1, 1, 1],
        unnamedSections: 0,
        unnamedImages: 0,
        unlabelledFields: 0,
      },
      ...{ headless: 0, live: ['polite'] },
    });
    expect(await page.locator('#spoken').textContent()).toMatch(/decisions a second, .* by zero-copy, \d+ alerts/);

    const reached: string[] = [];
    for (let index = 0; index < 40; index += 1) {
      await page.keyboard.press('Tab');
      const [name, outline] = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null) return ['', ''];
        const name =
          element.id || element.getAttribute('href') || element.getAttribute('aria-label') || element.tagName;
        return [name, getComputedStyle(element).outlineStyle];
      });
      reached.push(name ?? '');
      expect(outline, name).not.toBe('none');
    }
    for (const name of ['#main', 'pool', 'theme', 'pause', '#tree', 'Lanes', 'SUMMARY', 'kind'])
      expect(reached).toContain(name);
    expect(reached[0]).toBe('#main');

    // What a chart shows is there as a table too.
    await page.locator('#cost-chart summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('#cost-chart tbody tr').first().waitFor();
    expect(await page.locator('#cost-chart tbody tr').count()).toBeGreaterThan(40);
  });

  it('holds still when it is told to', async () => {
    const { page } = await open();
    await choose(page, 'ml');
    await page.getByRole('button', { name: 'Pause' }).click();
    const id = transferOnce(runtime, 'ml', 3_000_000);
    await runtime.flush();
    expect(await page.locator(`#recent tr[data-key="${id}"]`).count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator(`#recent tr[data-key="${id}"]`).waitFor();
  });

  it('is light or dark, by the system or by choice, with contrast in both', async () => {
    const { page } = await open({ colorScheme: 'dark' });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    expect(await faintest(page)).toBeGreaterThanOrEqual(4.5);
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await paper();
    expect([dark, light]).toEqual(['rgb(15, 22, 32)', 'rgb(255, 255, 255)']);
    expect(await faintest(page)).toBeGreaterThanOrEqual(4.5);
    await page.locator('#theme').selectOption('dark');
    expect(await paper()).toBe(dark);
    await page.reload();
    expect(await paper()).toBe(dark);
  });

  it('fits a phone', async () => {
    const { page } = await open({ viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true });
    await choose(page, 'ml');
    await page.locator('#cost-chart canvas').waitFor();
    await page.locator('#tree-list li').first().waitFor();
    const { width, wide } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      wide: [...document.querySelectorAll('body *')]
        .filter(
          (element) => element.closest('.scroll, .unseen') === null && element.getBoundingClientRect().right > 321,
        )
        .map((element) => `${element.tagName} ${element.id} ${element.className}`),
    }));
    expect(wide).toEqual([]);
    expect(width).toBe(320);
  });

  it('takes a token once', async () => {
    const token = 'a-token-of-our-own-0123456789';
    const guarded = await runtime.dashboard.listen({ port: 0, token });
    const { page } = await open({}, guarded.url);
    await page.getByLabel('Token').fill('a-wrong-token');
    await page.keyboard.press('Enter');
    await page.locator('#told', { hasText: 'this is not the token' }).waitFor();
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.locator('#pools tr').first().waitFor();
    expect(page.url()).toBe(guarded.url);
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.reload();
    await page.locator('#pools tr').first().waitFor();
    await guarded.close();
  });
});

async function choose(page: Page, pool: string): Promise<void> {
  await page.locator('#pools tr').first().waitFor();
  await page.locator('#pool').selectOption(pool);
  await page.locator('#behind', { hasText: `transfers of ${pool}:` }).waitFor();
}

/** The least contrast of the page's text colours with its paper, as WCAG 2 defines it. */
function faintest(page: Page): Promise<number> {
  return page.evaluate(() => {
    const probe = document.createElement('span');
    document.body.append(probe);
    const luminance = (name: string): number => {
      probe.style.color = `var(${name})`;
      const channels = (getComputedStyle(probe).color.match(/\d+/g) ?? []).map((text) => {
        const value = Number(text) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      const [red = 0, green = 0, blue = 0] = channels;
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (a: string, b: string): number => {
      const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
      return (high + 0.05) / (low + 0.05);
    };
    const pairs = [
      ...['--ink', '--quiet', '--link', '--good', '--grpc', '--zero-copy'].map((name) => [name, '--paper'] as const),
      ...['--ink', '--quiet'].map((name) => [name, '--sheet'] as const),
      ...([
        ['--warn', '--warn-paper'],
        ['--bad', '--bad-paper'],
      ] as const),
    ];
    const least = Math.min(...pairs.map(([a, b]) => contrast(a, b)));
    probe.remove();
    return least;
  });
}
