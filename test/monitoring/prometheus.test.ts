/** A real Prometheus scrapes a real runtime that runs transfers: every query of the rules and of the dashboard finds data. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Runtime, startRuntime } from 'pitwall';
import { type RunningTelemetry, startTelemetry } from 'pitwall/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { comparedQueries, dashboardQueries, RULES, readDashboard } from './files.ts';

const installed = spawnSync('prometheus', ['--version']).status === 0;
if (!installed) console.warn('SKIPPED: prometheus is not installed (Debian: prometheus), nothing scrapes the endpoint');

const rulesAnswer = z.object({
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({
            name: z.string(),
            type: z.enum(['alerting', 'recording']),
            query: z.string(),
            health: z.string(),
            lastError: z.string().optional(),
          }),
        ),
      }),
    ),
  }),
});
const queryAnswer = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }).optional(),
});

describe.runIf(installed)('a Prometheus that scrapes a runtime', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pitwall-prometheus-'));
  let telemetry: RunningTelemetry;
  let runtime: Runtime;
  let prometheus: ChildProcess;
  let url: string;
  let traffic: Promise<void>;
  let over = false;

  beforeAll(async () => {
    telemetry = await startTelemetry({ spanProcessors: [], logRecordProcessors: [], prometheus: { port: 0 } });
    runtime = await startRuntime({
      dataDir: join(folder, 'data'),
      logger: false,
      pools: [{ name: 'ml', explorationRate: 0.2, minimumThresholdMb: 0.001, customRules: [BROKEN] }],
      // Little room for labels, and a webhook that nobody answers: their metrics exist only where there is cause.
      telemetry: { maxAttributeValues: 2 },
      alerts: { webhook: { url: 'http://127.0.0.1:9/', secret: `whsec_${Buffer.alloc(24).toString('base64')}` } },
    });
    await runtime.thresholds.adjust('ml', { thresholdMb: 0.03 });
    await runtime.learning.trainModel('ml');
    traffic = runTransfers(runtime, () => over);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    writeFileSync(join(folder, 'prometheus.yml'), configurationOf(telemetry.prometheus?.url ?? ''));
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    await eventually('Prometheus is ready', async () => (await fetch(`${url}/-/ready`)).ok);
  });

  afterAll(async () => {
    over = true;
    await traffic;
    if (prometheus.exitCode === null) {
      const gone = new Promise((resolve) => prometheus.once('exit', resolve));
      prometheus.kill('SIGKILL');
      await gone;
    }
    await runtime.shutdown();
    await telemetry.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });

  async function valuesOf(query: string): Promise<string[]> {
    const answer = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query }) });
    const { error, data } = queryAnswer.parse(await answer.json());
    if (error !== undefined) throw new Error(`${query}: ${error}`);
    return (data?.result ?? []).map(({ value }) => value[1]);
  }

  async function rules() {
    const answer = await fetch(`${url}/api/v1/rules`);
    return rulesAnswer.parse(await answer.json()).data.groups.flatMap((group) => group.rules);
  }

  /** Those that find nothing. */
  async function empty(queries: readonly string[]): Promise<string[]> {
    const found = await Promise.all(queries.map(async (query) => ((await valuesOf(query)).length > 0 ? [] : [query])));
    return found.flat();
  }

  it('finds data for every query of the dashboard', async () => {
    const queries = dashboardQueries(readDashboard());
    expect(queries.length).toBeGreaterThan(40);
    let left = queries.map(({ query }) => query);
    await eventually(
      () => `data for ${left.join('\n')}`,
      async () => {
        left = await empty(left);
        return left.length === 0;
      },
    );
  });

  it('evaluates every rule without an error, on data', async () => {
    await eventually('all rules were evaluated', async () => (await rules()).every(({ health }) => health === 'ok'));
    const all = await rules();
    expect(all).toHaveLength(24);
    let left = all.flatMap(({ type, name, query }) => (type === 'recording' ? [name] : comparedQueries(query)));
    await eventually(
      () => `data for ${left.join('\n')}`,
      async () => {
        left = await empty(left);
        return left.length === 0;
      },
    );
  });

  it('sees figures that are true: decisions as the runtime counts them, an accuracy, a gain, a cost', async () => {
    over = true;
    await traffic;
    await runtime.flush();
    const decided = String(runtime.getStatistics('ml')?.decisions);
    await eventually(
      `${decided} decisions`,
      async () => (await valuesOf('sum(pitwall_decisions_total{pitwall_pool="ml"})'))[0] === decided,
    );
    const [accuracy] = await valuesOf('pitwall:decision_accuracy:ratio{pitwall_pool="ml"}');
    expect(Number(accuracy)).toBeGreaterThan(0);
    expect(Number(accuracy)).toBeLessThanOrEqual(1);
    const [gain] = await valuesOf('pitwall:improvement:ratio{pitwall_pool="ml"}');
    expect(Number(gain)).toBeLessThan(1);
    const seconds = await valuesOf('pitwall_strategy_duration_total{pitwall_pool="ml"}');
    expect(seconds.map((each) => Number(each) > 0)).toEqual([true, true, true]);
    const [overhead] = await valuesOf('sum(pitwall_overhead_duration_total)');
    expect(Number(overhead)).toBeGreaterThan(0);
    expect(await valuesOf('pitwall_alerts_active{pitwall_alert_kind="custom_rule_disabled"}')).toEqual(['1']);
    expect(Number((await valuesOf('pitwall_store_size'))[0])).toBeGreaterThan(4_096);
  });
});

const BROKEN = {
  name: 'broken',
  decide(): undefined {
    throw new Error('as planned');
  },
};

/** Transfers of three types; the gRPC lane copies fifty times what the zero-copy lane does, and fails now and then. */
async function runTransfers(runtime: Runtime, isOver: () => boolean): Promise<void> {
  const scratch = Buffer.alloc(2 ** 18);
  const copy = (data: Buffer, times: number): number => {
    for (let round = 0; round < times; round += 1) data.copy(scratch);
    return data.length;
  };
  for (let index = 0; !isOver(); index += 1) {
    const data = Buffer.alloc(2 ** (12 + (index % 7)));
    const lanes = {
      zeroCopy: async () => copy(data, 2),
      grpc: async () => {
        if (index % 11 === 0) throw new Error('as planned');
        return copy(data, 100);
      },
    };
    const dataType = ['tensor', 'json', 'text'][index % 3] ?? 'text';
    await runtime.transfer({ pool: 'ml', data, dataType, format: 'raw' }, lanes).catch(() => undefined);
    // A host has other work: about a thousand transfers a second at most.
    if (index % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function configurationOf(endpoint: string): string {
  return JSON.stringify({
    global: { scrape_interval: '250ms', scrape_timeout: '250ms', evaluation_interval: '250ms' },
    rule_files: [resolve(RULES)],
    scrape_configs: [{ job_name: 'pitwall', static_configs: [{ targets: [new URL(endpoint).host] }] }],
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function eventually(what: string | (() => string), check: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000;
  let problem: unknown;
  while (performance.now() < endMs) {
    try {
      if (await check()) return;
    } catch (error) {
      problem = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within 30 s: ${typeof what === 'string' ? what : what()}`, { cause: problem });
}
