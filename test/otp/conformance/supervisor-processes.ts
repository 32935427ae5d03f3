import {
  Exit,
  type ExitReason,
  type GenServer,
  next,
  type Parent,
  type StartResult,
  startGenServer,
  startSupervisorFrom,
  whenDown,
} from '../../../src/otp/index.ts';
import { asList, asNumber, asObject, asText, isList, isObject, type Json, type JsonObject } from './json.ts';
import type { Instance, Kind, SupervisorLog } from './supervisor-log.ts';
import { termOf } from './terms.ts';

/** What a child spec of a scenario says it starts. */
interface Start {
  readonly kind: 'worker' | 'supervisor';
  readonly definition: JsonObject;
}

/** One entry of a plan: what a start attempt comes to. */
type Outcome = readonly [what: string, term: ExitReason];

/** Starts what a scenario describes at `path`, and writes down what came of it. It is the body of every start function. */
export async function startAt(
  log: SupervisorLog,
  path: string,
  start: Start,
  above: Instance | undefined,
  parent: Parent,
): Promise<StartResult> {
  const instance = log.attempt(path, kindOf(start), above);
  const [what, term] = outcomeOf(instance, start.definition);
  if (what === 'raise') {
    log.note('start', instance, ['error', ['EXIT', log.encode(term)]]);
    throw new Exit(term);
  }
  if (what === 'return') {
    log.note('start', instance, ['error', log.encode(term)]);
    return JSON.parse(JSON.stringify(term)); // nothing that a start function may return
  }
  const result = await startProcess(log, instance, start, parent);
  if (result.type === 'ok') log.runs(instance, result.ref);
  else log.note('start', instance, result.type === 'ignore' ? 'ignore' : ['error', log.encode(result.reason)]);
  return result.type === 'ok' && what === 'ok' && term !== undefined ? { ...result, info: term } : result;
}

function startProcess(log: SupervisorLog, instance: Instance, start: Start, parent: Parent): Promise<StartResult> {
  const [what, term] = outcomeOf(instance, start.definition);
  if (start.kind === 'worker') {
    return startGenServer(parent, worker, { log, instance, definition: start.definition, what, term });
  }
  return startSupervisorFrom(parent, () => {
    if (what === 'exit') throw new Exit(term);
    if (what === 'ignore') return { type: 'ignore' };
    return supervisorDefinition(log, instance, start.definition);
  });
}

function kindOf({ kind, definition }: Start): Kind {
  return kind === 'supervisor' && definition.strategy === 'simple_one_for_one' ? 'simple_one_for_one' : kind;
}

function outcomeOf(instance: Instance, definition: JsonObject): Outcome {
  const plan = asList(definition.init ?? ['ok']);
  const entry = plan[Math.min(instance.number, plan.length) - 1];
  return isList(entry) ? [asText(entry[0]), termOf(entry[1])] : [asText(entry), undefined];
}

/** Flags and child specs of a scenario, as pitwall takes them. Wrong values go through as they are. */
export function supervisorDefinition(log: SupervisorLog, instance: Instance, definition: JsonObject) {
  const { strategy, intensity, period, auto_shutdown: autoShutdown, children } = definition;
  const spec = strategy === 'simple_one_for_one' ? templateSpec : childSpec;
  return {
    flags: { strategy, intensity, period, autoShutdown },
    children: asList(children ?? []).map((child) => spec(log, instance, child)),
  };
}

/** A child spec of a scenario. What is wrong in it stays wrong, so its type is what JSON says it is: anything. */
export function childSpec(log: SupervisorLog, supervisor: Instance, given: Json) {
  return specWith(given, (start) => (parent: Parent) => {
    const id = isObject(given) && typeof given.id === 'string' ? given.id : 'undefined';
    return startAt(log, `${supervisor.path}/${id}`, start, supervisor, parent);
  });
}

function templateSpec(log: SupervisorLog, supervisor: Instance, given: Json) {
  return specWith(given, ({ kind, definition }) => (parent: Parent, name: string, overrides: JsonObject = {}) => {
    const start = { kind, definition: { ...definition, ...overrides } };
    return startAt(log, `${supervisor.path}/${name}`, start, supervisor, parent);
  });
}

function specWith<F>(given: Json, startOf: (start: Start) => F) {
  const spec = JSON.parse(JSON.stringify(given));
  if (!isObject(given) || !isObject(given.start)) return spec;
  const { worker: asWorker, supervisor } = given.start;
  const start: Start =
    asWorker === undefined
      ? { kind: 'supervisor', definition: asObject(supervisor) }
      : { kind: 'worker', definition: asObject(asWorker) };
  return { ...spec, start: startOf(start) };
}

/** What a worker is told to do. */
interface WorkerArgs {
  readonly log: SupervisorLog;
  readonly instance: Instance;
  readonly definition: JsonObject;
  readonly what: string;
  readonly term: ExitReason;
}

type WorkerState = WorkerArgs & { readonly exitsItself: boolean };

/** Stops itself. */
export interface ExitCast {
  readonly type: 'exit';
  readonly reason: ExitReason;
}

/** The worker of the scenarios: starts, ends and misbehaves as its definition says. */
const worker: GenServer<WorkerArgs, WorkerState, never, ExitCast> = {
  async init(args, self) {
    const { definition, what, term } = args;
    if (definition.init_ms !== undefined) await self.sleep(asNumber(definition.init_ms));
    self.trapExit(definition.trap_exit === true);
    if (what === 'ignore') return next.ignore();
    if (what === 'stop') return next.refuse(term);
    if (what === 'exit') throw new Exit(term);
    return next.ok({ ...args, exitsItself: false });
  },
  handleCast: ({ reason }, state) => next.stop(reason, { ...state, exitsItself: true }),
  async terminate(reason, { log, instance, definition, exitsItself }, self) {
    log.note('terminate', instance, log.encode(reason));
    if (definition.terminate_ms !== undefined) await self.sleep(asNumber(definition.terminate_ms));
    const { terminate } = definition;
    if (isList(terminate)) throw new Exit(termOf(terminate[1]));
    if (terminate === 'hang' && reason === 'shutdown' && !exitsItself && self.parent !== undefined) {
      // Ends only with a kill, or with the supervisor.
      throw new Exit(await self.wait(whenDown(self.parent)));
    }
  },
};
