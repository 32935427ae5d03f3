/** Alerts of a running package: each kind rings on the real part and is over when that is well again; and they outlive adviser and host. */
import { createServer } from 'node:http';
import { logs } from '@opentelemetry/api-logs';
import { logs as sdkLogs } from '@opentelemetry/sdk-node';
import { type Alert, type Runtime, type RuntimeEvent, type RuntimeOptions, startRuntime } from 'pitwall';
import { cast, exit, send } from 'pitwall/otp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../src/learning/random.ts';
import { down, TENSOR, temporaryFolder, testRuntime, until } from '../runtime/support.ts';

/** A clock that can be put forward: what waits for minutes is over at the next look. */
function leapingClock() {
  const leap = { ms: 0 };
  const clock = {
    now: () => performance.timeOrigin + performance.now() + leap.ms,
    setTimer(run: () => void, afterMs: number) {
      const timer = setTimeout(run, afterMs);
      return { cancel: () => clearTimeout(timer), ref: () => void timer.ref(), unref: () => void timer.unref() };
    },
  };
  return { clock, leap };
}

function told(runtime: Runtime) {
  const events: string[] = [];
  const alerts: Alert[] = [];
  runtime.subscribe((event: RuntimeEvent) => {
    if (event.type !== 'alert_raised' && event.type !== 'alert_resolved') return;
    events.push(`${event.type} ${event.alert.key}`);
    alerts.push(event.alert);
  });
  const has =
    (line: string): (() => boolean) =>
    () =>
      events.includes(line);
  return { events, alerts, has };
}

/** The adviser looks every five seconds; asked to, at once. */
function look(runtime: Runtime): void {
  const adviser = runtime.whereis('adviser');
  if (adviser) send(adviser, { type: 'look' } as never); // its own message, which no host sends
}

function complete(alert: Alert | undefined): void {
  expect(alert?.comparison).toBeDefined();
  expect(alert?.likelyCause).toBeTruthy();
  expect(alert?.lookAt).toBeTruthy();
}

