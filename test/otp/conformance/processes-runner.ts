import {
  call,
  cast,
  exit,
  type ProcessRef,
  resume,
  type StartResult,
  send,
  startSupervisorFrom,
  stop,
  suspend,
  whereis,
} from '../../../src/otp/index.ts';
import { asList, asNumber, asObject, asText, type Json, type JsonObject } from './json.ts';
import { ProcessesLog } from './processes-log.ts';
import {
  type Ask,
  destinationOf,
  outcomeOf,
  type Server,
  startResult,
  startServer,
  type Tell,
} from './processes-server.ts';
import { Stage } from './stage.ts';
import { termOf } from './terms.ts';

const NO_LIMIT = { timeoutMs: Number.POSITIVE_INFINITY };

/** Runs one scenario of processes on pitwall's own. Scenario in, trace out. */
export async function runProcessesScenario(scenario: JsonObject): Promise<Json> {
  const run = new Run();
  const steps: Json[] = [];
  for (const op of asList(scenario.steps)) steps.push(await run.step(asObject(op)));
  return { name: asText(scenario.name), steps };
}

class Run {
  readonly #stage = new Stage();
  readonly #log = new ProcessesLog();

  async step(op: JsonObject): Promise<Json> {
    const result = await this.#stage.drive(this.#perform(op));
    await this.#stage.rest(() => this.#log.living);
    return { result, events: this.#log.take(), alive: this.#log.alive };
  }

  async #perform(op: JsonObject): Promise<Json> {
    switch (op.op) {
      case 'start':
        return this.#started(startServer(this.#log, this.#stage.system, asText(op.name), asObject(op.server), false));
      case 'start_supervisor':
        return this.#started(this.#startSupervisor(asText(op.name), asList(op.children)));
      case 'suspended':
        return this.#suspended(this.#log.resolve(asText(op.server)), asList(op.ops));
      case 'sleep':
        await this.#stage.sleep(asNumber(op.ms));
        return 'ok';
      case 'whereis':
        return this.#log.encode(whereis(this.#stage.system, asText(op.name)));
      default:
        return this.#request(op);
    }
  }

  async #request(op: JsonObject): Promise<Json> {
    const to = destinationOf(this.#log, this.#stage.system, asText(op.to));
    const options = op.timeout === undefined ? NO_LIMIT : { timeoutMs: asNumber(op.timeout) };
    switch (op.op) {
      case 'call': {
        const message = { type: 'message', message: asObject(op.message) } as const;
        return outcomeOf(this.#log, call<Ask, 'message'>(to, message, options));
      }
      case 'cast':
        cast<Tell>(to, { type: 'message', message: asObject(op.message) });
        return 'ok';
      case 'send':
        return this.#send(to, asObject(op.message));
      case 'exit_signal':
        exit(this.#log.resolve(asText(op.to)), termOf(op.reason));
        return 'ok';
      case 'stop':
        return outcomeOf(this.#log, stop(to, termOf(op.reason ?? 'normal'), options), 'ok');
      default:
        throw new Error(`no such step: ${JSON.stringify(op)}`);
    }
  }

  /** Erlang raises `badarg` for a name that nobody has. */
  #send(to: Server, message: JsonObject): Json {
    if ('registered' in to && to.whereis() === undefined) return ['error', 'badarg'];
    send<Tell>(to, { type: 'message', message });
    return 'ok';
  }

  /** Each op until its message is in the queue, which is at once. */
  async #suspended(server: ProcessRef, ops: readonly Json[]): Promise<Json> {
    await suspend(server, NO_LIMIT);
    const results = ops.map((op) => this.#perform(asObject(op)));
    await resume(server, NO_LIMIT).catch(() => undefined); // it may be dead by now
    return Promise.all(results);
  }

  async #started(start: Promise<StartResult>): Promise<Json> {
    return startResult(this.#log, await start);
  }

  async #startSupervisor(name: string, children: readonly Json[]): Promise<StartResult> {
    const number = this.#log.attempt(name);
    const specs = children.map(asObject).map((child) => ({
      id: asText(child.name),
      start: (parent: Parameters<typeof startServer>[1]) =>
        startServer(this.#log, parent, asText(child.name), asObject(child.server), true),
    }));
    const init = () => ({ flags: { intensity: 10 }, children: specs });
    const result = await startSupervisorFrom(this.#stage.system, init, { name, link: false });
    if (result.type === 'ok') this.#log.born(name, number, result.ref);
    return result;
  }
}
