/** The dashboard's HTTP server: the page, the stream of figures, and the two questions that the page asks. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PitwallError } from '../errors.ts';
import { Assets } from './assets.ts';
import { Gate, type Refusal } from './gate.ts';
import { isLoopback, type ListenSettings, tokenNeeded } from './options.ts';
import type { DashboardSource } from './source.ts';
import { Viewers } from './viewers.ts';

/** A dashboard that listens. */
export interface DashboardServer {
  /** Where it is, such as `http://127.0.0.1:8433/`. */
  readonly url: string;
  readonly port: number;
  readonly readOnly: boolean;
  /** Browsers that look now; those for which there was no room; those that were let go since they took nothing. */
  readonly viewers: { readonly now: number; readonly refused: number; readonly dropped: number };
  /** Ends it, and every look at it. Twice is as once. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 128;
const MAX_BODY = 4_096;
const MAX_ID = 256;

const SAFE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

/** @throws PitwallError `PITWALL_DASHBOARD_NOT_LISTENING` where the address cannot be had; `PITWALL_DASHBOARD_TOKEN_NEEDED` */
export async function startDashboard(source: DashboardSource, settings: ListenSettings): Promise<DashboardServer> {
  const viewers = new Viewers(source, settings.readOnly || !source.canApply);
  const gate = new Gate(settings, () => performance.now());
  const routes = new Routes(source, settings, viewers, gate);
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 10_000, requestTimeout: 10_000 });
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 5_000;
  server.on('request', (request, response) => void routes.answer(request, response));
  // Nobody who looks keeps the process alive.
  server.on('connection', (socket) => socket.unref());
  server.on('clientError', (_error, socket) => socket.destroy());
  const { address, port } = await listen(server, settings);
  server.unref();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await viewers.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  if (settings.token === undefined && !isLoopback(address)) {
    await close();
    throw tokenNeeded(settings.host);
  }
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}/`,
    port,
    readOnly: settings.readOnly || !source.canApply,
    get viewers() {
      return { now: viewers.count, refused: viewers.refused, dropped: viewers.dropped };
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

function listen(server: Server, { host, port }: ListenSettings): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void => {
      const where = `${host}:${port}`;
      reject(
        new PitwallError(
          'PITWALL_DASHBOARD_NOT_LISTENING',
          `the dashboard cannot listen on ${where}: ${cause.message}`,
          { cause },
        ),
      );
    };
    server.once('error', failed);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', failed);
      server.on('error', () => undefined);
      // Of a server on a port this is never a path.
      resolve(server.address() as AddressInfo);
    });
  });
}

class Routes {
  readonly #source: DashboardSource;
  readonly #settings: ListenSettings;
  readonly #viewers: Viewers;
  readonly #gate: Gate;
  readonly #assets = new Assets();

  constructor(source: DashboardSource, settings: ListenSettings, viewers: Viewers, gate: Gate) {
    this.#source = source;
    this.#settings = settings;
    this.#viewers = viewers;
    this.#gate = gate;
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    try {
      const foreign = this.#gate.foreign(request);
      if (foreign) return refuse(response, foreign);
      const url = new URL(request.url ?? '/', 'http://dashboard');
      if (request.method === 'GET' || request.method === 'HEAD') await this.#get(request, response, url);
      else if (request.method === 'POST') await this.#post(request, response, url);
      else refuse(response, { status: 405, message: 'GET, HEAD or POST' });
    } catch (error) {
      if (!response.headersSent) refuse(response, { status: 500, message: messageOf(error) });
      else response.destroy();
    }
  }

  async #get(request: IncomingMessage, response: ServerResponse, { pathname, searchParams }: URL): Promise<void> {
    const stranger = this.#gate.stranger(request);
    if (pathname === '/') {
      const { type, body } = await this.#assets.page(stranger ? 'sign-in' : 'index');
      return send(response, stranger ? stranger.status : 200, type, body);
    }
    // The page's files are those of the published package: no secret.
    const asset = await this.#assets.at(pathname);
    if (asset) return send(response, 200, asset.type, asset.body);
    if (stranger) return refuse(response, stranger);
    if (pathname === '/events' && request.method === 'GET') return this.#watch(response, searchParams.get('pool'));
    if (pathname === '/explain') return this.#explain(response, searchParams.get('id') ?? '');
    refuse(response, { status: 404, message: 'there is nothing here' });
  }

  async #post(request: IncomingMessage, response: ServerResponse, { pathname }: URL): Promise<void> {
    const unmarked = this.#gate.unmarked(request);
    if (unmarked) return refuse(response, unmarked);
    if (pathname === '/session') return this.#signIn(request, response);
    const stranger = this.#gate.stranger(request);
    if (stranger) return refuse(response, stranger);
    if (pathname !== '/advice/apply') return refuse(response, { status: 404, message: 'there is nothing here' });
    if (this.#settings.readOnly || !this.#source.canApply) {
      return refuse(response, { status: 403, message: 'this dashboard is read-only' });
    }
    const id = textIn(await bodyOf(request), 'id');
    if (id === undefined) return refuse(response, { status: 400, message: 'expected { "id": the id of advice }' });
    try {
      await this.#source.apply(id);
      this.#viewers.hurry();
      json(response, 200, { applied: id });
    } catch (error) {
      if (!(error instanceof PitwallError)) throw error;
      json(response, 409, { code: error.code, message: error.message });
    }
  }

  async #signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = textIn(await bodyOf(request), 'token');
    if (token === undefined) return refuse(response, { status: 400, message: 'expected { "token": the token }' });
    const wrong = this.#gate.wrongToken(token);
    if (wrong) return refuse(response, wrong);
    response.setHeader('set-cookie', this.#gate.cookie(request));
    json(response, 200, {});
  }

  #watch(response: ServerResponse, pool: string | null): void {
    if (this.#viewers.add(response, pool === null || pool === '' ? undefined : pool.slice(0, MAX_ID))) return;
    response.setHeader('retry-after', '10');
    refuse(response, { status: 503, message: 'as many look already as may' });
  }

  async #explain(response: ServerResponse, id: string): Promise<void> {
    const explanation = id === '' || id.length > MAX_ID ? undefined : await this.#source.explain(id);
    if (explanation) json(response, 200, explanation);
    else refuse(response, { status: 404, message: 'nothing is known of such a transfer (any more)' });
  }
}

function refuse(response: ServerResponse, { status, message }: { status: number; message: string } | Refusal): void {
  if (status === 401) response.setHeader('www-authenticate', 'Bearer realm="pitwall"');
  // What is left of the request is not read.
  if (status >= 400) response.setHeader('connection', 'close');
  json(response, status, { message });
}

function json(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json; charset=utf-8', Buffer.from(JSON.stringify(value)));
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The JSON that was sent; undefined for anything else, and for more than anybody has reason to send. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BODY) return undefined;
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

function textIn(value: unknown, key: 'id' | 'token'): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const text: unknown = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof text === 'string' && text.length <= MAX_ID && text !== '' ? text : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof PitwallError ? error.message : 'this could not be answered';
}
