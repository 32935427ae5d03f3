import { SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Logger } from '../../src/config/types.ts';
import { PitwallError } from '../../src/errors.ts';
import type { SupervisorReport } from '../../src/otp/index.ts';
import { createTelemetry, type Telemetry } from '../../src/telemetry/instruments.ts';
import type { DecidedTransfer } from '../../src/telemetry/spans.ts';
import { type Sdk, startSdk } from './sdk.ts';

const decision: DecidedTransfer = {
  transferId: 'a-1',
  pool: 'ml',
  method: 'zero_copy',
  reason: 'cost_model',
  explored: false,
  fallback: false,
  predictedLatencyUs: 120,
  features: { dataSize: 4096, dataType: 'tensor', format: 'numpy' },
};
const lines: unknown[][] = [];
const log =
  (level: string) =>
  (...line: unknown[]) =>
    void lines.push([level, ...line]);
const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };

let sdk: Sdk;
let telemetry: Telemetry;
beforeEach(() => {
  lines.length = 0;
  sdk = startSdk();
  telemetry = createTelemetry({ logger });
});
afterEach(() => sdk.stop());

describe('a transfer', () => {
  it('is a span with the decision and the execution as children', async () => {
    const { spans } = telemetry;
    const value = await spans.transfer(async () => {
      const decided = spans.decide(() => decision);
      return await spans.execute(decided, false, async () => 42);
    });
    expect(value).toBe(42);
    const [decide, execute, transfer] = sdk.spans();
    expect([decide?.name, execute?.name, transfer?.name]).toEqual([
      'pitwall.decide',
      'pitwall.execute',
      'pitwall.transfer',
    ]);
    for (const child of [decide, execute])
      expect(child?.parentSpanContext?.spanId).toBe(transfer?.spanContext().spanId);
    expect(transfer?.attributes).toEqual({
      'pitwall.transfer.id': 'a-1',
      'pitwall.pool': 'ml',
      'pitwall.method': 'zero_copy',
      'pitwall.reason': 'cost_model',
      'pitwall.data_type': 'tensor',
      'pitwall.format': 'numpy',
      'pitwall.data_size': 4096,
      'pitwall.fallback': false,
    });
    expect(decide?.attributes).toMatchObject({ 'pitwall.predicted_latency_us': 120, 'pitwall.explored': false });
    expect(transfer?.instrumentationScope.name).toBe('pitwall');
  });

  it("is a child of the host's span", async () => {
    const host = trace.getTracer('host');
    await host.startActiveSpan('request', async (span) => {
      await telemetry.spans.transfer(async () => undefined);
      span.end();
    });
    const [transfer, request] = sdk.spans();
    expect(transfer?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  });

  it('shows the failed lane and the fallback side by side', async () => {
    const { spans } = telemetry;
    await spans.transfer(async () => {
      await spans
        .execute(decision, false, () => Promise.reject(new PitwallError('PITWALL_ARENA_LOST', 'gone')))
        .catch(() => {});
      await spans.execute(decision, true, async () => undefined);
    });
    const [failed, fallback, transfer] = sdk.spans();
    expect(failed).toMatchObject({ name: 'pitwall.execute', status: { code: SpanStatusCode.ERROR, message: 'gone' } });
    expect(failed?.attributes).toMatchObject({ 'error.type': 'PITWALL_ARENA_LOST', 'pitwall.method': 'zero_copy' });
    expect(failed?.events.map((event) => event.name)).toEqual(['exception']);
    expect(fallback).toMatchObject({
      name: 'pitwall.fallback',
      attributes: { 'pitwall.method': 'grpc' },
      status: { code: SpanStatusCode.UNSET },
    });
    expect(transfer?.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('rejects as it would without spans, and ends them all', async () => {
    const error = new Error('both lanes are gone');
    await expect(telemetry.spans.transfer(() => Promise.reject(error))).rejects.toBe(error);
    expect(() =>
      telemetry.spans.decide(() => {
        throw error;
      }),
    ).toThrow(error);
    expect(sdk.spans().map((span) => span.name)).toEqual(['pitwall.transfer', 'pitwall.decide']);
  });
});

it('a training tells its rows and its model', async () => {
  await telemetry.traceTraining('ml', async (span) => span.finished({ rows: 1_000, modelId: 'm1' }));
  expect(sdk.spans()).toMatchObject([
    {
      name: 'pitwall.train',
      attributes: { 'pitwall.pool': 'ml', 'pitwall.train.rows': 1_000, 'pitwall.model.id': 'm1' },
    },
  ]);
});

it('a tracer that throws costs the spans, not the transfer', async () => {
  const broken = (): never => {
    throw new Error('tracer');
  };
  const { spans } = createTelemetry({
    logger,
    tracerProvider: { getTracer: () => ({ startSpan: broken, startActiveSpan: broken }) },
  });
  const value = await spans.transfer(async () =>
    spans.execute(
      spans.decide(() => decision),
      false,
      async () => 1,
    ),
  );
  expect(value).toBe(1);
});

describe('a supervisor report', () => {
  const ref = (name: string): SupervisorReport['supervisor'] => ({
    id: 1,
    name,
    alive: true,
    status: 'waiting',
    mailboxLength: 0,
    dropped: 0,
    exitReason: undefined,
    nact: {},
  });
  const report = (part: Partial<SupervisorReport>): SupervisorReport => ({
    kind: 'crash',
    supervisor: ref('storage'),
    context: 'child_terminated',
    reason: new TypeError('x is undefined'),
    offender: {
      id: 'recorder',
      ref: undefined,
      restart: 'permanent',
      shutdown: 5000,
      type: 'worker',
      significant: false,
    },
    restarts: 2,
    atMs: 0,
    ...part,
  });
  const attributes = {
    'pitwall.supervisor': 'storage',
    'pitwall.child': 'recorder',
    'pitwall.report.context': 'child_terminated',
    'pitwall.report.reason': 'TypeError: x is undefined',
    'pitwall.report.restarts': 2,
  };

  it('is an event on the current span, and a log line', () => {
    trace.getTracer('host').startActiveSpan('request', (span) => {
      telemetry.report(report({}));
      span.end();
    });
    expect(sdk.spans()).toMatchObject([
      { name: 'request', events: [{ name: 'pitwall.supervisor.report', attributes }] },
    ]);
    expect(lines).toEqual([
      [
        'warn',
        'recorder ended',
        expect.objectContaining({ supervisor: 'storage', reason: 'TypeError: x is undefined' }),
      ],
    ]);
  });

  it('brings a span of its own where there is none', () => {
    telemetry.report(report({ kind: 'shutdown', context: 'shutdown', reason: 'reached_max_restart_intensity' }));
    expect(sdk.spans()).toMatchObject([{ name: 'pitwall.supervise', events: [{ name: 'pitwall.supervisor.report' }] }]);
    expect(lines).toMatchObject([['error', 'supervisor storage gives up', {}]]);
  });

  it('of a start is no more than a debug line', () => {
    telemetry.report(report({ kind: 'start', context: 'started', reason: undefined }));
    expect(sdk.spans()).toEqual([]);
    expect(lines).toMatchObject([['debug', 'recorder started', {}]]);
  });

  it('with any exit reason, and a logger that fails, harms nobody', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    telemetry.report(report({ reason: circle }));
    const failing = createTelemetry({
      logger: {
        ...logger,
        warn() {
          throw new Error('disk full');
        },
      },
    });
    expect(() => failing.report(report({}))).not.toThrow();
  });
});