describe('alerts on the real parts', () => {
  it('a custom rule that throws, until the rules are set anew', async () => {
    const rule = { name: 'broken', decide: () => JSON.parse('{') };
    const runtime = await testRuntime({ pools: [{ name: 'ml', customRules: [rule] }] });
    const { has, alerts } = told(runtime);
    runtime.decideTransferMethod(TENSOR);
    await until(has('alert_raised custom_rule_disabled:ml:broken'), 'the alert');
    complete(alerts[0]);
    expect((await runtime.alerts()).map(({ kind }) => kind)).toEqual(['custom_rule_disabled']);
    await runtime.updatePolicy('ml', { customRules: [] });
    await until(has('alert_resolved custom_rule_disabled:ml:broken'), 'its end');
    expect(await runtime.alerts()).toEqual([]);
    expect((await runtime.alertHistory()).map(({ key }) => key)).toEqual(['custom_rule_disabled:ml:broken']);
  });

  it('a lane that fails, until it works again', async () => {
    const { clock, leap } = leapingClock();
    const runtime = await testRuntime({
      clock,
      pools: [{ name: 'ml', explorationRate: 0, thresholdOverridesMb: { binary: 0.001 } }],
    });
    const { has, alerts } = told(runtime);
    let broken = true;
    const lanes = {
      grpc: async () => 'by gRPC',
      zeroCopy: async () => {
        if (broken) throw new Error('no mapping');
        return 'in place';
      },
    };
    const transfer = () => runtime.transfer({ pool: 'ml', data: Buffer.alloc(65_536) }, lanes);
    for (let failures = 0; failures < 3; failures += 1) expect(await transfer()).toBe('by gRPC');
    await until(has('alert_raised zero_copy_circuit_open:ml'), 'the alert');
    complete(alerts[0]);
    broken = false;
    leap.ms += 60_000;
    await until(() => runtime.snapshot('ml')?.breaker !== 'closed', 'an open circuit');
    expect(await transfer()).toBe('in place');
    await until(has('alert_resolved zero_copy_circuit_open:ml'), 'its end');
  });

  it('an actor that crashes again and again, until it has been quiet', async () => {
    const { clock, leap } = leapingClock();
    const runtime = await testRuntime({ clock });
    const { has, alerts } = told(runtime);
    for (let crashes = 1; crashes <= 3; crashes += 1) {
      const prober = runtime.whereis('prober');
      if (prober) exit(prober, 'broken');
      await until(() => runtime.restarts >= crashes && runtime.whereis('prober')?.alive === true, 'a restart');
    }
    await until(has('alert_raised actor_restarts:learning:prober'), 'the alert');
    complete(alerts[0]);
    expect(alerts[0]).toMatchObject({ severity: 'warning', comparison: { crashes: 3, lastReason: 'broken' } });
    leap.ms += 9 * 60_000;
    look(runtime);
    await runtime.alerts();
    expect(await runtime.alerts()).toHaveLength(1);
    leap.ms += 2 * 60_000;
    look(runtime);
    await until(has('alert_resolved actor_restarts:learning:prober'), 'its end');
  });

  it('messages that reach nobody, until they do', async () => {
    const { clock, leap } = leapingClock();
    const runtime = await testRuntime({ clock });
    const { has, alerts } = told(runtime);
    look(runtime);
    await runtime.alerts();
    const prober = runtime.whereis('prober');
    await down(runtime, 'learning', 'prober');
    for (let letters = 0; letters < 25; letters += 1)
      if (prober) cast(prober, { type: 'observed', records: [] } as never); // a dead letter
    look(runtime);
    await until(has('alert_raised dead_letters'), 'the alert');
    complete(alerts[0]);
    expect(alerts[0]?.comparison?.to).toMatchObject({ prober: 25 });
    leap.ms += 6 * 60_000;
    look(runtime);
    await until(has('alert_resolved dead_letters'), 'its end');
  });

  it('drift, until the pool was trained anew or it has been quiet', async () => {
    const { clock, leap } = leapingClock();
    const runtime = await testRuntime({
      clock,
      minimumTrainingSamples: 1_000_000,
      random: seededRandom(8),
      pools: [{ name: 'ml', explorationRate: 0 }],
    });
    // How busy this machine is enters predictions, and so their errors.
    await down(runtime, 'pitwall', 'resource_monitor');
    const { has, alerts } = told(runtime);
    const random = seededRandom(9);
    const send = async (count: number, latencyUs: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        const dataSize = Math.round(2 ** 20 * (1 + random()));
        const { transferId, method } = runtime.decideTransferMethod({ ...TENSOR, dataSize });
        const lane = method === 'grpc' ? 1 : 10;
        runtime.recordTransferMetrics(transferId, { latencyUs: lane * latencyUs * Math.exp(0.2 * (random() - 0.5)) });
        if (index % 250 === 249) await runtime.flush();
      }
    };
    await send(1500, 2_000);
    // A fresh pool that learns what its transfers cost does not drift.
    expect(alerts.map(({ kind }) => kind)).toEqual([]);
    await send(1000, 9_000);
    await until(has('alert_raised drift:ml:error_grpc'), 'the alert');
    complete(alerts.find(({ kind }) => kind === 'drift'));
    leap.ms += 61 * 60_000;
    look(runtime);
    await until(has('alert_resolved drift:ml:error_grpc'), 'its end');
  });
});

