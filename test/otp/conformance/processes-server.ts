import {
  type After,
  type Call,
  CallError,
  type Destination,
  Exit,
  type From,
  type GenServer,
  type MonitorRef,
  named,
  next,
  type Parent,
  reply,
  type Self,
  type StartResult,
  type SystemMessage,
  startGenServer,
  stop,
} from '../../../src/otp/index.ts';
import { asList, asNumber, asObject, asText, isList, type Json, type JsonObject } from './json.ts';
import type { ProcessesLog } from './processes-log.ts';
import { termOf } from './terms.ts';

/** What a server is asked: each message says what its handler is to do. */
export interface Ask extends Call<Json> {
  readonly type: 'message';
  readonly message: JsonObject;
}
/** The same as a cast, or as an ordinary message. */
export interface Tell {
  readonly type: 'message';
  readonly message: JsonObject;
}

export type Server = Destination<Ask, Tell, Tell>;
type ServerSelf = Self<Ask, Tell, Tell>;

interface Args {
  readonly log: ProcessesLog;
  readonly name: string;
  readonly number: number;
  readonly definition: JsonObject;
}

interface State extends Args {
  readonly callers: Map<string, From<Json>>;
  readonly monitors: Map<string, MonitorRef[]>;
}

/** Starts a server of a scenario, linked to `parent` or not. */
export function startServer(
  log: ProcessesLog,
  parent: Parent,
  name: string,
  definition: JsonObject,
  link: boolean,
): Promise<StartResult> {
  const { register, timeout } = definition;
  return startGenServer(
    parent,
    server,
    { log, name, number: log.attempt(name), definition },
    {
      name,
      link,
      ...(register !== undefined && { register: asText(register) }),
      ...(timeout !== undefined && { initTimeoutMs: asNumber(timeout) }),
    },
  );
}

/** What a start came to, as a trace writes it. */
export function startResult(log: ProcessesLog, result: StartResult): Json {
  if (result.type === 'ignore') return 'ignore';
  return result.type === 'ok' ? ['ok', log.encode(result.ref)] : ['error', log.encode(result.reason)];
}

/** The outcome of something that fails as a call does, as a trace writes it. */
export async function outcomeOf(log: ProcessesLog, work: Promise<unknown>, ok?: Json): Promise<Json> {
  try {
    const value = await work;
    return ok ?? log.encode(value);
  } catch (error) {
    if (error instanceof CallError) return ['EXIT', log.encode(error.reason)];
    throw error;
  }
}

/** What a reference means: `@x` the registered name x, all else a process. */
export function destinationOf(log: ProcessesLog, parent: Parent, reference: string): Server {
  return reference.startsWith('@') ? named<Ask, Tell, Tell>(parent, reference.slice(1)) : log.resolve(reference);
}

/** What a handler says at its end, undone from JSON. */
type Returned = readonly [what: string, ...rest: Json[]];

const server: GenServer<Args, State, Ask, Tell, Tell, JsonObject> = {
  async init(args, self) {
    const { log, name, number, definition } = args;
    log.born(name, number, self.ref);
    self.trapExit(definition.trap_exit === true);
    const state: State = { ...args, callers: new Map(), monitors: new Map() };
    const [what, term] = await act(['init'], asObject(definition.init ?? {}), 'ok', state, self);
    if (what === 'ignore') return next.ignore();
    if (what === 'stop') return next.refuse(termOf(term));
    return next.ok(state, after(term));
  },

  async handleCall({ message }, from, state, self) {
    const tag = tagOf(message);
    state.callers.set(tag, from);
    const [what, first, second] = await act(['call', tag], message, ['reply', tag], state, self);
    if (what === 'reply') return next.reply(first ?? null, state, after(second));
    if (what === 'stop' && second !== undefined) return next.stopReply(termOf(first), second, state);
    return withoutReply([what, ...(first === undefined ? [] : [first])], state);
  },

  async handleCast({ message }, state, self) {
    return withoutReply(await act(['cast', tagOf(message)], message, 'noreply', state, self), state);
  },

  async handleInfo(message, state, self) {
    if (message.type === 'message') {
      return withoutReply(await act(['info', tagOf(message.message)], message.message, 'noreply', state, self), state);
    }
    const on = asObject(asObject(state.definition.on ?? {})[message.type] ?? {});
    return withoutReply(await act(['info', news(state.log, message)], on, 'noreply', state, self), state);
  },

  async handleContinue(message, state, self) {
    return withoutReply(await act(['continue', tagOf(message)], message, 'noreply', state, self), state);
  },

  async terminate(reason, state, self) {
    const { log, definition } = state;
    await act(['terminate', log.encode(reason)], asObject(definition.terminate ?? {}), 'ok', state, self);
  },
};

