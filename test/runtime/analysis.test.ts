/** The analyzer of a running package: regressions, what happened then, and what survives a restart. */
import type { Alert, Runtime, RuntimeEvent } from 'pitwall';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/learning/random.ts';
import { down, temporaryFolder, testRuntime, until } from './support.ts';

const SIZE = 3 * 2 ** 20;

/** Transfers of one size by the lane that is told, whose latencies scatter as real ones do. */
function traffic(runtime: Runtime, seed: number) {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return async (count: number, medianUs: number, pool = 'ml', dataType = 'tensor'): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      const { transferId } = runtime.decideTransferMethod({ pool, dataSize: SIZE, dataType, format: 'numpy' });
      const latencyUs = medianUs * Math.exp(0.15 * normal());
      runtime.recordTransferMetrics(transferId, {
        method: 'grpc',
        latencyUs,
        transportUs: latencyUs - 400,
        serializeUs: 100,
      });
      if (index % 200 === 199) await runtime.flush();
    }
    await runtime.flush();
  };
}

function alertsOf(runtime: Runtime): { readonly raised: Alert[]; readonly resolved: Alert[] } {
  const seen = { raised: [] as Alert[], resolved: [] as Alert[] };
  runtime.subscribe((event: RuntimeEvent) => {
    if (event.type === 'alert_raised') seen.raised.push(event.alert);
    if (event.type === 'alert_resolved') seen.resolved.push(event.alert);
  });
  return seen;
}

describe('regressions', () => {
  it('are found, grouped, set against the deployment before them, told once, and resolved when over', async () => {
    const runtime = await testRuntime();
    const seen = alertsOf(runtime);
    const send = traffic(runtime, 1);
    await send(1000, 2000);
    await send(1000, 2000, 'ml', 'dataframe');
    expect(await runtime.analyzer.detectRegressions()).toEqual([]);
    runtime.annotate('deploy', 'resnet v2', 'ml');
    runtime.annotate('deploy', 'of another pool', 'etl');
    await send(200, 3000);
    await send(200, 2900, 'ml', 'dataframe');
    const groups = await runtime.analyzer.detectRegressions('ml');
    expect(groups).toHaveLength(1);
    const [group] = groups;
    expect(group?.alarms.map(({ kind }) => kind.dataType).sort()).toEqual(['dataframe', 'tensor']);
    for (const alarm of group?.alarms ?? []) {
      expect(alarm.ratio).toBeGreaterThan(1.2);
      expect(alarm.baselineUs).toBeGreaterThan(1800);
      expect(alarm.baselineUs).toBeLessThan(2200);
    }
    expect(group?.suspects.map(({ detail }) => detail)).toContain('deploy: resnet v2');
    expect(group?.suspects.map(({ detail }) => detail)).not.toContain('deploy: of another pool');
    // That the models' predictions are off is told as well, for what it is.
    const regressions = (alerts: readonly Alert[]) => alerts.filter(({ kind }) => kind === 'regression');
    await until(() => regressions(seen.raised).length > 0, 'an alert');
    const [alert] = regressions(seen.raised);
    expect(alert).toMatchObject({ kind: 'regression', pool: 'ml' });
    expect(alert?.message).toMatch(/pool ml: gRPC, .*slower than usual/);
    expect(alert?.likelyCause).toMatch(/^annotation: deploy: resnet v2; transport takes .* longer/);
    expect(alert?.lookAt).toMatch(/the way to the worker: .*acceptRegressions/);
    await send(400, 2000);
    await send(400, 2000, 'ml', 'dataframe');
    expect(await runtime.analyzer.detectRegressions()).toEqual([]);
    await until(() => regressions(seen.resolved).length > 0, 'its end');
    expect(regressions(seen.raised)).toHaveLength(1);
  });

  it('ring for nothing where nothing changed', async () => {
    const runtime = await testRuntime();
    // How busy this machine is enters predictions, and these latencies do not follow it: their errors would drift.
    await down(runtime, 'pitwall', 'resource_monitor');
    const seen = alertsOf(runtime);
    await traffic(runtime, 2)(4000, 2000);
    expect(await runtime.analyzer.detectRegressions()).toEqual([]);
    expect(seen.raised).toEqual([]);
  });

  it('can be accepted, and baselines, alarms and annotations survive a restart', async () => {
    const dataDir = temporaryFolder();
    const first = await testRuntime({ dataDir });
    await traffic(first, 3)(1000, 2000);
    first.annotate('deploy', 'v7');
    await traffic(first, 4)(200, 3000);
    const before = await first.analyzer.detectRegressions('ml');
    expect(before).toHaveLength(1);
    await first.shutdown();

    const second = await testRuntime({ dataDir });
    const regressed = async () => (await second.analyzer.detectRegressions('ml')).length > 0;
    let found = false;
    await until(() => {
      void regressed().then((yes) => {
        found = yes;
      });
      return found;
    }, 'the alarm of the earlier run');
    const [group] = await second.analyzer.detectRegressions('ml');
    expect(group?.suspects.map(({ detail }) => detail)).toContain('deploy: v7');
    expect(await second.analyzer.acceptRegressions('ml')).toBe(1);
    expect(await second.analyzer.detectRegressions('ml')).toEqual([]);
    const [baseline] = await second.analyzer.baselines('ml');
    expect(baseline).toMatchObject({ status: 'watching', kind: { method: 'grpc', dataType: 'tensor' } });
    expect(baseline?.medianUs).toBeGreaterThan(2700);
    await traffic(second, 5)(500, 3000);
    expect(await second.analyzer.detectRegressions('ml')).toEqual([]);
  });

  it('are not looked for where the configuration says so', async () => {
    const runtime = await testRuntime({ regressionDetectionEnabled: false });
    await traffic(runtime, 6)(1000, 2000);
    await traffic(runtime, 7)(200, 4000);
    expect(await runtime.analyzer.detectRegressions()).toEqual([]);
  });
});

