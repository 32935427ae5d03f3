/** The real SDK with its in-memory exporters, registered as a host would. */
import { context, metrics, trace } from '@opentelemetry/api';
import { NodeSDK, node, metrics as sdkMetrics } from '@opentelemetry/sdk-node';

export interface Sdk {
  spans(): node.ReadableSpan[];
  /** Collects now; the data points of one metric as `{ attributes, value }`. */
  points(metric: string): Promise<{ attributes: Record<string, unknown>; value: unknown }[]>;
  /** What is collected now, by metric name. */
  collect(): Promise<Map<string, sdkMetrics.MetricData>>;
  stop(): Promise<void>;
}

export function startSdk(): Sdk {
  const spanExporter = new node.InMemorySpanExporter();
  const exporter = new sdkMetrics.InMemoryMetricExporter(sdkMetrics.AggregationTemporality.CUMULATIVE);
  const reader = new sdkMetrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const sdk = new NodeSDK({
    spanProcessors: [new node.SimpleSpanProcessor(spanExporter)],
    metricReaders: [reader],
    logRecordProcessors: [],
    autoDetectResources: false,
    instrumentations: [],
  });
  sdk.start();
  const collect = async (): Promise<Map<string, sdkMetrics.MetricData>> => {
    exporter.reset();
    await reader.forceFlush();
    const scopes = exporter.getMetrics().flatMap((resource) => resource.scopeMetrics);
    return new Map(
      scopes
        .filter(({ scope }) => scope.name === 'pitwall')
        .flatMap(({ metrics }) => metrics.map((each) => [each.descriptor.name, each])),
    );
  };
  return {
    spans: () => spanExporter.getFinishedSpans(),
    collect,
    async points(metric) {
      const data = (await collect()).get(metric);
      return (data?.dataPoints ?? []).map(({ attributes, value }) => ({ attributes, value }));
    },
    async stop() {
      await sdk.shutdown();
      trace.disable();
      metrics.disable();
      context.disable();
    },
  };
}
