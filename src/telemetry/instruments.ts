import { type Meter, type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import type { Logger } from '../config/types.ts';
import type { TransferRecord } from '../metrics/record.ts';
import type { SupervisorReport } from '../otp/index.ts';
import { alertLogs, type TellAlert } from './alert-logs.ts';
import type { Caps } from './attribute-sets.ts';
import { RecordFeed } from './feed.ts';
import { TransferHistograms } from './histograms.ts';
import { LabelCap } from './label-cap.ts';
import { type AttributeKey, SCOPE } from './names.ts';
import { observeSource } from './observers.ts';
import { hasMetrics, hasTracing } from './sdk-presence.ts';
import type { TelemetrySource } from './source.ts';
import {
  noTrainSpans,
  noTransferSpans,
  type TraceTraining,
  type TransferSpans,
  trainSpans,
  transferSpans,
} from './spans.ts';
import { tellReport } from './supervision.ts';
import { Worth } from './worth.ts';

export interface TelemetrySettings {
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider | undefined;
  /** Default: the global one. */
  readonly loggerProvider?: LoggerProvider | undefined;
  /** Values of one attribute that become time series of their own. Default 100. */
  readonly maxAttributeValues?: number | undefined;
  /** Pools known from the start: they have names of their own, whoever comes first later. */
  readonly pools?: readonly string[] | undefined;
  readonly logger: Logger;
  /** Of the package. */
  readonly version?: string | undefined;
}

export interface Telemetry {
  /** Whether anybody listened when this was created. */
  readonly listened: { readonly traces: boolean; readonly metrics: boolean };
  readonly spans: TransferSpans;
  readonly traceTraining: TraceTraining;
  /** Feeds the histograms, the rest of a large batch in later turns of the event loop. Off the hot path; never throws. */
  recordBatch(records: readonly TransferRecord[]): void;
  /** Feeds what still waits, at once: before the runtime is done. */
  flush(): void;
  /** Logs what a supervisor reports, and puts it on a span. Never throws. */
  report(report: SupervisorReport): void;
  /** Tells of an alert as a log record. Never throws. */
  readonly alert: TellAlert;
  /** Registers what is read at collection time. Returns how to read it a last time, for the next collection, and unregister it. */
  observe(source: TelemetrySource): () => void;
}

/** Labels whose values a host chooses. */
const CAPPED: readonly AttributeKey[] = ['pool', 'dataType', 'format', 'actor', 'supervisor', 'child'];

/**
 * pitwall's spans and metrics, on `@opentelemetry/api` alone. Whether an SDK listens is asked once, here: register it first
 * (`startTelemetry`, or the host's own). Where none does, everything returned does nothing.
 */
export function createTelemetry(settings: TelemetrySettings): Telemetry {
  const { logger, version, maxAttributeValues = 100 } = settings;
  const tracerProvider = settings.tracerProvider ?? trace.getTracerProvider();
  const tracer = hasTracing(tracerProvider) ? tracerProvider.getTracer(SCOPE, version) : undefined;
  const meter = (settings.meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE, version);
  const measured = hasMetrics(meter);

  const caps: Caps = new Map(CAPPED.map((key) => [key, new LabelCap(maxAttributeValues)]));
  for (const pool of settings.pools ?? []) caps.get('pool')?.admit(pool);
  const folded = new Map<AttributeKey, number>();
  const worth = new Worth();
  const feed = measured ? createFeed(meter, caps, folded, worth, logger) : undefined;

  return {
    listened: { traces: tracer !== undefined, metrics: measured },
    spans: tracer === undefined ? noTransferSpans : transferSpans(tracer),
    traceTraining: tracer === undefined ? noTrainSpans : trainSpans(tracer),
    recordBatch: (records) => feed?.push(records),
    flush: () => feed?.drain(),
    alert: alertLogs(settings.loggerProvider, version),
    report: (report) => tellReport(report, logger, tracer),
    observe: (source) =>
      feed === undefined
        ? () => {}
        : observeSource(meter, source, caps, { folded, skipped: () => feed.skipped }, worth),
  };
}

function createFeed(
  meter: Meter,
  caps: Caps,
  folded: Map<AttributeKey, number>,
  worth: Worth,
  logger: Logger,
): RecordFeed {
  const histograms = new TransferHistograms(meter, caps, (key) => folded.set(key, (folded.get(key) ?? 0) + 1));
  return new RecordFeed((records) => {
    const startedMs = performance.now();
    try {
      histograms.record(records);
      worth.add(records);
    } catch (error) {
      logger.warn('metrics could not be recorded', { error });
    }
    worth.feedingSeconds += (performance.now() - startedMs) / 1e3;
  });
}
