import { type Attributes, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { PitwallError } from '../errors.ts';
import { ATTRIBUTES, SPANS } from './names.ts';

/** What spans tell of a decision. */
export interface DecidedTransfer {
  readonly transferId: string;
  readonly pool: string | undefined;
  readonly method: string;
  readonly reason: string;
  readonly explored: boolean;
  readonly fallback: boolean;
  readonly predictedLatencyUs: number | undefined;
  readonly features: { readonly dataSize: number; readonly dataType: string; readonly format: string };
}

/** Wraps the parts of a transfer in spans. Chosen at set-up: without an SDK it calls straight through. */
export interface TransferSpans {
  transfer<T>(run: () => Promise<T>): Promise<T>;
  decide<D extends DecidedTransfer>(run: () => D): D;
  execute<T>(decision: DecidedTransfer, failedOver: boolean, run: () => Promise<T>): Promise<T>;
}

export interface TrainSpan {
  /** Tells what became of the training. */
  finished(result: { readonly rows?: number; readonly modelId?: string }): void;
}

export type TraceTraining = <T>(pool: string, run: (span: TrainSpan) => Promise<T>) => Promise<T>;

export const noTransferSpans: TransferSpans = {
  transfer: (run) => run(),
  decide: (run) => run(),
  execute: (_decision, _failedOver, run) => run(),
};

export const noTrainSpans: TraceTraining = (_pool, run) => run({ finished() {} });

export function transferSpans(tracer: Tracer): TransferSpans {
  return {
    transfer: (run) => inSpan(tracer, SPANS.transfer.name, {}, run),
    decide(run) {
      const transfer = trace.getActiveSpan();
      const span = start(tracer, SPANS.decide.name, {});
      try {
        const decision = run();
        quietly(() => describeDecision(decision, span, transfer));
        return decision;
      } finally {
        quietly(() => span?.end());
      }
    },
    execute(decision, failedOver, run) {
      const name = failedOver ? SPANS.fallback.name : SPANS.execute.name;
      const method = failedOver ? 'grpc' : decision.method;
      return inSpan(tracer, name, { [ATTRIBUTES.method.name]: method }, run);
    },
  };
}

export function trainSpans(tracer: Tracer): TraceTraining {
  return (pool, run) =>
    inSpan(tracer, SPANS.train.name, { [ATTRIBUTES.pool.name]: pool }, (span) =>
      run({
        finished({ rows, modelId }) {
          quietly(() => {
            if (rows !== undefined) span?.setAttribute(ATTRIBUTES.rows.name, rows);
            if (modelId !== undefined) span?.setAttribute(ATTRIBUTES.modelId.name, modelId);
          });
        },
      }),
    );
}

function describeDecision(decision: DecidedTransfer, decide: Span | undefined, transfer: Span | undefined): void {
  const { method, reason, explored, predictedLatencyUs, features } = decision;
  const chosen = { [ATTRIBUTES.method.name]: method, [ATTRIBUTES.reason.name]: reason };
  decide?.setAttributes({
    ...chosen,
    [ATTRIBUTES.explored.name]: explored,
    ...(predictedLatencyUs === undefined ? {} : { [ATTRIBUTES.predictedLatencyUs.name]: predictedLatencyUs }),
  });
  transfer?.setAttributes({
    ...chosen,
    [ATTRIBUTES.transferId.name]: decision.transferId,
    ...(decision.pool === undefined ? {} : { [ATTRIBUTES.pool.name]: decision.pool }),
    [ATTRIBUTES.dataType.name]: features.dataType,
    [ATTRIBUTES.format.name]: features.format,
    [ATTRIBUTES.dataSize.name]: features.dataSize,
    [ATTRIBUTES.fallback.name]: decision.fallback,
  });
}

/** Runs `run` with a span as the current one. A tracer that throws costs the span, never what runs in it. */
async function inSpan<T>(
  tracer: Tracer,
  name: string,
  attributes: Attributes,
  run: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const span = start(tracer, name, attributes);
  try {
    if (span === undefined) return await run(undefined);
    return await context.with(trace.setSpan(context.active(), span), run, undefined, span);
  } catch (error) {
    quietly(() => span && recordFailure(span, error));
    throw error;
  } finally {
    quietly(() => span?.end());
  }
}

function start(tracer: Tracer, name: string, attributes: Attributes): Span | undefined {
  return quietly(() => tracer.startSpan(name, { attributes }, context.active()));
}

function recordFailure(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  if (error instanceof PitwallError) span.setAttribute('error.type', error.code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

function quietly<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
