import { trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import {
  type Call,
  call,
  cast,
  type GenServer,
  next,
  started,
  startGenServer,
  startSystem,
  stopSystem,
} from '../../src/otp/index.ts';
import { createContextCarrier } from '../../src/telemetry/context.ts';
import { createTelemetry } from '../../src/telemetry/instruments.ts';
import { type Sdk, startSdk } from './sdk.ts';

interface Ask extends Call<string> {
  readonly type: 'ask';
}
interface Tell {
  readonly type: 'tell';
  readonly done: () => void;
}

/** Opens a span for each message, as pitwall's own actors may. */
const tracing: GenServer<undefined, null, Ask, Tell> = {
  init: () => next.ok(null),
  handleCall(_message, _from, state) {
    const span = trace.getTracer('actor').startSpan('handle ask');
    span.end();
    return next.reply(span.spanContext().traceId, state);
  },
  async handleCast(message, state) {
    await Promise.resolve();
    trace.getTracer('actor').startSpan('handle tell').end();
    message.done();
    return next.noreply(state);
  },
};

describe('with an SDK', () => {
  let sdk: Sdk | undefined;
  afterEach(async () => {
    await sdk?.stop();
    sdk = undefined;
  });

  it('the spans of an actor are children of the span in which the message was sent', async () => {
    sdk = startSdk();
    const contextCarrier = createContextCarrier();
    expect(contextCarrier).toBeDefined();
    const system = startSystem({ name: 'context-test', ...(contextCarrier && { contextCarrier }) });
    const actor = started(await startGenServer(system, tracing, undefined));
    const host = trace.getTracer('host');

    const traceId = await host.startActiveSpan('sends', async (span) => {
      const answer = await call(actor, { type: 'ask' });
      await new Promise<void>((done) => void cast(actor, { type: 'tell', done }));
      span.end();
      return answer;
    });
    const outside = await call(actor, { type: 'ask' });
    await stopSystem(system);

    const [ask, tell, sends, alone] = sdk.spans();
    expect(traceId).toBe(sends?.spanContext().traceId);
    expect(ask?.parentSpanContext?.spanId).toBe(sends?.spanContext().spanId);
    expect(tell?.parentSpanContext?.spanId).toBe(sends?.spanContext().spanId);
    expect(alone?.parentSpanContext).toBeUndefined();
    expect(outside).not.toBe(traceId);
  });
});

describe('without an SDK', () => {
  it('there is nothing to carry, no span and no metric', async () => {
    expect(createContextCarrier()).toBeUndefined();
    const telemetry = createTelemetry({ logger: parseConfig({ logger: false }).logger });
    expect(telemetry.listened).toEqual({ traces: false, metrics: false });
    const run = async () => 1;
    expect(await telemetry.spans.transfer(run)).toBe(1);
    const never = (): never => {
      throw new Error('nobody collects');
    };
    telemetry.observe({
      ...{ decisions: never, thresholds: never, mailboxes: never, restarts: never, dropped: never },
      ...{ alerts: never, webhook: never, costModel: never, pools: never },
      ...{ thresholdAdjustments: never, trainings: never, machine: never },
    })();
  });
});
