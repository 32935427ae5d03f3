/** Probes of real runtimes, over real HTTP, while parts of them are down. */
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import fastify from 'fastify';
import type { HealthReport, Runtime } from 'pitwall';
import { type Call, type GenServer, next, workerSpec } from 'pitwall/otp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { down, temporaryFolder, testRuntime, until } from '../runtime/support.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly report: HealthReport;
}

/** A server with the three probes, as a host on node:http has it. */
async function probes(runtime: Runtime) {
  const handlers = {
    '/livez': runtime.health.handler('live'),
    '/readyz': runtime.health.handler('ready'),
    '/health': runtime.health.handler('report'),
  };
  const server = http.createServer((request, response) => {
    const found = Object.entries(handlers).find(([path]) => path === request.url);
    found?.[1](request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const answer = await fetch(`http://127.0.0.1:${address.port}${path}`, init);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, report: text === '' ? undefined : JSON.parse(text) };
  };
}

describe('a runtime that is well', () => {
  it('is live and ready, says so as JSON that nobody caches, to GET and HEAD alone; after shutdown it is neither', async () => {
    const runtime = await testRuntime();
    const ask = await probes(runtime);
    for (const path of ['/livez', '/readyz', '/health']) {
      const { status, headers, report } = await ask(path);
      expect([path, status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
        path,
        200,
        'application/json; charset=utf-8',
        'no-store',
      ]);
      expect(report).toEqual({ state: 'ready', live: true, ready: true, degraded: false, problems: [] });
      const head = await ask(path, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, headers.get('content-length')]);
    }
    const posted = await ask('/readyz', { method: 'POST', body: '' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect([runtime.health.live(), runtime.health.ready()]).toEqual([true, true]);

    const stopping = runtime.shutdown();
    // What is asked while it stops is no traffic any more, and no reason to kill it.
    expect(runtime.health.report()).toMatchObject({ state: 'not_ready', live: true, problems: [{ part: 'shutdown' }] });
    await stopping;
    expect([(await ask('/livez')).status, (await ask('/readyz')).status, (await ask('/health')).status]).toEqual([
      503, 503, 200,
    ]);
    expect(runtime.health.report().state).toBe('stopped');
  });
});

describe('a runtime with less than it could have', () => {
  it('is ready and degraded where memory stands in for the disk, with the reason and what to do', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const runtime = await testRuntime({ dataDir: join(folder, 'file', 'data') });
    const { status, report } = await (await probes(runtime))('/readyz');
    expect([status, report.state]).toEqual([200, 'degraded']);
    expect(report.problems).toEqual([
      {
        part: 'store',
        reason: expect.stringMatching(/^nothing is kept on disk: /),
        whatToDo: expect.stringContaining('data directory'),
        blocksReady: false,
      },
    ]);
    expect(runtime.status.reasons).toEqual(report.problems.map(({ reason }) => reason));
  });

  it('is degraded while the kill switch is pulled', async () => {
    const runtime = await testRuntime();
    runtime.disable();
    expect(runtime.health.report()).toMatchObject({ state: 'degraded', problems: [{ part: 'mode' }] });
    runtime.enable();
    expect(runtime.health.report().state).toBe('ready');
  });

  it('names the pool whose lane is closed', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    const closed = { zeroCopyReady: false, reason: 'no shared memory', warmBytes: 0, roomBytes: 0 };
    runtime.port.publishTransport('ml', closed);
    const [problem] = runtime.health.report().problems;
    expect(problem).toMatchObject({
      part: 'lane',
      pool: 'ml',
      reason: 'pool ml: no shared memory',
      blocksReady: false,
    });
  });

  it('is degraded while a child of the host is being restarted', async () => {
    const runtime = await testRuntime();
    await runtime.port.startChild(workerSpec('theirs', quietServer, undefined, { register: 'theirs' }));
    expect(runtime.health.report().state).toBe('ready');
    const restore = await down(runtime, 'pitwall_hosted', 'theirs');
    await until(() => runtime.health.report().degraded, 'the problem is seen');
    expect(runtime.health.report().problems).toMatchObject([
      { part: 'hosted', reason: expect.stringMatching(/^theirs is stopped/) },
    ]);
    await restore();
    expect(runtime.health.report().state).toBe('ready');
  });
});

describe('a runtime that should get no traffic', () => {
  it.each([
    ['storage', 'metrics_store', 'store'],
    ['pitwall', 'controller', 'controller'],
  ])('is live, and not ready while %s is without %s', async (supervisor, child, part) => {
    const runtime = await testRuntime();
    const ask = await probes(runtime);
    const restore = await down(runtime, supervisor, child);
    expect((await ask('/livez')).status).toBe(200);
    const { status, report } = await ask('/readyz');
    expect([status, report.state]).toEqual([503, 'not_ready']);
    expect(report.problems).toContainEqual(expect.objectContaining({ part, blocksReady: true }));
    await restore();
    await until(() => runtime.health.ready(), 'ready again');
    expect((await ask('/readyz')).status).toBe(200);
  });
});

describe("the host's own checks", () => {
  it('decide readiness with the runtime, whatever they do, and never liveness', async () => {
    const runtime = await testRuntime();
    const checks = [
      () => undefined,
      () => 'the database is down',
      () => {
        throw new Error('as planned');
      },
      () => Promise.reject(new Error('later')),
    ];
    const answered = async (probe: 'live' | 'ready', own: typeof checks) => {
      const server = http.createServer(runtime.health.handler(probe, { checks: own }));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const answer = await fetch(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
      server.closeAllConnections();
      server.close();
      return { status: answer.status, reasons: JSON.parse(await answer.text()).problems };
    };
    const { status, reasons } = await answered('ready', checks);
    expect(status).toBe(503);
    expect(reasons.map(({ reason }: { reason: string }) => reason)).toEqual([
      'the database is down',
      'as planned',
      'later',
    ]);
    expect((await answered('ready', checks.slice(0, 1))).status).toBe(200);
    expect((await answered('live', checks)).status).toBe(200);
  });
});

it('fits Fastify as it is', async () => {
  const runtime = await testRuntime();
  const app = fastify();
  app.get('/readyz', runtime.health.handler('ready'));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  const answer = await fetch(`${url}/readyz`);
  expect([answer.status, await answer.json()]).toMatchObject([200, { state: 'ready' }]);
  expect((await fetch(`${url}/readyz`, { method: 'HEAD' })).status).toBe(200);
});

const quietServer: GenServer<undefined, undefined, Call<'ok'> & { type: 'ask' }> = {
  init: () => next.ok(undefined),
  handleCall: (_message, _from, state) => next.reply('ok' as const, state),
};
