/** The examples run as they stand, on the built package ('pitwall' is dist/), with real workers, signals and sockets. */
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { codeBlocks } from '../house/markdown.ts';
import { descendants, filesIn, runExample, runs, until } from './support.ts';

describe.runIf(process.platform === 'linux')('examples/fastify', () => {
  it('ships tensors to workers; on SIGTERM finishes what is in flight, ends with 0, and leaves nothing behind', async () => {
    const dataDir = join(process.cwd(), '.tmp', `example-${process.pid}`);
    const example = runExample('examples/fastify/service.ts', { PORT: '0', DATA_DIR: dataDir, DRAIN_MS: '300' });
    const { rmSync } = await import('node:fs');
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const url = (await example.line(/^listening on (\S+)$/))[1] ?? '';
    const values = Float32Array.from({ length: 300_000 }, (_, index) => index);
    expect(scaledBy(values, await post(url, values))).toBe(true);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);

    const below = descendants(example.process.pid ?? 0);
    expect(below.length).toBeGreaterThanOrEqual(2);
    // A request whose head was taken and whose body still comes.
    const inFlight = open(`${url}/scale`);
    const bytes = Buffer.from(values.buffer);
    await inFlight.send(bytes.subarray(0, 1_000));
    example.process.kill('SIGTERM');
    // Still served, and told that no more should come.
    let ready = 200;
    while (ready === 200) ready = (await fetch(`${url}/readyz`)).status;
    expect(ready).toBe(503);
    const answer = await inFlight.end(bytes.subarray(1_000));
    expect(answer.statusCode).toBe(200);
    expect(scaledBy(values, await buffer(answer))).toBe(true);

    const { code, err } = await example.ended;
    expect({ code, files: filesIn(example.folder) }).toEqual({ code: 0, files: [] });
    // What compiled the example is below it too, and ends a moment after.
    await until(() => !below.some(runs), 'no process is left');
    expect(err).not.toMatch(/error/i);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
  });
});

async function post(url: string, values: Float32Array<ArrayBuffer>): Promise<Buffer> {
  const headers = { 'content-type': 'application/octet-stream' };
  const answer = await fetch(`${url}/scale`, { method: 'POST', headers, body: values });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return Buffer.from(await answer.arrayBuffer());
}

function scaledBy(values: Float32Array, body: Buffer): boolean {
  const scaled = new Float32Array(Uint8Array.from(body).buffer);
  const most = values.length - 1;
  return scaled.length === values.length && scaled[0] === 0 && scaled[most] === 1;
}

/** A request of which the test says when it goes on. */
function open(url: string) {
  const headers = { 'content-type': 'application/octet-stream' };
  const request = http.request(url, { method: 'POST', headers, agent: false });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  return {
    send: (bytes: Buffer) => new Promise<void>((resolve) => request.write(bytes, () => resolve())),
    end(bytes: Buffer): Promise<IncomingMessage> {
      request.end(bytes);
      return answered;
    },
  };
}

describe('examples/collector', () => {
  it('sends spans and metrics by OTLP to where the environment says', async () => {
    const received = new Map<string, string>();
    const collector = http.createServer(async (request, response) => {
      const path = request.url ?? '';
      received.set(path, `${received.get(path) ?? ''}${await text(request)}`);
      response.setHeader('content-type', 'application/json').end('{}');
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      collector.closeAllConnections();
      collector.close();
    });
    const address = collector.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const { ended } = runExample('examples/collector/service.ts', {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
    });
    const { code, out, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('all is exported');
    const traces = received.get('/v1/traces') ?? '';
    for (const name of ['collector-example', 'job', 'pitwall.transfer', 'pitwall.decide', 'pitwall.execute']) {
      expect(traces).toContain(`"${name}"`);
    }
    const metrics = received.get('/v1/metrics') ?? '';
    for (const name of ['pitwall.decisions', 'pitwall.transfer.duration', 'pitwall.threshold', 'pitwall.degraded']) {
      expect(metrics).toContain(`"${name}"`);
    }
  });
});

describe('examples/own-executors', () => {
  it('carries payloads by both ways of a plain HTTP service, unchanged, and ends by itself', async () => {
    const { code, out, err } = await runExample('examples/own-executors.ts').ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\d+ by file, \d+ by HTTP, 0 failed$/m);
  });
});

describe('docs/hosts.md', () => {
  it('shows the examples as they are', () => {
    const page = { path: 'docs/hosts.md', text: readFileSync('docs/hosts.md', 'utf8') };
    const shown = codeBlocks(page).filter(({ info }) => info.some((word) => word.startsWith('from=')));
    expect(shown.length).toBeGreaterThanOrEqual(4);
    for (const { info, code } of shown) {
      const file = info.find((word) => word.startsWith('from='))?.slice(5) ?? '';
      expect(readFileSync(file, 'utf8'), file).toContain(code.trim());
    }
  });
});
