/**
 * A host whose spans and metrics go to an OpenTelemetry Collector by OTLP. Where it listens is said by OpenTelemetry's own environment variables, so
 * that the same program runs on a laptop and in a cluster.
 *
 *   otelcol --config examples/collector/collector.yaml &
 *   npm run build && node scripts/run-ts.js examples/collector/service.ts
 */
import { trace } from '@opentelemetry/api';
import { startRuntime } from 'pitwall';
import { startTelemetry } from 'pitwall/telemetry';

// Unless the environment says otherwise. Metrics and logs need to be asked for, spans go by OTLP anyway.
process.env.OTEL_EXPORTER_OTLP_ENDPOINT ??= 'http://127.0.0.1:4318';
process.env.OTEL_METRICS_EXPORTER ??= 'otlp';
process.env.OTEL_LOGS_EXPORTER ??= 'otlp';

// Before the runtime, which asks once whether anybody listens.
const telemetry = await startTelemetry({ serviceName: 'collector-example' });
const runtime = await startRuntime({ dataDir: false, logger: false, pools: [{ name: 'ml' }] });

// The host's own span is the parent of pitwall's.
await trace.getTracer('collector-example').startActiveSpan('job', async (job) => {
  for (const kilobytes of [4, 400, 40_000]) {
    const data = Buffer.alloc(kilobytes * 1000);
    const length = async (bytes: Buffer) => bytes.length;
    await runtime.transfer({ pool: 'ml', data, dataType: 'binary', format: 'raw' }, { zeroCopy: length, grpc: length });
  }
  job.end();
});

// The runtime first: what it measured last is exported by the shutdown of telemetry.
await runtime.shutdown();
await telemetry.shutdown();
console.log('all is exported');
