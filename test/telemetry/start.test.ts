import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { trace } from '@opentelemetry/api';
import { node, metrics as sdkMetrics } from '@opentelemetry/sdk-node';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { createTelemetry } from '../../src/telemetry/instruments.ts';
import { type RunningTelemetry, startTelemetry } from '../../src/telemetry/start.ts';
import { recordOf } from './record.ts';

const { logger } = parseConfig({ logger: false });
const quiet = { logRecordProcessors: [], instrumentations: [], autoDetectResources: false };
let running: RunningTelemetry | undefined;
afterEach(async () => {
  await running?.shutdown();
  running = undefined;
});

/** An exporter that keeps what it got after its shutdown too. */
class Kept extends sdkMetrics.InMemoryMetricExporter {
  constructor() {
    super(sdkMetrics.AggregationTemporality.CUMULATIVE);
  }
  override async shutdown(): Promise<void> {}
}

describe('startTelemetry', () => {
  it('exports spans in batches and metrics periodically, the last of both at shutdown', async () => {
    const spans: string[] = [];
    const metricExporter = new Kept();
    running = await startTelemetry({
      ...quiet,
      serviceName: 'my-host',
      traceExporter: {
        export(batch, done) {
          spans.push(...batch.map((span) => `${span.resource.attributes['service.name']}: ${span.name}`));
          done({ code: 0 });
        },
        shutdown: async () => {},
      },
      metricExporter,
    });
    const telemetry = createTelemetry({ logger });
    expect(telemetry.listened).toEqual({ traces: true, metrics: true });
    await telemetry.spans.transfer(async () => undefined);
    telemetry.recordBatch([recordOf()]);
    expect(spans).toEqual([]);
    await running.shutdown();
    expect(spans).toEqual(['my-host: pitwall.transfer']);
    const names = metricExporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap(({ metrics }) => metrics.map((each) => each.descriptor.name)),
      );
    expect(names).toContain('pitwall.transfer.duration');
  });

  it('can be started again after a shutdown', async () => {
    for (let round = 0; round < 2; round += 1) {
      const exporter = new node.InMemorySpanExporter();
      running = await startTelemetry({
        ...quiet,
        spanProcessors: [new node.SimpleSpanProcessor(exporter)],
        metricReaders: [],
      });
      trace.getTracer('host').startSpan('s').end();
      expect(exporter.getFinishedSpans()).toHaveLength(1);
      await running.shutdown();
    }
    expect(createTelemetry({ logger }).listened).toEqual({ traces: false, metrics: false });
  });

  it('refuses to stand beside an SDK that is registered', async () => {
    running = await startTelemetry({
      ...quiet,
      spanProcessors: [new node.SimpleSpanProcessor(new node.InMemorySpanExporter())],
      metricReaders: [],
    });
    await expect(startTelemetry()).rejects.toMatchObject({ code: 'PITWALL_TELEMETRY_SDK_PRESENT' });
  });

  it('shuts down although the receiver takes everything and never answers', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${address.port}`;
    try {
      running = await startTelemetry({ autoDetectResources: false, shutdownTimeoutMs: 100 });
      trace.getTracer('host').startSpan('s').end();
      await running.shutdown();
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
      silent.close();
    }
  });

  it('names the package that is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pitwall-no-sdk-'));
    const source = new URL('../../src/telemetry/index.ts', import.meta.url).pathname;
    try {
      const { outputFiles } = await build({
        entryPoints: [source],
        bundle: true,
        platform: 'node',
        format: 'esm',
        external: ['@opentelemetry/sdk-node'],
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
        write: false,
      });
      writeFileSync(join(folder, 'telemetry.mjs'), outputFiles[0]?.text ?? '');
      writeFileSync(
        join(folder, 'main.mjs'),
        "import { startTelemetry } from './telemetry.mjs';\nstartTelemetry().catch((error) => console.log(error.code, error.message));",
      );
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.mjs')]);
      expect(stdout).toMatch(
        /^PITWALL_TELEMETRY_SDK_MISSING startTelemetry needs the package @opentelemetry\/sdk-node/,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the Prometheus endpoint', () => {
  it('answers a scrape on loopback, GET and HEAD at its path alone, and is gone after shutdown', async () => {
    running = await startTelemetry({ ...quiet, spanProcessors: [], prometheus: { port: 0 } });
    const url = running.prometheus?.url ?? '';
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    createTelemetry({ logger }).recordBatch([recordOf()]);
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(await answer.text()).toMatch(/^pitwall_transfer_size_count\{pitwall_pool="ml",.*\} 1$/m);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    expect((await fetch(url.replace('metrics', 'else'))).status).toBe(404);
    await running.shutdown();
    await expect(fetch(url)).rejects.toThrow();
  });

  it("mounts in a host's own server, beside an exporter", async () => {
    const metricExporter = new Kept();
    const options = { ...quiet, spanProcessors: [], metricExporter, prometheus: { listen: false } };
    running = await startTelemetry(options);
    const { prometheus } = running;
    expect(prometheus?.url).toBeUndefined();
    createTelemetry({ logger }).recordBatch([recordOf()]);
    const server = http.createServer((request, response) => prometheus?.handler(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new Error('no port');
      const text = await (await fetch(`http://127.0.0.1:${address.port}`)).text();
      expect(text).toContain('pitwall_transfer_size_count');
    } finally {
      server.closeAllConnections();
      server.close();
    }
    await running.shutdown();
    expect(metricExporter.getMetrics()).not.toEqual([]);
  });

  it('says what is wrong with its address, and leaves no SDK behind', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    await expect(startTelemetry({ ...quiet, prometheus: { port: address.port } })).rejects.toMatchObject({
      code: 'PITWALL_TELEMETRY_ENDPOINT_FAILED',
      message: expect.stringContaining('EADDRINUSE'),
    });
    taken.close();
    await expect(startTelemetry({ ...quiet, prometheus: { port: 70_000 } })).rejects.toThrow(/prometheus.port/);
    await expect(startTelemetry({ ...quiet, prometheus: { path: 'metrics' } })).rejects.toThrow(/prometheus.path/);
    expect(createTelemetry({ logger }).listened.metrics).toBe(false);
  });
});