describe('alerts outlive', () => {
  const broken = (): RuntimeOptions['pools'] => [
    { name: 'ml', customRules: [{ name: 'broken', decide: () => JSON.parse('{') }] },
  ];

  it('a crash of the adviser, and what is seen while it is down is told when it is back', async () => {
    const runtime = await testRuntime({ pools: broken() });
    const { has, events } = told(runtime);
    runtime.decideTransferMethod(TENSOR);
    await until(has('alert_raised custom_rule_disabled:ml:broken'), 'the alert');
    const adviser = runtime.whereis('adviser');
    if (adviser) exit(adviser, 'broken');
    await until(
      () => runtime.whereis('adviser')?.alive === true && runtime.whereis('adviser') !== adviser,
      'its restart',
    );
    expect((await runtime.alerts()).map(({ key }) => key)).toEqual(['custom_rule_disabled:ml:broken']);
    const up = await down(runtime, 'analysis', 'adviser');
    await runtime.updatePolicy('ml', { customRules: [] });
    await up();
    await until(has('alert_resolved custom_rule_disabled:ml:broken'), 'the end of it');
    expect(events.filter((line) => line.startsWith('alert_raised custom'))).toHaveLength(1);
  });

  it('a restart of the host, where what they are about does', async () => {
    const dataDir = temporaryFolder();
    const raise = (runtime: Runtime, key: string, kind: string): void => {
      const adviser = runtime.whereis('adviser');
      const content = { key, kind, severity: 'warning', pool: 'ml', message: 'as it was' };
      if (adviser) cast(adviser, { type: 'raise_alert', ...content } as never); // as another actor would
    };
    const first = await startRuntime({ dataDir, logger: false });
    for (const kind of ['model_demoted', 'regression', 'actor_restarts']) raise(first, kind, kind);
    expect(await first.alerts()).toHaveLength(3);
    await first.shutdown();

    const { clock, leap } = leapingClock();
    const second = await testRuntime({ dataDir, clock });
    const { has } = told(second);
    const restored = async (): Promise<readonly Alert[]> => {
      const alerts = await second.alerts();
      return alerts.length > 0 ? alerts : restored();
    };
    expect((await restored()).map(({ key, carriedOver }) => `${key} ${carriedOver}`).sort()).toEqual([
      'model_demoted true',
      'regression true',
    ]);
    raise(second, 'model_demoted', 'model_demoted');
    leap.ms += 3 * 60_000;
    look(second);
    await until(has('alert_resolved regression'), 'the end of what nobody sees any more');
    expect((await second.alerts()).map(({ key, carriedOver }) => `${key} ${carriedOver}`)).toEqual([
      'model_demoted false',
    ]);
  });
});

describe('alerts are delivered', () => {
  it('as log records of OpenTelemetry and by webhook, beside events', async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk) => bodies.push(String(chunk)));
      request.on('end', () => response.writeHead(200).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;

    const exporter = new sdkLogs.InMemoryLogRecordExporter();
    const provider = new sdkLogs.LoggerProvider({ processors: [new sdkLogs.SimpleLogRecordProcessor({ exporter })] });
    logs.setGlobalLoggerProvider(provider);
    onTestFinished(() => logs.disable());

    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const runtime = await testRuntime({
      alerts: { webhook: { url: `http://127.0.0.1:${port}/`, secret } },
      pools: [{ name: 'ml', customRules: [{ name: 'broken', decide: () => JSON.parse('{') }] }],
    });
    runtime.decideTransferMethod(TENSOR);
    await until(() => bodies.length > 0, 'a message');
    await runtime.updatePolicy('ml', { customRules: [] });
    await until(() => bodies.length > 1, 'another');
    expect(bodies.map((body) => JSON.parse(body).type)).toEqual(['alert.raised', 'alert.resolved']);
    expect(JSON.parse(bodies[0] ?? '').data).toMatchObject({ kind: 'custom_rule_disabled', pool: 'ml' });
    const written = exporter.getFinishedLogRecords();
    expect(written.map(({ eventName, severityText }) => `${eventName} ${severityText}`)).toEqual([
      'pitwall.alert.raised WARN',
      'pitwall.alert.resolved INFO',
    ]);
    expect(written[0]?.attributes).toMatchObject({
      'pitwall.alert.key': 'custom_rule_disabled:ml:broken',
      'pitwall.alert.kind': 'custom_rule_disabled',
      'pitwall.pool': 'ml',
    });
    expect(written[0]?.body).toMatch(/custom rule "broken" threw/);
  });
});
