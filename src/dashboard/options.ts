/** What `listen` may be told, checked. */
import { isIP } from 'node:net';
import { InvalidArgumentError, PitwallError } from '../errors.ts';

export interface DashboardOptions {
  /** 0: any that is free. Default 8433. */
  readonly port?: number | undefined;
  /** Address or name to bind to. Default `127.0.0.1`. Any that is not a loopback address needs a token. */
  readonly host?: string | undefined;
  /** Whoever looks must have it: typed into the page once, or sent as `Authorization: Bearer`. 16..256 printable ASCII characters without spaces. */
  readonly token?: string | undefined;
  /** False: advice can be applied from the page. Default true. */
  readonly readOnly?: boolean | undefined;
  /** Further names under which browsers reach it (a proxy's, say). Addresses, `localhost` and `host` are known. At most 32. */
  readonly allowedHosts?: readonly string[] | undefined;
}

export interface ListenSettings {
  readonly port: number;
  readonly host: string;
  readonly token: string | undefined;
  readonly readOnly: boolean;
  /** Lower case. */
  readonly allowedHosts: ReadonlySet<string>;
}

export const DEFAULT_PORT = 8433;
export const DEFAULT_HOST = '127.0.0.1';
const MAX_NAMES = 32;
const HOST = /^[a-z0-9_.:%-]{1,253}$/i;
const TOKEN = /^[\x21-\x7e]{16,256}$/;

/** @throws InvalidArgumentError naming the field; PitwallError `PITWALL_DASHBOARD_TOKEN_NEEDED` for an open address without a token */
export function readOptions(given: DashboardOptions | undefined): ListenSettings {
  if (typeof given !== 'object' && given !== undefined) throw new InvalidArgumentError('options', given, 'an object');
  const { port = DEFAULT_PORT, host = DEFAULT_HOST, token, readOnly = true, allowedHosts = [] } = given ?? {};
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('port', port, 'an integer in 0..65535');
  }
  if (typeof host !== 'string' || !HOST.test(host))
    throw new InvalidArgumentError('host', host, 'an address or a name');
  // The token itself is nobody's business, in a log least of all.
  if (token !== undefined && !(typeof token === 'string' && TOKEN.test(token))) {
    throw new InvalidArgumentError('token', undefined, '16..256 printable ASCII characters without spaces');
  }
  if (typeof readOnly !== 'boolean') throw new InvalidArgumentError('readOnly', readOnly, 'true or false');
  if (!Array.isArray(allowedHosts) || allowedHosts.length > MAX_NAMES || !allowedHosts.every(isName)) {
    throw new InvalidArgumentError('allowedHosts', allowedHosts, `a list of at most ${MAX_NAMES} host names`);
  }
  if (token === undefined && !isLoopback(host)) throw tokenNeeded(host);
  const names = [host, 'localhost', ...allowedHosts].map((name) => name.toLowerCase());
  return { port, host, token, readOnly, allowedHosts: new Set(names) };
}

/** Reached from this machine only. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const address = host.replace(/^::ffff:/i, '');
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1';
}

export function tokenNeeded(host: string): PitwallError {
  return new PitwallError(
    'PITWALL_DASHBOARD_TOKEN_NEEDED',
    `host: ${JSON.stringify(host)} can be reached from other machines: give a token (16 characters or more), or bind to 127.0.0.1`,
  );
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && HOST.test(name);
}
