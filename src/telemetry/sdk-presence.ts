import {
  context,
  createContextKey,
  createNoopMeter,
  type Meter,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type TracerProvider,
} from '@opentelemetry/api';
import { SCOPE } from './names.ts';

/** Whether anybody listens, asked once at set-up: what nobody would see is not even prepared. A host starts its SDK before pitwall. */

export function hasTracing(provider: TracerProvider): boolean {
  // Without an SDK the API hands out a proxy that waits for one.
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(SCOPE) !== undefined;
}

export function hasMetrics(meter: Meter): boolean {
  return meter !== createNoopMeter();
}

/** Without a context manager the API has no current context: whatever is set is lost at once. */
export function hasContextManager(): boolean {
  const key = createContextKey('pitwall.probe');
  return context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true);
}
