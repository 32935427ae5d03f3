import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { ContextCarrier } from '../otp/index.ts';
import { hasContextManager } from './sdk-presence.ts';

/**
 * Carries OpenTelemetry's context from who sends a message to the handler that takes it, for `startSystem({ contextCarrier })`: spans
 * of the handler become children of the sender's. Undefined where no context manager is registered (no SDK, no cost); a message sent
 * outside any span carries nothing.
 */
export function createContextCarrier(): ContextCarrier<Context> | undefined {
  if (!hasContextManager()) return undefined;
  return {
    capture() {
      const current = context.active();
      return current === ROOT_CONTEXT ? undefined : current;
    },
    run: (captured, handler) => context.with(captured, handler),
  };
}
