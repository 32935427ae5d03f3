/** Real spans and metrics of the running package, through the SDK's in-memory exporters. */
import { context, metrics, trace } from '@opentelemetry/api';
import { metrics as sdkMetrics, tracing } from '@opentelemetry/sdk-node';
import { startRuntime } from 'pitwall';
import { startTelemetry } from 'pitwall/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TENSOR, until } from './support.ts';

const spans = new tracing.InMemorySpanExporter();
const points = new sdkMetrics.InMemoryMetricExporter(sdkMetrics.AggregationTemporality.CUMULATIVE);
let telemetry: { shutdown(): Promise<void> };
let reader: sdkMetrics.PeriodicExportingMetricReader;

beforeAll(async () => {
  reader = new sdkMetrics.PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 });
  telemetry = await startTelemetry({
    spanProcessors: [new tracing.SimpleSpanProcessor(spans)],
    metricReaders: [reader],
  });
});

afterAll(async () => {
  await telemetry.shutdown();
  trace.disable();
  metrics.disable();
  context.disable();
});

describe('telemetry of a running host', () => {
  it('has a span per transfer with its parts, and counts decisions, thresholds, latencies and restarts', async () => {
    const runtime = await startRuntime({ dataDir: false, logger: false, pools: [{ name: 'ml', explorationRate: 0 }] });
    const lanes = { zeroCopy: () => Promise.reject(new Error('no memory')), grpc: async () => 'ok' };
    await trace.getTracer('host').startActiveSpan('request', async (root) => {
      await runtime.transfer({ ...TENSOR, data: 1 }, lanes);
      root.end();
    });
    await runtime.flush();
    await until(() => spans.getFinishedSpans().some((span) => span.name === 'pitwall.transfer'), 'the spans');
    const finished = spans.getFinishedSpans();
    const transfer = finished.find((span) => span.name === 'pitwall.transfer');
    const children = finished.filter((span) => span.parentSpanContext?.spanId === transfer?.spanContext().spanId);
    expect(children.map((span) => span.name).sort()).toEqual(
      ['pitwall.decide', 'pitwall.execute', 'pitwall.fallback'].sort(),
    );
    expect(transfer?.parentSpanContext?.spanId).toBe(
      finished.find((span) => span.name === 'request')?.spanContext().spanId,
    );
    expect(transfer?.attributes).toMatchObject({ 'pitwall.pool': 'ml', 'pitwall.method': 'zero_copy' });
    await reader.forceFlush();
    const names = points
      .getMetrics()
      .flatMap((resource) => resource.scopeMetrics)
      .flatMap((scope) => scope.metrics.map((metric) => metric.descriptor.name));
    for (const name of [
      'pitwall.decisions',
      'pitwall.decision.duration',
      'pitwall.transfer.duration',
      'pitwall.transfer.size',
      'pitwall.threshold',
      'pitwall.actor.mailbox',
    ]) {
      expect(names, name).toContain(name);
    }
    await runtime.shutdown();
  });
});
