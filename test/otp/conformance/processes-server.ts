import {
  type After,
  type Awaitable,
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

function isPromise<A>(value: Awaitable<A>): value is PromiseLike<A> {
  return value instanceof Promise;
}

/** Goes on at once where nothing had to be waited for. */
function chain<A, B>(value: Awaitable<A>, use: (value: A) => B): Awaitable<B> {
  return isPromise(value) ? value.then(use) : use(value);
}

const server: GenServer<Args, State, Ask, Tell, Tell, JsonObject> = {
  init(args, self) {
    const { log, name, number, definition } = args;
    log.born(name, number, self.ref);
    self.trapExit(definition.trap_exit === true);
    const state: State = { ...args, callers: new Map(), monitors: new Map() };
    return chain(act(['init'], asObject(definition.init ?? {}), 'ok', state, self), ([what, term]) => {
      if (what === 'ignore') return next.ignore();
      if (what === 'stop') return next.refuse(termOf(term));
      return next.ok(state, after(term));
    });
  },

  handleCall({ message }, from, state, self) {
    const tag = tagOf(message);
    state.callers.set(tag, from);
    return chain(act(['call', tag], message, ['reply', tag], state, self), ([what, first, second]) => {
      if (what === 'reply') return next.reply(first ?? null, state, after(second));
      if (what === 'stop' && second !== undefined) return next.stopReply(termOf(first), second, state);
      return withoutReply([what, ...(first === undefined ? [] : [first])], state);
    });
  },

  handleCast: ({ message }, state, self) => actOn('cast', message, state, self),

  handleInfo(message, state, self) {
    if (message.type === 'message') return actOn('info', message.message, state, self);
    const on = asObject(asObject(state.definition.on ?? {})[message.type] ?? {});
    const acted = act(['info', news(state.log, message)], on, 'noreply', state, self);
    return chain(acted, (returned) => withoutReply(returned, state));
  },

  handleContinue: (message, state, self) => actOn('continue', message, state, self),

  terminate(reason, state, self) {
    const { log, definition } = state;
    const acted = act(['terminate', log.encode(reason)], asObject(definition.terminate ?? {}), 'ok', state, self);
    return chain(acted, () => undefined);
  },
};

function actOn(callback: string, message: JsonObject, state: State, self: ServerSelf) {
  const acted = act([callback, tagOf(message)], message, 'noreply', state, self);
  return chain(acted, (returned) => withoutReply(returned, state));
}

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
function act(event: Json, message: JsonObject, byDefault: Json, state: State, self: ServerSelf): Awaitable<Returned> {
  state.log.note(self.ref, event);
  return chain(performAll(asList(message.do ?? []), state, self), () => {
    const returned = message.return ?? byDefault;
    const [what, ...rest] = isList(returned) ? returned : [returned];
    if (what === 'exit') throw new Exit(termOf(rest[0]));
    return [asText(what), ...rest];
  });
}

function performAll(actions: readonly Json[], state: State, self: ServerSelf): Awaitable<void> {
  for (const [index, action] of actions.entries()) {
    const waits = perform(asList(action), state, self);
    if (waits !== undefined) return waits.then(() => performAll(actions.slice(index + 1), state, self));
  }
}

/** Waits only where Erlang would: what is done without waiting happens before any news is heard. */
function perform(action: readonly Json[], state: State, self: ServerSelf): Promise<void> | undefined {
  const [what, ...args] = action;
  const { log } = state;
  // What was on its way when the process died comes to nothing.
  const told = (kind: string, result: Json): void => {
    if (self.ref.alive) log.note(self.ref, [kind, result]);
  };
  const target = (): Server => destinationOf(log, self, asText(args[0]));
  const process = () => log.resolve(asText(args[0]));
  switch (what) {
    case 'sleep':
      return self.sleep(asNumber(args[0]));
    case 'call': {
      const timeoutMs = args[2] === undefined ? Number.POSITIVE_INFINITY : asNumber(args[2]);
      const reply = self.call(target(), { type: 'message', message: asObject(args[1]) }, { timeoutMs });
      return outcomeOf(log, reply).then((result) => told('called', result));
    }
    case 'cast':
      self.cast(target(), { type: 'message', message: asObject(args[1]) });
      return undefined;
    case 'send':
      self.send(target(), { type: 'message', message: asObject(args[1]) });
      return undefined;
    case 'reply_to': {
      const from = state.callers.get(asText(args[0]));
      if (from !== undefined) reply(from, args[1] ?? null);
      return undefined;
    }
    case 'start':
    case 'start_link': {
      const start = startServer(log, self, asText(args[0]), asObject(args[1]), what === 'start_link');
      return self.wait(start).then((result) => told('started', startResult(log, result)));
    }
    case 'stop':
      return self.wait(outcomeOf(log, stop(target(), termOf(args[1])), 'ok')).then((result) => told('stopped', result));
    case 'link':
      self.link(process());
      return undefined;
    case 'unlink':
      self.unlink(process());
      return undefined;
    case 'monitor': {
      const key = asText(args[0]);
      state.monitors.set(key, [...(state.monitors.get(key) ?? []), self.monitor(target())]);
      return undefined;
    }
    case 'demonitor': {
      const watch = state.monitors.get(asText(args[0]))?.pop();
      if (watch !== undefined) self.demonitor(watch, { flush: args[1] === 'flush' });
      return undefined;
    }
    case 'trap_exit':
      self.trapExit(args[0] === true);
      return undefined;
    case 'exit_signal':
      self.exit(process(), termOf(args[1]));
      return undefined;
    default:
      throw new Error(`no such action: ${JSON.stringify(action)}`);
  }
}