function news(log: ProcessesLog, message: SystemMessage): Json {
  switch (message.type) {
    case 'timeout':
      return 'timeout';
    case 'EXIT':
      return ['EXIT', log.encode(message.from), log.encode(message.reason)];
    case 'DOWN': {
      const who = typeof message.process === 'string' ? `@${message.process}` : log.encode(message.process);
      return ['DOWN', who, log.encode(message.reason)];
    }
    default:
      return message satisfies never;
  }
}

function tagOf(message: JsonObject): string {
  return asText(message.tag ?? '');
}

function withoutReply([what, term]: Returned, state: State) {
  return what === 'stop' ? next.stop(termOf(term), state) : next.noreply(state, after(term));
}

function after(json: Json | undefined): After<JsonObject> | undefined {
  if (!isList(json)) return undefined;
  const [what, value] = json;
  return what === 'timeout' ? next.timeout(asNumber(value)) : next.continue(asObject(value));
}

/** Writes down that a callback began, does what the message says, and gives what it says to return. */
async function act(
  event: Json,
  message: JsonObject,
  byDefault: Json,
  state: State,
  self: ServerSelf,
): Promise<Returned> {
  state.log.note(self.ref, event);
  for (const action of asList(message.do ?? [])) await perform(asList(action), state, self);
  const returned = message.return ?? byDefault;
  const [what, ...rest] = isList(returned) ? returned : [returned];
  if (what === 'exit') throw new Exit(termOf(rest[0]));
  return [asText(what), ...rest];
}

async function perform(action: readonly Json[], state: State, self: ServerSelf): Promise<void> {
  const [what, ...args] = action;
  const { log } = state;
  const told = (kind: string, result: Json): void => log.note(self.ref, [kind, result]);
  const target = (): Server => destinationOf(log, self, asText(args[0]));
  const process = () => log.resolve(asText(args[0]));
  switch (what) {
    case 'sleep':
      return self.sleep(asNumber(args[0]));
    case 'call': {
      const timeoutMs = args[2] === undefined ? Number.POSITIVE_INFINITY : asNumber(args[2]);
      const reply = self.call(target(), { type: 'message', message: asObject(args[1]) }, { timeoutMs });
      return told('called', await outcomeOf(log, reply));
    }
    case 'cast':
      self.cast(target(), { type: 'message', message: asObject(args[1]) });
      return;
    case 'send':
      self.send(target(), { type: 'message', message: asObject(args[1]) });
      return;
    case 'reply_to': {
      const from = state.callers.get(asText(args[0]));
      if (from !== undefined) reply(from, args[1] ?? null);
      return;
    }
    case 'start':
    case 'start_link': {
      const start = startServer(log, self, asText(args[0]), asObject(args[1]), what === 'start_link');
      return told('started', startResult(log, await self.wait(start)));
    }
    case 'stop':
      return told('stopped', await self.wait(outcomeOf(log, stop(target(), termOf(args[1])), 'ok')));
    case 'link':
      return self.link(process());
    case 'unlink':
      return self.unlink(process());
    case 'monitor': {
      const key = asText(args[0]);
      state.monitors.set(key, [...(state.monitors.get(key) ?? []), self.monitor(target())]);
      return;
    }
    case 'demonitor': {
      const watch = state.monitors.get(asText(args[0]))?.pop();
      if (watch !== undefined) self.demonitor(watch, { flush: args[1] === 'flush' });
      return;
    }
    case 'trap_exit':
      self.trapExit(args[0] === true);
      return;
    case 'exit_signal':
      return self.exit(process(), termOf(args[1]));
    default:
      throw new Error(`no such action: ${JSON.stringify(action)}`);
  }
}
