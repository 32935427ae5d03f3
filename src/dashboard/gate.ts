/** Who may ask: the checks that every request passes before anything is read or done. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { ListenSettings } from './options.ts';

export interface Refusal {
  readonly status: 400 | 401 | 403 | 421 | 429;
  readonly message: string;
}

/** Wrong tokens that are answered within a minute; beyond them every try waits for the next minute, right or wrong. */
const MAX_WRONG_TOKENS = 20;
const MINUTE_MS = 60_000;
const SESSION_S = 12 * 3600;

export class Gate {
  readonly #settings: Pick<ListenSettings, 'token' | 'allowedHosts'>;
  /** What the cookie holds: not the token, and of this server alone. */
  readonly #session = randomBytes(32).toString('hex');
  readonly #elapsedMs: () => number;
  #wrongTokens = 0;
  #minuteFromMs = 0;

  constructor(settings: Pick<ListenSettings, 'token' | 'allowedHosts'>, elapsedMs: () => number) {
    this.#settings = settings;
    this.#elapsedMs = elapsedMs;
  }

  /**
   * A page of another site must reach nothing here. Its requests come with a foreign `Origin` or `Sec-Fetch-Site`; and where it has made its own name
   * point to this address (DNS rebinding), with that name as `Host`. Addresses are no names: they cannot be made to point elsewhere.
   */
  foreign(request: IncomingMessage): Refusal | undefined {
    const host = request.headers.host ?? '';
    const name = nameOf(host);
    if (isIP(name) === 0 && !this.#settings.allowedHosts.has(name)) {
      return {
        status: 421,
        message: `the name ${JSON.stringify(name.slice(0, 100))} is not one of this dashboard: see allowedHosts`,
      };
    }
    const { origin } = request.headers;
    if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase() && !this.#isProxied(origin)) {
      return { status: 403, message: 'requests of other origins are refused' };
    }
    const site = request.headers['sec-fetch-site'];
    const navigates = request.headers['sec-fetch-mode'] === 'navigate' && request.method === 'GET';
    if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigates) {
      return { status: 403, message: 'requests of other sites are refused' };
    }
    return undefined;
  }

  /** A request that changes something says so in a header that no form and no foreign page can send. */
  unmarked(request: IncomingMessage): Refusal | undefined {
    if (request.headers['x-pitwall'] === '1') return undefined;
    return { status: 403, message: 'the header X-Pitwall: 1 is missing' };
  }

  /** Undefined: may look. */
  stranger(request: IncomingMessage): Refusal | undefined {
    const { token } = this.#settings;
    if (token === undefined) return undefined;
    if (isSame(cookieOf(request, this.#cookieName(request)), this.#session)) return undefined;
    const [, given] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (given === undefined) return { status: 401, message: 'a token is needed' };
    return this.wrongToken(given);
  }

  wrongToken(given: string): Refusal | undefined {
    const { token } = this.#settings;
    const nowMs = this.#elapsedMs();
    if (nowMs - this.#minuteFromMs >= MINUTE_MS) {
      this.#minuteFromMs = nowMs;
      this.#wrongTokens = 0;
    }
    if (this.#wrongTokens >= MAX_WRONG_TOKENS) return { status: 429, message: 'too many wrong tokens: wait a minute' };
    if (token !== undefined && isSame(given, token)) return undefined;
    this.#wrongTokens += 1;
    return { status: 401, message: 'this is not the token' };
  }

  cookie(request: IncomingMessage): string {
    return `${this.#cookieName(request)}=${this.#session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_S}`;
  }

  /** Cookies are shared between the ports of a host, and there may be a dashboard on each. */
  #cookieName(request: IncomingMessage): string {
    return `pitwall_${request.socket.localPort ?? 0}`;
  }

  /** Behind a proxy with TLS the origin is `https` under a name that was allowed. */
  #isProxied(origin: string): boolean {
    const [, host] = /^https:\/\/([^/]+)$/i.exec(origin) ?? [];
    return host !== undefined && this.#settings.allowedHosts.has(nameOf(host));
  }
}

/** Without port and brackets. */
function nameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** In a time that does not depend on where they differ: digests have one length. */
function isSame(given: string | undefined, wanted: string): boolean {
  if (given === undefined) return false;
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
