/**
 * The endpoint that a Prometheus scrapes: OpenTelemetry's own exporter writes the text; the server around it listens on loopback unless told
 * otherwise, takes any free port with 0, and answers GET and HEAD alone.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { InvalidArgumentError, PitwallError } from '../errors.ts';

export interface PrometheusOptions {
  /** Where it listens. Default `127.0.0.1`; `0.0.0.0` opens it to the network: there is neither a password nor TLS. */
  readonly host?: string;
  /** Default 9464, OpenTelemetry's; 0 takes any that is free: `telemetry.prometheus.url` says which. */
  readonly port?: number;
  /** Default `/metrics`. */
  readonly path?: string;
  /** False: no server; mount `telemetry.prometheus.handler` in the host's own. Default true. */
  readonly listen?: boolean;
}

export interface PrometheusEndpoint {
  /** What to scrape, such as `http://127.0.0.1:9464/metrics`; undefined where no server was asked for. */
  readonly url: string | undefined;
  /** Answers a scrape: for a route of the host's own server (node:http, Express; Fastify: `handler(request.raw, reply.raw)`). */
  handler(request: IncomingMessage, response: ServerResponse): void;
}

export interface RunningPrometheus extends PrometheusEndpoint {
  /** For `NodeSDK`. */
  readonly reader: PrometheusExporter;
  close(): Promise<void>;
}

type ExporterModule = typeof import('@opentelemetry/exporter-prometheus');

/**
 * @throws PitwallError `PITWALL_TELEMETRY_EXPORTER_MISSING` when the package is not installed, `PITWALL_TELEMETRY_ENDPOINT_FAILED` when the
 * address cannot be had; InvalidArgumentError for a port or path that is none
 */
export async function openPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const { host = '127.0.0.1', port = 9464, path = '/metrics', listen = true } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('prometheus.port', port, 'an integer in 0..65535');
  }
  if (typeof path !== 'string' || !/^\/[\w\-./]*$/.test(path)) {
    throw new InvalidArgumentError('prometheus.path', path, 'a path such as /metrics');
  }
  const { PrometheusExporter } = await loadExporter();
  const reader = new PrometheusExporter({ preventServerStart: true });
  const handler = (request: IncomingMessage, response: ServerResponse): void => scraped(reader, request, response);
  if (!listen) return { reader, url: undefined, handler, close: async () => {} };
  const server = createServer((request, response) => {
    if ((request.url ?? '').split('?')[0] === path) handler(request, response);
    else response.writeHead(404).end();
  });
  // A scraper that keeps its connection does not keep the host alive.
  server.unref();
  const bound = await listening(server, host, port);
  const shown = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return { reader, url: `http://${shown}:${bound.port}${path}`, handler, close: () => closed(server) };
}

function scraped(reader: PrometheusExporter, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  response.setHeader('cache-control', 'no-store');
  reader.getMetricsRequestHandler(request, response);
}

async function loadExporter(): Promise<ExporterModule> {
  try {
    return await import('@opentelemetry/exporter-prometheus');
  } catch (cause) {
    throw new PitwallError(
      'PITWALL_TELEMETRY_EXPORTER_MISSING',
      'the Prometheus endpoint needs the package @opentelemetry/exporter-prometheus (0.2xx, as the SDK), which could not be loaded: npm install @opentelemetry/exporter-prometheus',
      { cause },
    );
  }
}

async function listening(server: Server, host: string, port: number): Promise<AddressInfo> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    throw new PitwallError(
      'PITWALL_TELEMETRY_ENDPOINT_FAILED',
      `the Prometheus endpoint cannot listen on ${host}:${port} (${cause instanceof Error ? cause.message : cause}); choose another with prometheus: { host, port }`,
      { cause },
    );
  }
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new PitwallError('PITWALL_TELEMETRY_ENDPOINT_FAILED', `no address was bound on ${host}:${port}`);
  }
  return address;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
