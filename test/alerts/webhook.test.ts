/** The webhook against real servers: one that takes everything, and ones that fail, hang, redirect, or are not there. */
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Alert } from '../../src/actors/adviser.ts';
import { parseConfig, validateConfig } from '../../src/config/parse.ts';
import type { Clock } from '../../src/otp/index.ts';
import { Webhook } from '../../src/wiring/webhook.ts';

const KEY = randomBytes(32);
/** A busy machine takes its time over a first request. */
const PATIENCE_MS = 20_000;
const SECRET = `whsec_${KEY.toString('base64')}`;

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver that answers as it is told; `arrived` resolves with its next message. */
async function receiver(answer: (response: ServerResponse, count: number) => void) {
  const received: Received[] = [];
  const waiting: ((received: Received) => void)[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer(response, received.length);
      waiting.shift()?.({ headers: request.headers, body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/hook?token=t0ps3cret`,
    received,
    arrived: () => new Promise<Received>((resolve) => waiting.push(resolve)),
  };
}

/** Real time, but pauses (of 0.4 to 20 s) pass at once, and are written down. */
function impatient(pauses: number[]): Clock {
  return {
    now: () => Date.now(),
    setTimer(run, afterMs) {
      const pause = afterMs > 400 && afterMs < PATIENCE_MS;
      if (pause) pauses.push(afterMs);
      const timer = setTimeout(run, pause ? 0 : afterMs);
      return { cancel: () => clearTimeout(timer), ref: () => void timer.ref(), unref: () => void timer.unref() };
    },
  };
}

function hook(url: string, options: object = {}) {
  const pauses: number[] = [];
  const lines: string[] = [];
  const config = parseConfig({
    logger: false,
    alerts: { webhook: { url, secret: SECRET, timeoutMs: PATIENCE_MS, ...options } },
  });
  const { webhook } = config.alerts;
  if (webhook === undefined) throw new Error('there is one');
  const log = (line: string): void => void lines.push(line);
  const logger = { debug: log, info: log, warn: log, error: log };
  const made = new Webhook({ config: webhook, logger, clock: impatient(pauses), random: () => 0.5, instance: 'test' });
  return { webhook: made, pauses, lines, config };
}

const ALERT: Alert = {
  key: 'memory_pressure',
  kind: 'memory_pressure',
  severity: 'warning',
  pool: undefined,
  message: '93.0 % of memory are in use',
  comparison: { measured: 0.93, limit: 0.8 },
  firstAtMs: 1,
  lastAtMs: 2,
  count: 1,
  carriedOver: false,
};

/** Waits until the webhook has settled `count` messages one way or the other. */
async function settled(webhook: Webhook, count: number): Promise<void> {
  const done = (): number => webhook.counts.delivered + webhook.counts.given_up;
  while (done() < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('the webhook', () => {
  it('posts JSON that Standard Webhooks can verify', async () => {
    const there = await receiver((response) => response.writeHead(204).end());
    const { webhook } = hook(there.url);
    webhook.tell('raised', ALERT);
    webhook.tell('resolved', { ...ALERT, resolvedAtMs: 3 });
    await settled(webhook, 2);
    const [first, second] = there.received;
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      type: 'alert.raised',
      data: { key: 'memory_pressure', comparison: { limit: 0.8 } },
    });
    expect(JSON.parse(second?.body ?? '')).toMatchObject({ type: 'alert.resolved', data: { resolvedAtMs: 3 } });
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = first?.headers ?? {};
    const expected = createHmac('sha256', KEY).update(`${id}.${timestamp}.${first?.body}`).digest('base64');
    expect(signature).toBe(`v1,${expected}`);
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(30);
    expect(second?.headers['webhook-id']).not.toBe(id);
    expect(webhook.counts).toEqual({ delivered: 2, retried: 0, given_up: 0, dropped: 0 });
  });

  it('tries again after 1, 2, 4 s with jitter, under the same id, and heeds Retry-After', async () => {
    const there = await receiver((response, count) => {
      if (count === 2) response.setHeader('retry-after', '7');
      response.writeHead(count < 4 ? 503 : 200).end();
    });
    const { webhook, pauses, lines } = hook(there.url);
    webhook.tell('raised', ALERT);
    await settled(webhook, 1);
    expect(webhook.counts).toEqual({ delivered: 1, retried: 3, given_up: 0, dropped: 0 });
    expect(pauses).toEqual([750, 7000, 3000]);
    expect(new Set(there.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(lines).toEqual([]);
  });

  it('gives up on a receiver that fails, hangs or is not there, says so once, and goes on when it is back', async () => {
    let well = false;
    const there = await receiver((response) => {
      if (well) response.writeHead(200).end();
      // Else it hangs: no answer at all.
    });
    const { webhook, lines } = hook(there.url, { maxAttempts: 2, timeoutMs: 30 });
    webhook.tell('raised', ALERT);
    webhook.tell('raised', { ...ALERT, key: 'b' });
    await settled(webhook, 2);
    expect(webhook.counts).toEqual({ delivered: 0, retried: 2, given_up: 2, dropped: 0 });
    expect(lines).toEqual([
      expect.stringMatching(
        /^the alert webhook at http:\/\/127.0.0.1:\d+ does not take alerts: no answer within 30 ms$/,
      ),
    ]);
    well = true;
    webhook.tell('resolved', { ...ALERT, resolvedAtMs: 3 });
    await settled(webhook, 3);
    expect(webhook.counts.delivered).toBe(1);

    const nobody = hook('http://127.0.0.1:1/hook', { maxAttempts: 3 });
    nobody.webhook.tell('raised', ALERT);
    await settled(nobody.webhook, 1);
    expect(nobody.webhook.counts).toMatchObject({ retried: 2, given_up: 1 });
  });

  it('follows no redirect, and takes "gone" as an answer', async () => {
    const elsewhere = await receiver((response) => response.writeHead(200).end());
    const there = await receiver((response, count) => {
      response.writeHead(count === 1 ? 307 : 410, { location: elsewhere.url }).end();
    });
    const { webhook, lines } = hook(there.url);
    webhook.tell('raised', ALERT);
    await settled(webhook, 1);
    webhook.tell('raised', { ...ALERT, key: 'b' });
    await settled(webhook, 2);
    expect(webhook.counts).toEqual({ delivered: 0, retried: 0, given_up: 2, dropped: 0 });
    expect(elsewhere.received).toEqual([]);
    expect(lines.join()).toMatch(/307; redirects are not followed/);
  });

  it('never waits: what does not fit is dropped, the oldest first, and counted', async () => {
    const held: ServerResponse[] = [];
    const there = await receiver((response, count) => {
      if (count === 1) held.push(response);
      else response.writeHead(200).end();
    });
    const { webhook } = hook(there.url, { queueCapacity: 3 });
    const arrived = there.arrived();
    for (const key of ['a', 'b', 'c', 'd', 'e']) webhook.tell('raised', { ...ALERT, key });
    await arrived;
    held[0]?.writeHead(200).end();
    await settled(webhook, 3);
    expect(webhook.counts).toMatchObject({ delivered: 3, dropped: 2 });
    expect(there.received.map(({ body }) => JSON.parse(body).data.key)).toEqual(['a', 'd', 'e']);
  });

  it('sends what is severe enough only, and ends in bounded time whatever the receiver does', async () => {
    const there = await receiver(() => undefined);
    const { webhook } = hook(there.url, { minimumSeverity: 'critical' });
    webhook.tell('raised', ALERT);
    expect(webhook.waiting).toBe(0);
    webhook.tell('raised', { ...ALERT, severity: 'critical' });
    webhook.tell('raised', { ...ALERT, severity: 'critical', key: 'b' });
    await webhook.close(50);
    expect(webhook.waiting).toBe(0);
    webhook.tell('raised', { ...ALERT, severity: 'critical' });
    expect(webhook.waiting).toBe(0);
  });
});

describe('its configuration', () => {
  const problemsOf = (webhook: object): string[] =>
    validateConfig({ alerts: { webhook: { url: 'https://example.org/h', secret: SECRET, ...webhook } } }).problems.map(
      ({ message }) => message,
    );

  it('takes https, or http on loopback, unless told; and a key that is one', () => {
    for (const url of ['https://example.org/h', 'http://127.0.0.1:8/h', 'http://[::1]/h', 'http://localhost/h'])
      expect(problemsOf({ url })).toEqual([]);
    expect(problemsOf({ url: 'http://10.0.0.8/h' })).toEqual([
      expect.stringMatching(/alerts\.webhook\.url: expected https, or http on loopback/),
    ]);
    expect(problemsOf({ url: 'http://10.0.0.8/h', allowInsecure: true })).toEqual([]);
    expect(problemsOf({ url: 'ftp://example.org' })).toHaveLength(1);
    expect(problemsOf({ maxAttempts: 0, other: 1 })).toHaveLength(2);
    expect(problemsOf({ secret: undefined })).toHaveLength(1);
  });

  it('never shows the key: not in a problem, not in what is in force, not in a log line', () => {
    const short = `whsec_${KEY.subarray(0, 8).toString('base64')}`;
    const told = JSON.stringify([
      problemsOf({ secret: short }),
      problemsOf({ secret: KEY.toString('hex') }),
      problemsOf({ url: `https://u:${KEY.toString('hex')}@x.org` }),
    ]);
    const { config } = hook('http://127.0.0.1:1/');
    const shown = [
      told,
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${config.alerts.webhook?.secret}`,
    ].join();
    expect(shown).toContain('[secret]');
    for (const form of [KEY.toString('base64'), KEY.toString('hex'), short, [...KEY].join(', ')])
      expect(shown).not.toContain(form);
  });
});
