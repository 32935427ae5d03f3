/** Carries what is ambient (such as OpenTelemetry's context) from sender to handler. */
export interface ContextCarrier<T = unknown> {
  /** Called where a message is sent. `undefined`: nothing to carry. */
  capture(): T | undefined;
  /** Called around the handler, with what `capture` gave. */
  run<R>(captured: T, handler: () => R): R;
}

/** What cannot be captured is not carried: a sender must not fail for it. */
export function unfailingCarrier(carrier: ContextCarrier): ContextCarrier {
  return {
    capture() {
      try {
        return carrier.capture();
      } catch {
        return undefined;
      }
    },
    run: (captured, handler) => carrier.run(captured, handler),
  };
}
