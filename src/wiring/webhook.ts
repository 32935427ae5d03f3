/**
 * Posts alerts to an address, as Standard Webhooks has it (https://github.com/standard-webhooks/standard-webhooks, spec 1.0): JSON with `type`, `timestamp`
 * and `data`, signed with HMAC-SHA256 over `id.timestamp.body`. A message keeps its id over all attempts, so that a receiver knows it again.
 *
 * Nobody waits for it: messages wait in a bounded queue, one is on its way at a time, and an attempt that fails is made again later. What the receiver
 * answers is not read. Redirects are not followed: what was signed for one address is not carried to another.
 */
import { createHmac } from 'node:crypto';
import type { Alert, PastAlert } from '../actors/adviser.ts';
import type { Logger, WebhookConfig } from '../config/types.ts';
import { type Clock, describeReason, type Timer } from '../otp/index.ts';

export interface WebhookSettings {
  readonly config: WebhookConfig;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1): jitter, and what makes ids unique. */
  readonly random: () => number;
  /** Names the runtime in ids. */
  readonly instance: string;
}

/** Messages by what became of them, and `retried`: attempts that failed and were made again. */
export interface WebhookCounts {
  readonly delivered: number;
  readonly retried: number;
  readonly given_up: number;
  readonly dropped: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  attempts: number;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** What a receiver may ask for by `Retry-After` at most. */
const LONGEST_WISH_MS = 600_000;

type Outcome =
  | { readonly type: 'delivered' }
  /** Trying again may help. */
  | { readonly type: 'failed'; readonly why: string; readonly notBeforeMs: number }
  /** It will not: the address is wrong, or gone. */
  | { readonly type: 'refused'; readonly why: string };

export class Webhook {
  readonly #settings: WebhookSettings;
  readonly #queue: Message[] = [];
  readonly #counts = { delivered: 0, retried: 0, given_up: 0, dropped: 0 };
  #sequence = 0;
  #sending: Promise<void> | undefined;
  #pause: { readonly timer: Timer; readonly over: () => void } | undefined;
  #abort: AbortController | undefined;
  #closing = false;
  #told = false;

  constructor(settings: WebhookSettings) {
    this.#settings = settings;
  }

  get counts(): WebhookCounts {
    return { ...this.#counts };
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Never throws, never waits. */
  tell(news: 'raised' | 'resolved', alert: Alert | PastAlert): void {
    const { config, clock, instance } = this.#settings;
    if (this.#closing || (config.minimumSeverity === 'critical' && alert.severity !== 'critical')) return;
    this.#sequence += 1;
    const timestamp = new Date(clock.now()).toISOString();
    const message: Message = {
      id: `msg_${instance}_${this.#sequence.toString(36)}`,
      body: JSON.stringify({ type: `alert.${news}`, timestamp, data: alert }),
      attempts: 0,
    };
    this.#queue.push(message);
    // The newest tells how it is now; the one that is on its way stays.
    if (this.#queue.length > config.queueCapacity) {
      this.#queue.splice(this.#sending === undefined || this.#queue.length < 2 ? 0 : 1, 1);
      this.#counts.dropped += 1;
    }
    this.#sending ??= this.#drain().catch(() => {
      // A random source of the host's that throws: the next alert tries again.
      this.#sending = undefined;
    });
  }

  /** Sends what waits, each message once more at most; gives up after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#closing = true;
    this.#pause?.over();
    const sending = this.#sending;
    if (sending === undefined) return;
    const timer = this.#settings.clock.setTimer(() => {
      this.#counts.dropped += this.#queue.splice(0).length;
      this.#abort?.abort();
    }, timeoutMs);
    try {
      await sending;
    } finally {
      timer.cancel();
    }
  }

  async #drain(): Promise<void> {
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      const outcome = await this.#attempt(message);
      if (this.#queue[0] === message && this.#settle(message, outcome)) this.#queue.shift();
      else if (outcome.type === 'failed') await this.#wait(this.#pauseMs(message.attempts, outcome.notBeforeMs));
    }
    this.#sending = undefined;
  }

  /** @returns whether the message is done with */
  #settle(message: Message, outcome: Outcome): boolean {
    if (outcome.type === 'delivered') {
      this.#counts.delivered += 1;
      this.#told = false;
      return true;
    }
    const last = message.attempts >= this.#settings.config.maxAttempts || this.#closing;
    if (outcome.type === 'failed' && !last) {
      this.#counts.retried += 1;
      return false;
    }
    this.#counts.given_up += 1;
    // Once, until something arrives again: a receiver that is down must not fill the log.
    if (!this.#told)
      this.#settings.logger.warn(`the alert webhook at ${this.#origin} does not take alerts: ${outcome.why}`);
    this.#told = true;
    return true;
  }

  async #attempt(message: Message): Promise<Outcome> {
    const { config, clock } = this.#settings;
    message.attempts += 1;
    const abort = new AbortController();
    this.#abort = abort;
    const timer = clock.setTimer(() => abort.abort(), config.timeoutMs);
    timer.unref();
    try {
      const response = await fetch(config.url, {
        method: 'POST',
        redirect: 'manual',
        headers: this.#headers(message),
        body: message.body,
        signal: abort.signal,
      });
      await response.body?.cancel();
      return judge(response);
    } catch (error) {
      const why = abort.signal.aborted ? `no answer within ${config.timeoutMs} ms` : failureOf(error);
      return { type: 'failed', why, notBeforeMs: 0 };
    } finally {
      timer.cancel();
      this.#abort = undefined;
    }
  }

  #headers({ id, body }: Message): Record<string, string> {
    const { config, clock } = this.#settings;
    const timestamp = String(Math.floor(clock.now() / 1000));
    const signature = createHmac('sha256', config.secret.reveal())
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
    return {
      'content-type': 'application/json',
      'user-agent': 'pitwall',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
  }

  /** Doubles with every attempt; a random half of it keeps hosts apart that fail together. */
  #pauseMs(attempts: number, notBeforeMs: number): number {
    const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
    return Math.max(full * (0.5 + 0.5 * this.#settings.random()), Math.min(notBeforeMs, LONGEST_WISH_MS));
  }

  #wait(ms: number): Promise<void> {
    if (this.#closing) return Promise.resolve();
    return new Promise((resolve) => {
      const over = (): void => {
        timer.cancel();
        this.#pause = undefined;
        resolve();
      };
      const timer = this.#settings.clock.setTimer(over, ms);
      timer.unref();
      this.#pause = { timer, over };
    });
  }

  /** The address without path and query, which may hold a key. */
  get #origin(): string {
    return new URL(this.#settings.config.url).origin;
  }
}

function judge({ status, headers }: Response): Outcome {
  if (status >= 200 && status < 300) return { type: 'delivered' };
  const why = `it answered ${status}`;
  if (status >= 300 && status < 400) return { type: 'refused', why: `${why}; redirects are not followed` };
  if (status === 410) return { type: 'refused', why: `${why}: gone` };
  const seconds = Number(headers.get('retry-after') ?? 0);
  return { type: 'failed', why, notBeforeMs: seconds > 0 ? seconds * 1000 : 0 };
}

/** `fetch failed` says nothing; its cause does. */
function failureOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return describeReason(cause).slice(0, 256);
}
