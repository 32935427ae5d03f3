/** What a worker's script says of itself. */

/** What a handler may know beside its payload. */
export interface HandlerContext {
  readonly command: string;
  /** Which lane the payload came through. */
  readonly lane: 'grpc' | 'zero_copy';
  /** Aborted when the caller gave up. */
  readonly signal: AbortSignal;
}

/**
 * Does one command. The payload is what the caller gave: a tensor `{ data, shape }`, an Arrow table, a Buffer, a string, or a JSON value. Over the
 * zero-copy lane it is a view of shared memory that is only good until the handler returns: copy what is to be kept.
 */
export type Handler<Payload = never, Result = unknown> = (
  payload: Payload,
  context: HandlerContext,
) => Result | PromiseLike<Result>;

export type Handlers = Readonly<Record<string, Handler>>;

/**
 * The worker of a pool: handlers by name, as the default export of its script.
 *
 * @example
 * export default defineWorker({ sum: (tensor: Tensor) => tensor.data.reduce((a, b) => a + b, 0) });
 */
export function defineWorker<H extends Handlers>(handlers: H): H {
  return handlers;
}