describe('the timeline', () => {
  it('holds what changed: policies with who and why, the kill switch, restarts, annotations', async () => {
    const runtime = await testRuntime({ pools: [{ name: 'ml' }] });
    await runtime.updatePolicy('ml', { goal: 'minimize_latency' }, { by: 'ada', why: 'trial' });
    runtime.disable();
    runtime.enable();
    runtime.annotate('deploy');
    const kinds = (await runtime.analyzer.timeline()).map(({ kind, detail }) => `${kind}: ${detail}`);
    expect(kinds).toEqual([
      'runtime_started: pools ml',
      'policy_changed: version 2 (update): goal; by ada; trial',
      'mode_changed: decisions are disabled',
      'mode_changed: decisions are enabled',
      'annotation: deploy',
    ]);
  });

  it('refuses what is no annotation', async () => {
    const runtime = await testRuntime();
    expect(() => runtime.annotate('')).toThrow(/what: .*a word/);
    expect(() => runtime.annotate(5 as never)).toThrow(/what/);
    expect(() => runtime.annotate('deploy', 5 as never)).toThrow(/detail/);
  });
});

describe('anomalies', () => {
  it('name what slow transfers met: a loop that was blocked while they ran', async () => {
    const runtime = await testRuntime();
    const send = traffic(runtime, 11);
    await send(400, 2000);
    // Transfers that are timed for real, across an event loop that is blocked for real.
    const lanes = {
      grpc: async () => {
        const settled = new Promise((resolve) => setTimeout(resolve, 2));
        const untilMs = performance.now() + 120;
        while (performance.now() < untilMs);
        return settled;
      },
      zeroCopy: () => Promise.reject(new Error('not this one')),
    };
    for (let index = 0; index < 8; index += 1) {
      await runtime.transfer({ pool: 'ml', data: Buffer.alloc(3 * 2 ** 20 - 128), dataType: 'tensor' }, lanes);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await runtime.flush();
    const { outliers, ordinary } = await runtime.analyzer.anomalies({ pool: 'ml', method: 'grpc' });
    expect(ordinary).toBeGreaterThan(390);
    const slow = outliers.filter(({ record }) => record.latencyUs > 100_000);
    expect(slow.length).toBeGreaterThanOrEqual(8);
    const causes = slow.flatMap(({ causes: named }) => named.map(({ cause }) => cause));
    expect(causes).toContain('event_loop_delay');
  });

  it('are not found in calm traffic, and what there is of them has no cause made up', async () => {
    const runtime = await testRuntime();
    await traffic(runtime, 12)(1000, 2000);
    const { outliers, causes } = await runtime.analyzer.anomalies({ pool: 'ml' });
    expect(outliers.length).toBeLessThan(5);
    expect(causes.filter(({ named }) => named)).toEqual([]);
  });
});

describe('a profile', () => {
  it('tells how latency goes with size, and does not credit load with what size did', async () => {
    const runtime = await testRuntime();
    for (let index = 0; index < 600; index += 1) {
      const dataSize = Math.round(2 ** (16 + 6 * ((index * 0.618) % 1)));
      const { transferId } = runtime.decideTransferMethod({
        pool: 'ml',
        dataSize,
        dataType: 'tensor',
        format: 'numpy',
      });
      runtime.recordTransferMetrics(transferId, {
        method: 'grpc',
        latencyUs: 0.01 * dataSize * (1 + 0.1 * ((index * 0.37) % 1)),
      });
    }
    await runtime.flush();
    const { count, quantities } = await runtime.analyzer.profile({ pool: 'ml' });
    expect(count).toBe(600);
    const size = quantities.find(({ quantity }) => quantity === 'dataSize');
    expect(size?.correlation.value).toBeGreaterThan(0.98);
    expect(size?.elasticity?.value).toBeGreaterThan(0.95);
    for (const { quantity, givenSize } of quantities) {
      if (quantity === 'systemLoad') expect(Math.abs(givenSize?.value ?? 0)).toBeLessThan(0.3);
    }
    await expect(runtime.analyzer.profile({ pool: 'ml', limit: -1 })).rejects.toThrow(/limit/);
  });
});

describe('bottlenecks', () => {
  it('name the part that takes most of the time, per lane', async () => {
    const runtime = await testRuntime();
    await traffic(runtime, 8)(300, 2000);
    const { grpc, zeroCopy } = await runtime.analyzer.bottlenecks({ pool: 'ml' });
    expect(grpc).toMatchObject({ part: 'transport', transfers: 300 });
    expect(zeroCopy).toBeUndefined();
    await expect(runtime.analyzer.bottlenecks({} as never)).rejects.toThrow(/query.pool/);
  });
});
