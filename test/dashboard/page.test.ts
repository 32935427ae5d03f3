/** The dashboard as people meet it: in a real Chromium, over a real runtime. */
import { type Runtime, startRuntime } from 'pitwall';
import { type Browser, chromium as launcher, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  /** One look that the tests share, as a browser's tab that stays open. */
  let page: Page;
  const strangers: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    runtime = await startRuntime({ dataDir: false, logger: false, pools: [MISPLACED, { name: HOSTILE }] });
    dashboard = await runtime.dashboard.listen({ port: 0, readOnly: false });
    const options = program === undefined ? {} : { executablePath: program };
    browser = await launcher.launch({ ...options, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    await traffic(runtime, 1)(600);
    page = await browser.newPage({ colorScheme: 'light' });
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(dashboard.url).origin) strangers.push(request.url());
    });
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(dashboard.url);
  });
  afterAll(async () => {
    await browser?.close();
    await runtime.shutdown();
    // Nothing on the way loaded from elsewhere, or broke the content security policy.
    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows a transfer soon after it ended, explains it, and asks nobody else', async () => {
    await choose(page, 'ml');
    const startedMs = performance.now();
    const id = transferOnce(runtime, 'ml', 3_000_000);
    const row = page.locator(`#recent tr[data-key="${id}"]`);
    await row.waitFor();
    console.info(`a transfer was on the page ${Math.round(performance.now() - startedMs)} ms after it was recorded`);
    const cells = await row.locator('td').allTextContents();
    expect(cells.slice(0, 5)).toEqual(['zero-copy', 'threshold_override', 'tensor, numpy', '2.86 MiB', '7 ms']);
    await row.getByRole('button').focus();
    await page.keyboard.press('Enter');
    await page.locator('#facts dt').first().waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('explanation-title');
    expect(await page.locator('#rationale').textContent()).toContain('by the threshold that is set for "tensor"');
    expect(await page.locator('#tree-list').textContent()).toMatch(/controller worker, waiting, mailbox 0, restarts 0/);
    const pools = await page.locator('#pools tr[data-key=ml] td').allTextContents();
    expect(pools.slice(5)).toEqual(['maximize_throughput, version 1', 'enabled', 'closed']);
    expect(await page.locator('#thresholds-now').textContent()).toMatch(/Zero-copy, where nothing better is known: /);
    expect(await page.locator('#crossing').textContent()).toMatch(
      /Zero-copy is the faster lane from [\d.]+ MiB into warm/,
    );
    expect(await page.locator('canvas').count()).toBe(4);
  });

  it('takes what a host calls its pools for text', async () => {
    await choose(page, HOSTILE);
    transferOnce(runtime, HOSTILE, 5_000);
    await page.locator('#recent tr').first().waitFor();
    expect(await page.locator('#pools').textContent()).toContain(HOSTILE);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('pitwall');
  });

  it('shows an alert while it lasts', async () => {
    const broken = { name: 'broken', decide: () => JSON.parse('{') };
    await runtime.updatePolicy(HOSTILE, { customRules: [broken] });
    transferOnce(runtime, HOSTILE, 5_000_000);
    const alert = page.locator('#alert-list article', { hasText: 'custom_rule_disabled' });
    await alert.waitFor();
    expect(await alert.textContent()).toContain('"broken" threw (SyntaxError');
    expect(await page.locator('#alert-count').textContent()).toBe('(1)');
    await runtime.updatePolicy(HOSTILE, { customRules: [] });
    await page.locator('#alert-list', { hasText: 'None.' }).waitFor();
  });

  it('applies advice where it may, after asking, and shows what becomes of it', async () => {
    const readOnly = await runtime.dashboard.listen({ port: 0 });
    const idle = await browser.newPage();
    await idle.goto(readOnly.url);
    const [advice] = await runtime.advice.refresh('ml');
    await idle.locator('#advice-list article').waitFor();
    expect(await idle.locator('#advice-list button').count()).toBe(0);
    expect(await idle.locator('#read-only').textContent()).toBe('read-only');
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
    expect(await page.locator('#tracked').textContent()).toContain('measuring');
    await readOnly.close();
    await idle.locator('#status', { hasText: 'not connected' }).waitFor();
  });

  it('can be read and used without seeing it, and without a mouse', async () => {
    await page.reload();
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
        if (element === null) return ['', ''] as const;
        const name =
          element.id || element.getAttribute('href') || element.getAttribute('aria-label') || element.tagName;
        return [name, getComputedStyle(element).outlineStyle] as const;
      });
      reached.push(name ?? '');
      if (name !== 'BODY') expect(outline, name).not.toBe('none');
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
    await choose(page, 'ml');
    await page.getByRole('button', { name: 'Pause' }).click();
    const id = transferOnce(runtime, 'ml', 3_000_000);
    await runtime.flush();
    expect(await page.locator(`#recent tr[data-key="${id}"]`).count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.locator(`#recent tr[data-key="${id}"]`).waitFor();
  });

  it('is light or dark, by the system or by choice, with contrast in both', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
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
    await page.locator('#theme').selectOption('system');
    expect(await paper()).toBe(light);
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    await choose(page, 'ml');
    await page.locator('#recent tr').nth(2).waitFor();
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
    const page = await browser.newPage();
    await page.goto(guarded.url);
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
