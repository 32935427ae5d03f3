/** `alerts` of the configuration: where alerts are delivered besides log, events and OpenTelemetry. */
import type { Path, Problems } from './problems.ts';
import { emptyPlain, type Plain, readObject } from './read.ts';
import { webhookFields, webhookSchema } from './schema.ts';
import { Secret } from './secret.ts';
import { readSection, refuseUnknownKeys } from './section.ts';
import type { AlertsConfig, WebhookConfig } from './types.ts';

const WEBHOOK_KEYS: readonly string[] = ['url', 'secret', ...Object.keys(webhookFields)];

export function readAlerts(value: unknown, problems: Problems): AlertsConfig {
  const path = ['alerts'];
  const entries: Plain = (value === undefined ? undefined : readObject(value, path, problems)) ?? emptyPlain();
  refuseUnknownKeys(entries, ['webhook'], path, problems);
  return Object.freeze({ webhook: readWebhook(entries.webhook, [...path, 'webhook'], problems) });
}

function readWebhook(value: unknown, path: Path, problems: Problems): WebhookConfig | undefined {
  const entries = value === undefined ? undefined : readObject(value, path, problems);
  if (entries === undefined) return undefined;
  refuseUnknownKeys(entries, WEBHOOK_KEYS, path, problems);
  const { url: givenUrl, secret: givenSecret, ...plain } = entries;
  const section = readSection(webhookSchema, plain, path, problems).value;
  const url = readUrl(givenUrl, section.allowInsecure, [...path, 'url'], problems);
  const secret = readSecret(givenSecret, [...path, 'secret'], problems);
  if (url === undefined || secret === undefined) return undefined;
  return Object.freeze({ ...section, url, secret });
}

/** What is wrong is told without the address: its path or its query may be a key. */
function readUrl(value: unknown, allowInsecure: boolean, path: Path, problems: Problems): string | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    problems.add(path, 'expected an https address');
    return undefined;
  }
  if (url.username !== '' || url.password !== '') {
    problems.add(path, 'expected an address without user and password; the signature says who sends');
    return undefined;
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowInsecure) {
    problems.add(path, 'expected https, or http on loopback; allowInsecure: true sends alerts in the clear');
    return undefined;
  }
  return url.href;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

const PREFIX = 'whsec_';
/** Bounds of Standard Webhooks for a symmetric key, bytes. */
const KEY = { least: 24, most: 64 };

/** As Standard Webhooks writes it: `whsec_` and base64 of 24 to 64 bytes. */
function readSecret(value: unknown, path: Path, problems: Problems): Secret | undefined {
  const text = typeof value === 'string' && value.startsWith(PREFIX) ? value.slice(PREFIX.length) : '';
  const bytes = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (bytes !== undefined && bytes.length >= KEY.least && bytes.length <= KEY.most) return new Secret(bytes);
  problems.add(path, `expected ${PREFIX} and ${KEY.least} to ${KEY.most} random bytes in base64`);
  return undefined;
}
