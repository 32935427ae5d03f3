import { context, metrics, trace } from '@opentelemetry/api';
import type { NodeSDK, NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { PitwallError } from '../errors.ts';
import { SCOPE } from './names.ts';
import {
  openPrometheus,
  type PrometheusEndpoint,
  type PrometheusOptions,
  type RunningPrometheus,
} from './prometheus.ts';
import { hasMetrics, hasTracing } from './sdk-presence.ts';

/** All optional: what is absent comes from OpenTelemetry's environment variables (`OTEL_SERVICE_NAME`, `OTEL_EXPORTER_OTLP_ENDPOINT`, …). */
export interface StartTelemetryOptions extends Partial<NodeSDKConfiguration> {
  /** Metrics go here, periodically; `metricReaders` for anything else. */
  readonly metricExporter?: MetricExporter;
  /** Milliseconds between two exports to `metricExporter`. Default 60 000. */
  readonly metricIntervalMs?: number;
  /**
   * An endpoint for Prometheus to scrape: `true` for `http://127.0.0.1:9464/metrics`. Needs the package `@opentelemetry/exporter-prometheus`. Metrics
   * then go there, and by OTLP only where a `metricExporter` or `metricReaders` are given too. Default: none.
   */
  readonly prometheus?: boolean | PrometheusOptions;
  /** Milliseconds that `shutdown()` waits for the last export. Default 5000. */
  readonly shutdownTimeoutMs?: number;
}

type SdkModule = typeof import('@opentelemetry/sdk-node');
type MetricExporter = ConstructorParameters<SdkModule['metrics']['PeriodicExportingMetricReader']>[0]['exporter'];

export interface RunningTelemetry {
  /** Where one was asked for. */
  readonly prometheus: PrometheusEndpoint | undefined;
  /** Exports what is left and unregisters the SDK. Resolves after `shutdownTimeoutMs` at the latest, also when the receiver is gone. */
  shutdown(): Promise<void>;
}

/**
 * Starts OpenTelemetry's `NodeSDK`, for hosts that have none of their own. Call it before `startRuntime`. Spans are exported in
 * batches, metrics periodically; both by OTLP unless given exporters or told otherwise by the environment.
 *
 * @throws PitwallError `PITWALL_TELEMETRY_SDK_MISSING` when the package `@opentelemetry/sdk-node` is not installed;
 * `PITWALL_TELEMETRY_SDK_PRESENT` when an SDK is registered already: pitwall uses that one; `PITWALL_TELEMETRY_EXPORTER_MISSING` and
 * `PITWALL_TELEMETRY_ENDPOINT_FAILED` where the Prometheus endpoint cannot be had
 *
 * @example
 * const telemetry = await startTelemetry({ serviceName: 'my-host' });
 * const runtime = await startRuntime();
 * // …
 * await runtime.shutdown();
 * await telemetry.shutdown();
 */
export async function startTelemetry(options: StartTelemetryOptions = {}): Promise<RunningTelemetry> {
  const {
    metricExporter,
    metricIntervalMs = 60_000,
    shutdownTimeoutMs = 5_000,
    prometheus = false,
    ...configuration
  } = options;
  if (hasTracing(trace.getTracerProvider()) || hasMetrics(metrics.getMeter(SCOPE))) {
    throw new PitwallError(
      'PITWALL_TELEMETRY_SDK_PRESENT',
      'an OpenTelemetry SDK is registered already; pitwall uses it, do not call startTelemetry beside it',
    );
  }
  const module = await loadSdk();
  const scraped = prometheus === false ? undefined : await openPrometheus(prometheus === true ? {} : prometheus);
  const metricReaders = [
    ...(configuration.metricReaders ?? []),
    ...(scraped === undefined ? [] : [scraped.reader]),
    ...(metricExporter === undefined
      ? []
      : [
          new module.metrics.PeriodicExportingMetricReader({
            exporter: metricExporter,
            exportIntervalMillis: metricIntervalMs,
            exportTimeoutMillis: Math.min(metricIntervalMs, 30_000),
          }),
        ]),
  ];
  // An empty list says: no metrics. Without a list the environment says where they go.
  const readers = metricReaders.length > 0 ? { metricReaders } : {};
  const sdk = await started(module, { ...configuration, ...readers }, scraped);
  let stopped: Promise<void> | undefined;
  return {
    prometheus: scraped && { url: scraped.url, handler: scraped.handler },
    shutdown() {
      stopped ??= stop(sdk, shutdownTimeoutMs).then(() => scraped?.close());
      return stopped;
    },
  };
}

/** An SDK that cannot start leaves no endpoint behind. */
async function started(
  { NodeSDK }: SdkModule,
  configuration: Partial<NodeSDKConfiguration>,
  scraped: RunningPrometheus | undefined,
): Promise<NodeSDK> {
  try {
    const sdk = new NodeSDK(configuration);
    sdk.start();
    return sdk;
  } catch (error) {
    await scraped?.close();
    throw error;
  }
}

async function loadSdk(): Promise<SdkModule> {
  try {
    return await import('@opentelemetry/sdk-node');
  } catch (cause) {
    throw new PitwallError(
      'PITWALL_TELEMETRY_SDK_MISSING',
      'startTelemetry needs the package @opentelemetry/sdk-node (0.2xx), which could not be loaded: npm install @opentelemetry/sdk-node',
      { cause },
    );
  }
}

/** An exporter whose receiver is gone tries for its own, much longer time: the host's end does not wait for that. */
async function stop(sdk: NodeSDK, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  try {
    await Promise.race([sdk.shutdown(), timeout]);
  } catch {
    // What could not be exported is lost; the SDK has said so through its own diagnostics.
  } finally {
    clearTimeout(timer);
    trace.disable();
    metrics.disable();
    context.disable();
  }
}
