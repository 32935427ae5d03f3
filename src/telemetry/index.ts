/** `pitwall/telemetry`: a ready set-up of OpenTelemetry's Node SDK, and the names of everything pitwall reports. */
export { ATTRIBUTES, EVENTS, METRICS, SCOPE, SPANS } from './names.ts';
export type { PrometheusEndpoint, PrometheusOptions } from './prometheus.ts';
export type { RunningTelemetry, StartTelemetryOptions } from './start.ts';
export { startTelemetry } from './start.ts';
